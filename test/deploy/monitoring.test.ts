// The dashboard and the alert rules ask for metrics that the server has, and for labels that they have.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { programFolder } from '../../src/base/program-folder.ts';
import { MemoryAuditFolder } from '../support/audit/memory-audit-folder.ts';
import { startApp } from '../support/http/start-app.ts';

const textOf = (name: string): string => readFileSync(join(programFolder, 'deploy', name), 'utf8');

interface Panel {
  readonly title: string;
  readonly id: number;
  readonly targets: readonly { readonly expr: string }[];
}

const dashboard = JSON.parse(textOf('grafana-dashboard.json')) as { panels: readonly Panel[] };
const { groups } = parse(textOf('prometheus-alerts.yml')) as {
  groups: { rules: { alert: string; expr: string; annotations: { summary: string } }[] }[];
};
const rules = groups.flatMap((group) => group.rules);

/** Names of all metrics, those of the parts of histograms among them. */
let metrics: Set<string>;

beforeAll(async () => {
  const auditLog = new AuditLog({
    folder: new MemoryAuditFolder(),
    fileBytesMax: 1024 * 1024,
    filesMax: 2,
    onFull: 'refuse',
    nowMs: () => 0,
    logger: { error: () => undefined, info: () => undefined },
  });
  const { url, close } = await startApp({ auditLog });
  const text = await (await fetch(`${url}/metrics`)).text();
  await close();
  metrics = new Set();
  for (const [, name = '', type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    metrics.add(name);
    if (type === 'histogram') {
      for (const part of ['bucket', 'sum', 'count']) metrics.add(`${name}_${part}`);
    }
  }
});

const namesIn = (expression: string): string[] => expression.match(/\bholdfast_\w+/g) ?? [];

describe('the dashboard', () => {
  test('has panels, each with a title, a number of its own and something to ask for', () => {
    expect(dashboard.panels.length).toBeGreaterThan(10);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    for (const { title, targets } of dashboard.panels) {
      expect(title).not.toBe('');
      expect(targets.flatMap(({ expr }) => namesIn(expr)).length).toBeGreaterThan(0);
    }
  });

  test('asks for metrics that there are', () => {
    const asked = dashboard.panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) => namesIn(expr)),
    );
    expect(asked.filter((name) => !metrics.has(name))).toEqual([]);
  });
});

describe('the alert rules', () => {
  test('ask for metrics that there are', () => {
    expect(rules.length).toBeGreaterThan(5);
    const asked = rules.flatMap(({ expr }) => namesIn(expr));
    expect(asked.filter((name) => !metrics.has(name))).toEqual([]);
  });

  test('have a name and a summary each', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, annotations } of rules) {
      expect(alert).toMatch(/^Holdfast[A-Z]\w+$/);
      expect(annotations.summary).toMatch(/\.$/);
    }
  });
});

import { expect, test } from 'vitest';
import { processMetrics } from '../../../src/http/metrics/process-metrics.ts';
import { openApp } from '../../support/http/open-app.ts';

test('the metrics of the process are collected once, and every server shows them', async () => {
  const servers = [await openApp(), await openApp()];
  const shared = processMetrics();
  expect(processMetrics()).toBe(shared);
  const names = shared.getMetricsAsArray().map(({ name }) => name);
  expect(names).toEqual(
    expect.arrayContaining(['process_cpu_seconds_total', 'nodejs_gc_duration_seconds']),
  );
  for (const { url } of servers) {
    // oxlint-disable-next-line no-await-in-loop -- few
    const text = await (await fetch(`${url}/metrics`)).text();
    const types = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    expect(types).toEqual(expect.arrayContaining(names));
    expect(new Set(types).size).toBe(types.length);
  }
});

import { beforeEach, describe, expect, test } from 'vitest';
import { decideSalvaged, type SalvagedTraces } from '../../src/tools/decide-salvaged.ts';
import type { Finding } from '../../src/tools/finding.ts';

interface Has {
  readonly part?: boolean;
  readonly note?: boolean;
  readonly doubt?: boolean;
}

/** Of one transaction, `t`, over the first two shards. */
function shard({ part = false, note, doubt = false }: Has): SalvagedTraces {
  return {
    parts: new Map(part ? [['t', { shards: [0, 1] }]] : []),
    notes: new Map(note === undefined ? [] : [['t', note]]),
    isDoubtful: doubt,
  };
}

let findings: Finding[];
beforeEach(() => {
  findings = [];
});

function report(finding: Finding): void {
  findings.push(finding);
}

function decide(...shards: readonly Has[]) {
  const traces = shards.map((has) => shard(has));
  return decideSalvaged(traces, report).get('t');
}

describe('a transaction is decided as by a start, and that is certain,', () => {
  test.each<[string, boolean, Has[]]>([
    ['nothing is lost, all parts are there', true, [{ part: true }, { part: true }]],
    ['nothing is lost, a part is not there', false, [{ part: true }, {}]],
    [
      'a note is there',
      true,
      [
        { part: true, doubt: true },
        { note: true, doubt: true },
      ],
    ],
    ['a note is there that says no', false, [{ part: true, doubt: true }, { note: false }]],
    ['only others have lost lines', true, [{ part: true }, { part: true }, { doubt: true }]],
  ])('where %s', (_, isCommitted, shards) => {
    expect(decide(...shards)).toEqual({ isCommitted, isDoubtful: false });
    expect(findings).toEqual([]);
  });
});

describe('it is told as a finding', () => {
  test.each<[string, boolean, Has[]]>([
    ['kept, where its note may be lost', true, [{ part: true }, { part: true, doubt: true }]],
    ['dropped, where its part may be lost', false, [{ part: true }, { doubt: true }]],
    ['dropped, where its own note may be lost', false, [{ part: true, doubt: true }, {}]],
    ['dropped, where a shard of it is not there', false, [{ part: true }]],
  ])('that it is %s', (_, isCommitted, shards) => {
    expect(decide(...shards)).toEqual({ isCommitted, isDoubtful: true });
    const parts = shards.flatMap(({ part }, index) => (part === true ? [index] : []));
    const kept = isCommitted ? 'all' : 'nothing';
    expect(findings).toEqual([
      {
        finding: 'transaction',
        transaction: 't',
        shards: [0, 1],
        parts,
        kept,
        what: expect.any(String),
      },
    ]);
  });
});

import { beforeEach, describe, expect, test } from 'vitest';
import { resolveSalvaged, type SalvagedTraces } from '../../src/tools/resolve-salvaged.ts';
import type { Finding } from '../../src/tools/finding.ts';

interface Has {
  readonly prepared?: boolean;
  /** The recorded outcome: true if committed. */
  readonly outcome?: boolean;
  readonly doubt?: boolean;
}

/** A shard's records of one transaction, `t`. Its participants are the first two shards. */
function shard({ prepared = false, outcome, doubt = false }: Has): SalvagedTraces {
  return {
    prepared: new Map(prepared ? [['t', { participants: [0, 1] }]] : []),
    outcomes: new Map(outcome === undefined ? [] : [['t', outcome]]),
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

function resolve(...shards: readonly Has[]) {
  const traces = shards.map((has) => shard(has));
  return resolveSalvaged(traces, report).get('t');
}

const prepared: Has = { prepared: true };
const doubtful: Has = { doubt: true };

describe('a transaction in doubt is resolved as by a start, with certainty,', () => {
  test.each<[string, boolean, Has[]]>([
    ['nothing is lost and all participants have prepared it', true, [prepared, prepared]],
    ['nothing is lost and one participant has not prepared it', false, [prepared, {}]],
    [
      'one has recorded the commit',
      true,
      [
        { prepared: true, doubt: true },
        { outcome: true, doubt: true },
      ],
    ],
    ['one has recorded the abort', false, [{ prepared: true, doubt: true }, { outcome: false }]],
    ['only others have lost lines', true, [prepared, prepared, doubtful]],
  ])('if %s', (_, isCommitted, shards) => {
    expect(resolve(...shards)).toEqual({ isCommitted, isDoubtful: false });
    expect(findings).toEqual([]);
  });
});

describe('a finding says', () => {
  test.each<[string, boolean, RegExp, Has[]]>([
    [
      'committed, if an outcome may be lost',
      true,
      /^lines are lost .* is committed, /,
      [prepared, { ...prepared, ...doubtful }],
    ],
    [
      'aborted, if prepared changes may be lost',
      false,
      /^lines are lost .* is aborted, /,
      [prepared, doubtful],
    ],
    [
      'aborted, if its own outcome may be lost',
      false,
      /is aborted/,
      [{ ...prepared, ...doubtful }, {}],
    ],
    ['aborted, if a participant is not there', false, /is aborted/, [prepared]],
  ])('that the transaction is %s', (_, isCommitted, what, shards) => {
    expect(resolve(...shards)).toEqual({ isCommitted, isDoubtful: true });
    const holders = shards.flatMap((has, index) => (has.prepared === true ? [index] : []));
    const kept = isCommitted ? 'all' : 'nothing';
    expect(findings).toEqual([
      {
        finding: 'transaction',
        transaction: 't',
        participants: [0, 1],
        prepared: holders,
        kept,
        what: expect.stringMatching(what),
      },
    ]);
  });
});

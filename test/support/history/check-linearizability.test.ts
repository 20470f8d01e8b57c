import { describe, expect, test } from 'vitest';
import { randomBelow, seededRandom } from '../random.ts';
import { isLinearizableByBruteForce } from './brute-force.ts';
import { checkLinearizability } from './check-linearizability.ts';
import { HistoryRecorder } from './history-recorder.ts';
import { corrupted, randomHistory } from './random-history.ts';
import type { Call, CallOutcome, RecordedCall } from './recorded-call.ts';

const seed = Number(process.env['HISTORY_SEED'] ?? 1);

function call(
  [invoked, returned]: [number, number],
  asked: Call,
  outcome: CallOutcome,
): RecordedCall {
  return { client: 'c', key: 'k', call: asked, invoked, returned, outcome };
}

const written = (version: number, created = false): CallOutcome => ({
  kind: 'written',
  version,
  created,
});
const found = (version: number, value: string): CallOutcome => ({ kind: 'found', version, value });

describe('small histories', () => {
  test.each([
    { what: 'valid', lie: false, goodMin: 3000, badMin: 0 },
    { what: 'corrupted', lie: true, goodMin: 250, badMin: 250 },
  ])(
    'thousands of $what ones are judged as brute force judges them',
    ({ lie, goodMin, badMin }) => {
      const counts = { good: 0, bad: 0 };
      for (let run = 0; run < 3000; run++) {
        const random = seededRandom(seed * 1_000_003 + run);
        const valid = randomHistory(random, {
          calls: 2 + randomBelow(random, 6),
          clients: 1 + randomBelow(random, 4),
          lostShare: [0, 0.3, 0.6][run % 3] ?? 0,
          ttlShare: [0, 0.4][run % 2] ?? 0,
        });
        const history = lie ? corrupted(valid, random) : valid;
        const isGood = isLinearizableByBruteForce(history);
        const violation = checkLinearizability(history);
        const isAgreed = (violation === undefined) === isGood;
        expect(isAgreed, `HISTORY_SEED=${seed} run ${run}: ${JSON.stringify(history)}`).toBe(true);
        counts[isGood ? 'good' : 'bad'] += 1;
      }
      // If the generator made histories of one kind only, the test would show nothing.
      expect(counts.good).toBeGreaterThanOrEqual(goodMin);
      expect(counts.bad).toBeGreaterThanOrEqual(badMin);
    },
  );
});

describe('long histories', () => {
  const long = { calls: 20_000, clients: 16, lostShare: 0.1, ttlShare: 0.1 };

  test('are judged quickly, calls of unknown outcome and deadlines among them', () => {
    const history = randomHistory(seededRandom(seed), long);
    const began = performance.now();
    expect(checkLinearizability(history)).toBeUndefined();
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  test('one old value read among them is found, and where', () => {
    const history = randomHistory(seededRandom(seed), { ...long, calls: 2000 });
    const reads = history.filter(
      ({ outcome }) => outcome.kind === 'found' && outcome.value !== undefined,
    );
    const [older] = reads.slice(reads.length / 8);
    const [honest] = reads.slice(reads.length / 4);
    if (older === undefined || honest === undefined) throw new Error('too few reads');
    const lie = { ...honest, outcome: older.outcome };
    const violation = checkLinearizability(history.with(history.indexOf(honest), lie));
    expect(violation?.call).toEqual(lie);
    expect(violation?.explanation).toContain('a later version was acknowledged before');
  });
});

describe('a violation is', () => {
  const first = call([0, 1], { op: 'put', value: 'a' }, written(1, true));

  test('an acknowledged write that a later read does not show', () => {
    const read = call([2, 3], { op: 'get' }, { kind: 'missing' });
    const violation = checkLinearizability([first, read]);
    expect(violation?.call).toBe(read);
    expect(violation?.explanation).toContain('leaves a version 1');
  });

  test('a value whose put was answered not-applied', () => {
    const refused = call([2, 3], { op: 'put', value: 'b' }, { kind: 'not-applied' });
    const read = call([4, 5], { op: 'get' }, found(2, 'b'));
    const violation = checkLinearizability([first, refused, read]);
    expect(violation?.explanation).toContain('said not to happen');
  });

  test('a version that is given twice, over a delete too', () => {
    const gone = call([2, 3], { op: 'delete' }, { kind: 'deleted' });
    const again = call([4, 5], { op: 'put', value: 'b' }, written(1, true));
    expect(checkLinearizability([first, gone, again])?.call).toBe(again);
  });

  test('a value that comes, goes and comes back', () => {
    const second = call([2, Infinity], { op: 'put', value: 'b' }, { kind: 'unknown' });
    const reads = [found(2, 'b'), found(1, 'a')].map((outcome, index) =>
      call([4 + 2 * index, 5 + 2 * index], { op: 'get' }, outcome),
    );
    expect(checkLinearizability([first, second, ...reads])?.call).toBe(reads[1]);
  });

  test('an entry that is there behind a delete that does not say whether it was', () => {
    const gone = call([2, 3], { op: 'delete' }, { kind: 'gone' });
    const read = call([4, 5], { op: 'get' }, found(1, 'a'));
    expect(checkLinearizability([first, gone, read])?.call).toBe(read);
  });

  test('an entry that is there when its deadline has passed', () => {
    const deadline = call([2, 3], { op: 'expire', value: 'a' }, { kind: 'expired' });
    const read = call([4, 5], { op: 'get' }, found(1, 'a'));
    expect(checkLinearizability([first, deadline, read])?.call).toBe(read);
  });
});

describe('no violation is', () => {
  test('a write of unknown outcome that happens late, or never', () => {
    const unknown = call([0, Infinity], { op: 'put', value: 'a' }, { kind: 'unknown' });
    const missing = call([1, 2], { op: 'get' }, { kind: 'missing' });
    const late = call([3, 4], { op: 'get' }, found(7, 'a'));
    expect(checkLinearizability([unknown, missing])).toBeUndefined();
    expect(checkLinearizability([unknown, missing, late])).toBeUndefined();
  });

  test('a delete that does not say whether there was an entry, beside a put', () => {
    const gone = call([0, 10], { op: 'delete' }, { kind: 'gone' });
    const put = call([1, 2], { op: 'put', value: 'a' }, written(1, true));
    const read = (outcome: CallOutcome): RecordedCall => call([3, 4], { op: 'get' }, outcome);
    expect(checkLinearizability([gone, put, read(found(1, 'a'))])).toBeUndefined();
    expect(checkLinearizability([gone, put, read({ kind: 'missing' })])).toBeUndefined();
  });

  test('one key that does not know of another', () => {
    const put = call([0, 1], { op: 'put', value: 'a' }, written(1, true));
    const read = { ...call([2, 3], { op: 'get' }, { kind: 'missing' }), key: 'other' };
    expect(checkLinearizability([put, read])).toBeUndefined();
  });
});

test('a recorder records calls and answers in order; a call without an answer is unknown', () => {
  const recorder = new HistoryRecorder();
  const put = recorder.send('c1', 'k', { op: 'put', value: 'a' });
  recorder.send('c2', 'k', { op: 'get' });
  put.answer(written(1, true));
  expect(recorder.calls).toEqual([
    { ...call([0, 2], { op: 'put', value: 'a' }, written(1, true)), client: 'c1' },
    { ...call([1, Infinity], { op: 'get' }, { kind: 'unknown' }), client: 'c2' },
  ]);
});

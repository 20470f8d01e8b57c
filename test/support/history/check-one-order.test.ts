import { expect, test } from 'vitest';
import { checkOneOrder } from './check-one-order.ts';
import { HistoryRecorder, type SentCall } from './history-recorder.ts';
import type { Call, CallOutcome } from './recorded-call.ts';

const found = (version: number, value: string): CallOutcome => ({ kind: 'found', version, value });
const written = (version: number): CallOutcome => ({
  kind: 'written',
  version,
  created: undefined,
});
const missing: CallOutcome = { kind: 'missing' };
const unknown: CallOutcome = { kind: 'unknown' };

type Part = readonly [key: string, call: Call, outcome: CallOutcome];

/** A history as a script. Each step is sent and answered in the order of its lines. */
class Script {
  readonly #recorder = new HistoryRecorder();

  begin(parts: readonly Part[]): () => void {
    const step = this.#recorder.newStep();
    const sent = parts.map(([key, call, outcome]): [SentCall, CallOutcome] => [
      this.#recorder.send('c', key, call, { step }),
      outcome,
    ]);
    return () => {
      for (const [call, outcome] of sent) if (outcome.kind !== 'unknown') call.answer(outcome);
    };
  }

  do(...parts: Part[]): void {
    this.begin(parts)();
  }

  verdict(): string | undefined {
    return checkOneOrder(this.#recorder.calls);
  }
}

const get = { op: 'get' } as const;
const put = (value: string, version?: number): Call => ({ op: 'put', value, version });
const remove: Call = { op: 'delete' };

test('a transaction that reads see whole, before it or after it, is no contradiction', () => {
  const script = new Script();
  script.do(['a', put('a1'), written(1)], ['b', put('b1'), written(1)]);
  script.do(['a', get, found(1, 'a1')], ['b', get, found(1, 'b1')]);
  script.do(['a', put('a2'), written(2)], ['b', put('b2'), written(2)]);
  script.do(['a', get, found(2, 'a2')], ['b', get, found(2, 'b2')]);
  expect(script.verdict()).toBeUndefined();
});

test('half of a transaction that is under way, or over, is found', () => {
  for (const isOver of [false, true]) {
    const script = new Script();
    script.do(['a', put('a1'), written(1)], ['b', put('b1'), written(1)]);
    const end = script.begin([
      ['a', put('a2'), written(2)],
      ['b', put('b2'), written(2)],
    ]);
    if (isOver) end();
    script.do(['a', get, found(2, 'a2')], ['b', get, found(1, 'b1')]);
    if (!isOver) end();
    expect(script.verdict()).toContain('no one order');
  }
});

test('half of an unacknowledged transaction is found by the version it was to have', () => {
  const script = new Script();
  script.do(['a', put('a1'), written(1)], ['b', put('b1'), written(1)]);
  script.begin([
    ['a', put('a2', 2), unknown],
    ['b', put('b2', 2), unknown],
  ]);
  expect(script.verdict()).toBeUndefined();
  script.do(['a', get, found(2, 'a2')], ['b', get, found(1, 'b1')]);
  expect(script.verdict()).toContain('read what was written over by');
});

test('a removal is seen with what was put in the same step, or not at all', () => {
  const moved = (readsRemoved: CallOutcome): string | undefined => {
    const script = new Script();
    script.do(['a', put('a1'), written(1)]);
    const end = script.begin([
      ['a', get, found(1, 'a1')],
      ['a', remove, { kind: 'deleted' }],
      ['b', get, missing],
      ['b', put('b2'), written(2)],
    ]);
    script.do(['b', get, found(2, 'b2')], ['a', get, readsRemoved]);
    end();
    return script.verdict();
  };
  expect(moved(missing)).toBeUndefined();
  expect(moved(found(1, 'a1'))).toContain('read what was removed by');
});

test('a read between a removal and its put is found, if only one removal explains it', () => {
  const script = new Script();
  script.do(['a', put('a1'), written(1)], ['b', put('b1'), written(1)]);
  const end = script.begin([
    ['a', get, found(1, 'a1')],
    ['a', remove, { kind: 'deleted' }],
    ['b', get, found(1, 'b1')],
    ['b', put('b2'), written(2)],
  ]);
  script.do(['a', get, missing], ['b', get, found(1, 'b1')]);
  end();
  expect(script.verdict()).toContain('removed what was missing for');
});

test('two writes on two keys seen in two orders are found, and so is an answer from the past', () => {
  const crossed = new Script();
  const ends = [
    crossed.begin([['a', put('a1'), written(1)]]),
    crossed.begin([['b', put('b1'), written(1)]]),
  ];
  crossed.do(['a', get, found(1, 'a1')], ['b', get, missing]);
  crossed.do(['a', get, missing], ['b', get, found(1, 'b1')]);
  for (const end of ends) end();
  expect(crossed.verdict()).toContain('found nothing, and then it was put by');
  const late = new Script();
  late.do(['a', put('a1'), written(1)]);
  late.do(['a', put('a2'), written(2)], ['b', put('b2'), written(2)]);
  late.do(['a', get, found(1, 'a1')]);
  expect(late.verdict()).toContain('before this was sent');
});

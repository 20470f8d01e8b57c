// The calls of the simulated clients and their answers. Deadlines are calls, too: they belong to no
// client, and end when the store's time passes them.
import type { Result } from '../../src/store/result.ts';
import { checkLinearizability } from '../support/history/check-linearizability.ts';
import { checkOneOrder } from '../support/history/check-one-order.ts';
import { HistoryRecorder, type SentCall } from '../support/history/history-recorder.ts';
import type { Call, CallOutcome, RecordedCall } from '../support/history/recorded-call.ts';
import { randomBelow, type Random } from '../support/random.ts';
import { textOf, type LoggedEntry } from './logged-entry.ts';
import { RecordedTransaction } from './transaction-history.ts';

interface Deadline {
  readonly key: string;
  readonly value: string;
  /** The deadline passes between these two, in the store's time. */
  readonly fromMs: number;
  toMs: number;
  sent: SentCall | undefined;
  isOver: boolean;
}

/** A client's view of the whole store at one moment. */
export interface Moment {
  /** Seq of the key's shard: a change with this version or a higher one is not in the view. */
  readonly seqOf: (key: string) => number;
  readonly entryOf: (key: string) => LoggedEntry | 'unsure' | undefined;
  /** All values in the view. */
  readonly values: ReadonlySet<string>;
}

export interface AskedMoment {
  /** The store's time at the request. */
  readonly fromMs: number;
  /** Call it with the answer: the moment lies before this. */
  answered(): void;
  /**
   * Records the view.
   *
   * @returns why the view cannot be one moment; undefined if it can
   */
  told(moment: Moment): string | undefined;
}

export interface RecordedOperation {
  told(result: Result): void;
}

export function outcomeOf(op: Call['op'], result: Result): CallOutcome {
  switch (result.kind) {
    case 'entry':
      return { kind: 'found', version: result.version, value: textOf(result.value) };
    case 'refused': {
      // A get changes nothing, so a get without an answer tells nothing.
      const isUnknown = op === 'get' || result.error.outcome === 'unknown';
      return { kind: isUnknown ? 'unknown' : 'not-applied' };
    }
    case 'written':
      return { kind: 'written', version: result.version, created: result.created };
    case 'deleted':
      return { kind: 'deleted' };
    case 'missing':
    case 'condition-failed':
      return result;
    default:
      throw new Error(`no outcome of ${JSON.stringify(result)}`);
  }
}

export class ClientHistory {
  #recorder = new HistoryRecorder();
  #deadlines: Deadline[] = [];
  readonly #seenMs: () => number;

  /** @param seenMs the store's time */
  constructor(seenMs: () => number) {
    this.#seenMs = seenMs;
  }

  /** Begins another step. Calls of one step belong to one moment. */
  newStep(): number {
    return this.#recorder.newStep();
  }

  transaction(client: string, names: readonly string[]): RecordedTransaction {
    const recorder = this.#recorder;
    return new RecordedTransaction(recorder, client, names, (key, value, expiresAt) => {
      const times = { fromMs: expiresAt, toMs: Infinity };
      const deadline = { key, value, ...times, sent: undefined, isOver: false };
      // If the history has begun again meanwhile, it knows nothing of this put.
      if (recorder === this.#recorder) this.#deadlines.push(deadline);
      return (isCommitted) => {
        deadline.toMs = isCommitted ? expiresAt : this.#seenMs() + ttlMax;
        this.timePassed();
      };
    });
  }

  send(
    client: string,
    key: string,
    call: Call,
    { ttlMs, step }: { ttlMs?: number | undefined; step?: number | undefined } = {},
  ): RecordedOperation {
    const sent = this.#recorder.send(client, key, call, { step });
    const deadline = this.#expect(key, call, ttlMs);
    return {
      told: (result) => {
        sent.answer(outcomeOf(call.op, result));
        if (deadline === undefined || ttlMs === undefined) return;
        deadline.toMs = this.#seenMs() + ttlMs;
        this.timePassed();
      },
    };
  }

  /** Asks for one moment over all keys, as a read of each. */
  ask(client: string, keys: readonly string[]): AskedMoment {
    const recorder = this.#recorder;
    const from = recorder.position;
    let to = Infinity;
    const step = recorder.newStep();
    const sent = keys.map((key) => recorder.send(client, key, { op: 'get' }, { step }));
    return {
      fromMs: this.#seenMs(),
      answered: () => {
        to = recorder.position;
      },
      told: (moment) => {
        for (const [index, key] of keys.entries()) {
          const entry = moment.entryOf(key);
          if (entry === 'unsure') continue;
          const result = entry === undefined ? missing : { kind: 'found' as const, ...entry };
          sent[index]?.answer(result);
        }
        return misfitOfMoment(recorder.calls, { from, to }, moment);
      },
    };
  }

  /** A put without an answer by now has its time to live counted from now at the latest. */
  processDied(): void {
    for (const deadline of this.#deadlines) {
      if (deadline.toMs === Infinity) deadline.toMs = this.#seenMs() + ttlMax;
    }
  }

  timePassed(): void {
    const now = this.#seenMs();
    for (const deadline of this.#deadlines) {
      const { key, value, fromMs, toMs } = deadline;
      if (now < fromMs) continue;
      deadline.sent ??= this.#recorder.send('deadline', key, { op: 'expire', value });
      if (now < toMs) continue;
      deadline.sent.answer({ kind: 'expired' });
      deadline.isOver = true;
    }
    this.#deadlines = this.#deadlines.filter(({ isOver }) => !isOver);
  }

  /** Begins again after an allowed loss: from here on these entries are the truth. */
  beginAnew(entries: ReadonlyMap<string, LoggedEntry>): void {
    this.#recorder = new HistoryRecorder();
    this.#deadlines = [];
    for (const [key, { value, version, expiresAt }] of entries) {
      const sent = this.#recorder.send('recovery', key, { op: 'put', value });
      sent.answer({ kind: 'written', version, created: true });
      if (expiresAt === undefined) continue;
      const times = { fromMs: expiresAt, toMs: expiresAt };
      this.#deadlines.push({ key, value, ...times, sent: undefined, isOver: false });
    }
    this.timePassed();
  }

  /** @returns why the history is wrong; undefined if it is right */
  check(): string | undefined {
    const { calls } = this.#recorder;
    return checkLinearizability(calls)?.explanation ?? checkOneOrder(calls);
  }

  #expect(key: string, call: Call, ttlMs: number | undefined): Deadline | undefined {
    if (call.op !== 'put' || ttlMs === undefined) return undefined;
    const { value } = call;
    const fromMs = this.#seenMs() + ttlMs;
    const deadline = { key, value, fromMs, toMs: Infinity, sent: undefined, isOver: false };
    this.#deadlines.push(deadline);
    return deadline;
  }
}

const missing = { kind: 'missing' } as const;

/** A view with some write must have all writes that were acknowledged before that one was sent. */
function misfitOfMoment(
  calls: readonly RecordedCall[],
  { from, to }: { from: number; to: number },
  { seqOf, values }: Moment,
): string | undefined {
  const puts = calls.filter(({ call }) => call.op === 'put');
  const isIn = ({ key, call, outcome }: RecordedCall): boolean =>
    (outcome.kind === 'written' && outcome.version < seqOf(key)) ||
    (call.op === 'put' && values.has(call.value));
  const lastSent = Math.max(from, ...puts.filter(isIn).map(({ invoked }) => invoked));
  if (lastSent > to) return 'it holds a write that was sent when its moment had passed';
  const lacking = puts.find(
    (put) => put.outcome.kind === 'written' && put.returned < lastSent && !isIn(put),
  );
  if (lacking?.call.op !== 'put') return undefined;
  const { key, call } = lacking;
  return `it lacks ${call.value} of ${key}, acknowledged before it was asked for or before what it holds was sent`;
}

const ttlMax = 2000;
/** Short enough that an entry may expire while a call that has read it is in flight. */
const ttlShortMax = 60;

export function randomTtl(random: Random): number {
  return 1 + randomBelow(random, random() < 0.55 ? ttlShortMax : ttlMax);
}

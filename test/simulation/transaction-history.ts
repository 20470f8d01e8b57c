// Records a transaction as calls of one step: a read of each key, and its change. An attempt that
// came to nothing is still a read at one moment.
import type {
  EntryPut,
  TransactionMoment,
  TransactionResult,
} from '../../src/store/transaction.ts';
import type { HistoryRecorder, SentCall } from '../support/history/history-recorder.ts';
import type { CallConditions, CallOutcome } from '../support/history/recorded-call.ts';
import { textOf } from './logged-entry.ts';

/** Begins to wait for a deadline. The returned function gets the outcome of the put. */
export type ExpectDeadline = (name: string, value: string, expiresAt: number) => SettledDeadline;
export type SettledDeadline = (isCommitted: boolean) => void;

export type Change = EntryPut | 'delete' | undefined;

interface SentChange {
  readonly sent: SentCall;
  readonly ifCommitted: CallOutcome;
}

export class RecordedTransaction {
  readonly #recorder: HistoryRecorder;
  readonly #client: string;
  readonly #names: readonly string[];
  readonly #expect: ExpectDeadline;
  readonly #since: number;
  #changes: SentChange[] = [];
  #deadlines: SettledDeadline[] = [];

  constructor(
    recorder: HistoryRecorder,
    client: string,
    names: readonly string[],
    expect: ExpectDeadline,
  ) {
    this.#recorder = recorder;
    this.#client = client;
    this.#names = names;
    this.#expect = expect;
    this.#since = recorder.begin();
  }

  /**
   * The client has read and planned. Its earlier plan has come to nothing.
   *
   * @param flushed the names of all entries that a flush may remove, read or not
   */
  decided(
    { entries, versions }: TransactionMoment,
    changes: readonly Change[],
    flushed: readonly string[],
  ): void {
    this.#end({ kind: 'not-applied' });
    const step = this.#recorder.newStep();
    const as = { step, since: this.#since };
    for (const [index, name] of this.#names.entries()) {
      const read = entries[index];
      const get = this.#recorder.send(this.#client, name, { op: 'get' }, as);
      if (read === undefined) get.answer({ kind: 'missing' });
      else get.answer({ kind: 'found', version: read.version, value: textOf(read.value) });
      const change = changes[index] ?? (flushed.includes(name) ? 'delete' : undefined);
      if (change === undefined || (change === 'delete' && read === undefined)) continue;
      const onWhatWasRead: CallConditions =
        read === undefined ? { ifNoneMatch: '*' } : { ifMatch: [read.version] };
      if (change === 'delete') {
        const call = { op: 'delete' as const, ...onWhatWasRead };
        const sent = this.#recorder.send(this.#client, name, call, as);
        this.#changes.push({ sent, ifCommitted: { kind: 'deleted' } });
        continue;
      }
      const version = versions[index] ?? 0;
      const value = textOf(change.value);
      const call = { op: 'put' as const, value, version, ...onWhatWasRead };
      const sent = this.#recorder.send(this.#client, name, call, as);
      const created = read === undefined;
      this.#changes.push({ sent, ifCommitted: { kind: 'written', version, created } });
      if (change.expiresAt === undefined) continue;
      this.#deadlines.push(this.#expect(name, value, change.expiresAt));
    }
    for (const name of flushed) {
      if (this.#names.includes(name)) continue;
      const sent = this.#recorder.send(this.#client, name, { op: 'delete' }, as);
      this.#changes.push({ sent, ifCommitted: { kind: 'gone' } });
    }
  }

  told(result: TransactionResult<unknown>): void {
    if (result.kind === 'committed') this.#end(undefined);
    else this.#end({ kind: result.error.outcome === 'unknown' ? 'unknown' : 'not-applied' });
  }

  /** @param outcome of all changes; undefined if the transaction is committed */
  #end(outcome: CallOutcome | undefined): void {
    for (const { sent, ifCommitted } of this.#changes.splice(0))
      sent.answer(outcome ?? ifCommitted);
    for (const settle of this.#deadlines.splice(0)) settle(outcome === undefined);
  }
}

// What is known of the shards from their own threads, and what they must therefore have when they
// are recovered; what a power cut may lawfully have taken. Chooses nothing.
import type { OpenedReport, ShardTasks, TaskAnswer } from '../../src/protocol/shard-task.ts';
import type { Parcel } from '../../src/protocol/parcel.ts';
import type { PageItem, ShardReport } from '../../src/protocol/shard-operation.ts';
import type { Result } from '../../src/store/result.ts';
import { shardOfSlot, slotOfKey } from '../../src/store/slot.ts';
import type { Call } from '../support/history/recorded-call.ts';
import type { BackupJudge } from './backup-judge.ts';
import type { ClientHistory } from './client-history.ts';
import type { FaultInjector } from './fault-injector.ts';
import { itemsOf } from './items-of-shard.ts';
import { Violation, type RunRecord } from './run-record.ts';
import { entryOf, ShardLog, textOf, type LoggedEntry } from './shard-log.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { Handlers } from './simulated-task-thread.ts';

export interface JudgeSurroundings {
  readonly shards: number;
  readonly clock: SimulatedClock;
  readonly faults: FaultInjector;
  readonly history: ClientHistory;
  readonly record: RunRecord;
  readonly backupJudge: BackupJudge;
}

export class RecoveryJudge {
  readonly #surroundings: JudgeSurroundings;
  readonly #logs: readonly ShardLog[];
  /** Of each version of each shard, the value it was given to. */
  readonly #valueOf = new Map<string, string>();
  /** What each shard held when it was last recovered. */
  readonly #recovered = new Map<number, readonly PageItem<Uint8Array>[]>();
  /** What was acknowledged may lawfully be different now: the history begins anew. */
  #beginsAnew = false;
  /** Written, acknowledged and not for certain on stable storage. */
  #mayLose = false;
  /** A power cut since the shard was last recovered. */
  #lossy = new Set<number>();

  constructor(surroundings: JudgeSurroundings) {
    this.#surroundings = surroundings;
    this.#logs = Array.from({ length: surroundings.shards }, () => new ShardLog());
  }

  /** The store has started. */
  noteServing({ settings }: SimulatedProcess): void {
    this.#mayLose = settings.fsync !== 'always';
    if (!this.#beginsAnew) return;
    this.#beginsAnew = false;
    const entries = new Map<string, LoggedEntry>();
    for (const items of this.#recovered.values()) {
      for (const item of items) entries.set(item.key, entryOf(item));
    }
    this.#surroundings.history.beginAnew(entries);
  }

  noteCleanClose(): void {
    this.#mayLose = false;
  }

  /**
   * The next process knows of no time but what is on disk: what has expired since, and was not yet
   * removed, may be seen again.
   */
  noteClockSetBack(): void {
    this.judgeHistory();
    this.#beginsAnew = true;
  }

  notePowerCut(): void {
    if (!this.#mayLose) return;
    this.judgeHistory();
    this.#lossy = new Set(this.#logs.keys());
    this.#beginsAnew = true;
  }

  /** What a client was told. */
  noteResult(key: string, call: Call, result: Result): void {
    if (result.kind === 'entry') this.#noteVersion(key, result.version, textOf(result.value));
    if (result.kind === 'written' && call.op === 'put') {
      this.#noteVersion(key, result.version, call.value);
    }
  }

  /** A shard's thread has carried out a task. */
  noteTask(
    process: SimulatedProcess,
    shard: number,
    name: string,
    task: unknown,
    answer: unknown,
    handlers: Handlers<ShardTasks>,
  ): void {
    const log = this.#logs[shard];
    if (log === undefined) return;
    if (name === 'open' && (answer as TaskAnswer<OpenedReport>).ok) {
      const { value } = answer as TaskAnswer<OpenedReport> & { ok: true };
      this.#surroundings.clock.storeKnows(value.at);
    }
    if (name === 'batch') log.noteBatch(task as Uint8Array, answer as Uint8Array);
    if (name === 'start' && (answer as TaskAnswer<ShardReport>).ok) {
      const { value } = answer as TaskAnswer<ShardReport> & { ok: true };
      this.#judgeRecovered(process, shard, value.nextSeq, handlers);
    }
    if (name === 'cut' && (answer as TaskAnswer<Parcel>).ok) {
      const { value } = answer as TaskAnswer<Parcel> & { ok: true };
      this.#judgeCut(shard, task as number, value, handlers);
    }
  }

  noteLostTask(shard: number, name: string, task: unknown): void {
    if (name === 'batch') this.#logs[shard]?.noteLostBatch(task as Uint8Array);
  }

  judgeHistory(): void {
    const wrong = this.#surroundings.history.check();
    if (wrong !== undefined) throw new Violation(wrong);
  }

  #judgeCut(shard: number, stamp: number, parcel: Parcel, handlers: Handlers<ShardTasks>): void {
    const { clock, faults, record, backupJudge } = this.#surroundings;
    const items = faults.whilePaused(() => itemsOf(handlers));
    const misfit = this.#logs[shard]?.misfitNow(items, clock.highestMs);
    if (misfit !== undefined)
      record.fail(`shard ${shard} is cut and holds what is wrong: ${misfit}`);
    backupJudge.noteCut(shard, stamp, parcel, items);
  }

  #judgeRecovered(
    process: SimulatedProcess,
    shard: number,
    nextSeq: number,
    handlers: Handlers<ShardTasks>,
  ): void {
    const { clock, faults, record } = this.#surroundings;
    const items = faults.whilePaused(() => itemsOf(handlers));
    const isLossy = this.#lossy.has(shard);
    const misfit = this.#logs[shard]?.begin(items, nextSeq, isLossy, clock.highestMs);
    if (misfit !== undefined) record.fail(`shard ${shard} is recovered wrong: ${misfit}`);
    for (const item of items) this.#noteVersion(item.key, item.version, textOf(item.value));
    this.#recovered.set(shard, items);
    this.#lossy.delete(shard);
    if (process.settings.fsync !== 'always') this.#mayLose = true;
  }

  #noteVersion(key: string, version: number, value: string): void {
    const { shards, record } = this.#surroundings;
    const shard = shardOfSlot(slotOfKey(key), shards);
    const name = `${shard} ${version}`;
    const before = this.#valueOf.get(name) ?? value;
    this.#valueOf.set(name, value);
    if (before !== value) {
      record.fail(`version ${version} of shard ${shard} was given to ${before} and to ${value}`);
    }
  }
}

// Knows from the shards' own threads which entries each shard must have after a recovery. Knows
// which of them a power cut may have taken. Chooses nothing.
import { decodeBatch } from '../../src/protocol/batch-frame.ts';
import type { Parcel } from '../../src/protocol/parcel.ts';
import { isOutcome, type ShardReport } from '../../src/protocol/shard-operation.ts';
import type {
  BatchAnswer,
  OpenedReport,
  ShardTasks,
  StartTask,
  TaskAnswer,
} from '../../src/protocol/shard-task.ts';
import type { Result } from '../../src/store/result.ts';
import type { Call } from '../support/history/recorded-call.ts';
import type { BackupJudge } from './backup-judge.ts';
import type { ClientHistory } from './client-history.ts';
import type { FaultInjector } from './fault-injector.ts';
import { shardOfName } from './entry-names.ts';
import { itemsOf } from './items-of-shard.ts';
import { misfitOfPurses, purseName } from './purse.ts';
import { Violation, type RunRecord } from './run-record.ts';
import { entryOf, textOf, type LoggedEntry, type NamedItem } from './logged-entry.ts';
import { ShardLog } from './shard-log.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { Handlers } from './simulated-task-thread.ts';
import type { TransactionLedger } from './transaction-ledger.ts';
import type { VersionJudge } from './version-judge.ts';

export interface JudgeOptions {
  readonly shards: number;
  readonly purses: number;
  readonly clock: SimulatedClock;
  readonly faults: FaultInjector;
  readonly history: ClientHistory;
  readonly record: RunRecord;
  readonly backupJudge: BackupJudge;
  readonly ledger: TransactionLedger;
  readonly versions: VersionJudge;
}

/** A new layout, before any write to it. */
export interface FoundLayout {
  /** The entries of each shard, by number. */
  readonly items: readonly (readonly NamedItem[])[];
  /** The least next seq of any shard. */
  readonly nextSeq: number;
}

/** The state of the old layout that a reshard must have found. */
export interface FoundTraces {
  /** The transactions in doubt in each shard, by number. */
  readonly inDoubt: readonly ReadonlySet<string>[];
  readonly outcomes: ReadonlyMap<string, boolean>;
}

export class RecoveryJudge {
  readonly #options: JudgeOptions;
  #logs: readonly ShardLog[];
  /** The entries of each shard after its last recovery. */
  readonly #recovered = new Map<number, readonly NamedItem[]>();
  /** The transactions in doubt in each shard when it was last opened. */
  readonly #inDoubt = new Map<number, ReadonlySet<string>>();
  /** True if acknowledged entries may be lost by right: the history then begins again. */
  #beginsAnew = false;
  /** True if acknowledged writes may not be on stable storage. */
  #mayLose = false;
  /** Shards with a power cut since their last recovery. */
  #lossy = new Set<number>();

  constructor(options: JudgeOptions) {
    this.#options = options;
    this.#logs = Array.from({ length: options.shards }, (_, shard) => this.#newLog(shard));
  }

  /** True if acknowledged writes may not be on stable storage. */
  get mayLose(): boolean {
    return this.#mayLose;
  }

  /** The store has started. */
  noteServing({ settings }: SimulatedProcess): void {
    this.#mayLose = settings.fsync !== 'always';
    this.#judgePurses();
    this.#options.ledger.noteServing();
    if (!this.#beginsAnew) return;
    this.#beginsAnew = false;
    this.#options.history.beginAnew(this.#entries());
  }

  noteCleanClose(): void {
    this.#mayLose = false;
  }

  /**
   * The next process takes the time from the disk alone. So clients may see an expired entry again,
   * if the sweep has not removed it.
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

  /** Notes a client's result. */
  noteResult(name: string, call: Call, result: Result): void {
    const { versions } = this.#options;
    if (result.kind === 'entry') versions.note(name, result.version, textOf(result.value));
    if (result.kind === 'written' && call.op === 'put') {
      versions.note(name, result.version, call.value);
    }
  }

  /** Notes a task that a shard's thread has carried out. */
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
    if (name === 'batch') {
      log.noteBatch(task as Uint8Array, (answer as BatchAnswer).frame);
      return;
    }
    const { ok } = answer as TaskAnswer<unknown>;
    if (!ok) {
      if (name === 'start') log.noteLostStart(task as StartTask);
      return;
    }
    const { value } = answer as { value: unknown };
    if (name === 'open') this.#noteOpened(shard, value as OpenedReport);
    if (name === 'start') {
      this.#judgeRecovered(process, shard, task as StartTask, value as ShardReport, handlers);
    }
    if (name === 'mend') log.noteMended();
    if (name === 'mend' || name === 'sync') {
      const { hasUnsynced, isBroken } = value as ShardReport;
      if (!hasUnsynced && !isBroken) log.noteSynced();
    }
    if (name === 'beginCompaction' && value !== undefined) {
      log.noteSynced();
      const { figures } = this.#options.record;
      if (log.prepared.inDoubt.size > 0) figures.compactionsWithInDoubt += 1;
      if (log.prepared.outcomes.size > 0) figures.compactionsWithOutcomes += 1;
    }
    if (name === 'cut') {
      log.noteSynced();
      this.#judgeCut(shard, task as number, value as Parcel, handlers);
    }
  }

  noteLostTask(shard: number, name: string, task: unknown): void {
    const log = this.#logs[shard];
    if (name === 'start') log?.noteLostStart(task as StartTask);
    if (name !== 'batch') return;
    const { figures } = this.#options.record;
    const { operations } = decodeBatch(task as Uint8Array);
    if (operations.some(isOutcome)) figures.deathsInOutcome += 1;
    if (operations.some(({ op }) => op === 'prepare')) figures.deathsInPrepare += 1;
    log?.noteLostBatch(task as Uint8Array);
  }

  judgeHistory(): void {
    const wrong = this.#options.history.check();
    if (wrong !== undefined) throw new Violation(wrong);
  }

  /** Judges a reshard: the new layout must have the entries of the old one. */
  noteLayout({ items, nextSeq }: FoundLayout, { inDoubt, outcomes }: FoundTraces): void {
    const { clock, record, versions } = this.#options;
    const all = items.flat();
    for (const [shard, log] of this.#logs.entries()) {
      const misfit = log.begin({
        items: all.filter(({ name }) => shardOfName(name, this.#logs.length) === shard),
        nextSeq,
        mayHaveLost: this.#lossy.has(shard),
        now: clock.highestMs,
        opened: { inDoubt: inDoubt[shard] ?? new Set() },
        start: { outcomes, inFlight: new Set() },
      });
      if (misfit !== undefined) record.fail(`shard ${shard} is resharded wrong: ${misfit}`);
    }
    for (const [shard, own] of items.entries()) {
      const stray = own.find(({ name }) => shardOfName(name, items.length) !== shard);
      if (stray !== undefined) record.fail(`${stray.name} is resharded to shard ${shard}`);
    }
    this.#logs = items.map((own, shard) => this.#newLog(shard, own, nextSeq));
    versions.noteLayout({ fromSeq: nextSeq, shards: items.length });
    this.#recovered.clear();
    this.#inDoubt.clear();
    this.#lossy.clear();
  }

  #newLog(shard: number, items: readonly NamedItem[] = [], nextSeq = 0): ShardLog {
    const { ledger } = this.#options;
    const observer = {
      onPrepared: ledger.notePrepared.bind(ledger, shard),
      onOutcome: ledger.noteOutcome.bind(ledger, shard),
      onForgotten: ledger.noteForgotten.bind(ledger),
      onRecovered: ledger.noteRecovered.bind(ledger, shard),
    };
    return new ShardLog(observer, items, nextSeq);
  }

  #entries(): Map<string, LoggedEntry> {
    const entries = new Map<string, LoggedEntry>();
    for (const items of this.#recovered.values()) {
      for (const item of items) entries.set(item.name, entryOf(item));
    }
    return entries;
  }

  /** Even after a loss, every transaction is there whole or not at all. */
  #judgePurses(): void {
    const { purses, record } = this.#options;
    const entries = this.#entries();
    const look = Array.from({ length: purses }, (_, index) => entries.get(purseName(index))?.value);
    const misfit = misfitOfPurses(look);
    if (misfit !== undefined) record.fail(`the recovered entries are no one moment: ${misfit}`);
  }

  #noteOpened(shard: number, { at, inDoubt }: OpenedReport): void {
    this.#options.clock.storeKnows(at);
    this.#inDoubt.set(shard, new Set(inDoubt.map(({ transaction }) => transaction)));
  }

  #judgeCut(
    shard: number,
    timestamp: number,
    parcel: Parcel,
    handlers: Handlers<ShardTasks>,
  ): void {
    const { clock, faults, record, backupJudge } = this.#options;
    const log = this.#logs[shard];
    if (log !== undefined && log.prepared.inDoubt.size > 0) record.figures.cutsWithInDoubt += 1;
    const items = faults.whilePaused(() => itemsOf(handlers));
    const misfit = log?.misfitNow(items, clock.highestMs);
    if (misfit !== undefined)
      record.fail(`shard ${shard} is cut and holds what is wrong: ${misfit}`);
    backupJudge.noteCut(shard, timestamp, parcel, items);
  }

  #judgeRecovered(
    process: SimulatedProcess,
    shard: number,
    start: StartTask,
    { nextSeq }: ShardReport,
    handlers: Handlers<ShardTasks>,
  ): void {
    const { clock, faults, record, versions } = this.#options;
    const items = faults.whilePaused(() => itemsOf(handlers));
    const inDoubt = this.#inDoubt.get(shard) ?? new Set<string>();
    for (const transaction of inDoubt) {
      if (start.inFlight.has(transaction)) record.figures.keptInDoubtAtStart += 1;
    }
    const misfit = this.#logs[shard]?.begin({
      items,
      nextSeq,
      mayHaveLost: this.#lossy.has(shard),
      now: clock.highestMs,
      opened: { inDoubt },
      start,
    });
    if (misfit !== undefined) record.fail(`shard ${shard} is recovered wrong: ${misfit}`);
    for (const item of items) versions.note(item.name, item.version, textOf(item.value));
    this.#recovered.set(shard, items);
    this.#lossy.delete(shard);
    if (process.settings.fsync !== 'always') this.#mayLose = true;
  }
}

// The whole engine, router and shards, on one thread and on files in memory. Nothing happens unless
// the test makes it happen: it ends turns of the event loop and calls for housekeeping.
import { pino } from 'pino';
import type { FsyncMode } from '../../../src/base/fsync-mode.ts';
import { assembleStore } from '../../../src/engine/assemble-store.ts';
import { openDataFolder } from '../../../src/engine/data-folder.ts';
import {
  answerTask,
  type BackupTasks,
  type CompactorTasks,
  type ShardTasks,
} from '../../../src/protocol/shard-task.ts';
import type { TaskThread } from '../../../src/router/threads/task-thread.ts';
import { backupTasks } from '../../../src/shard/tasks/backup-tasks.ts';
import { compact } from '../../../src/shard/streams/compaction.ts';
import type { SealedFiles } from '../../../src/shard/files/shard-files.ts';
import type { CommandStore } from '../../../src/store/store.ts';
import { ManualClock } from './manual-clock.ts';
import type { MemoryFileSystem } from '../disk/memory-file-system.ts';
import { SimulatedThread } from './simulated-thread.ts';

export interface SimulatedEngineOptions {
  readonly fsync: FsyncMode;
  readonly shards?: number;
  readonly compactJournalBytes?: number;
  /** Called before a shard gets a task. May end the shard's thread. */
  readonly onTask?: (thread: SimulatedThread, name: keyof ShardTasks) => void;
}

/** A larger reserve would only take time. */
const reserveBytesMin = 4096;

class WatchedSimulatedThread extends SimulatedThread {
  onTask: (name: keyof ShardTasks) => void = () => undefined;

  override run<Name extends keyof ShardTasks>(
    name: Name,
    task: ShardTasks[Name][0],
  ): Promise<ShardTasks[Name][1]> {
    const answer = super.run(name, task);
    this.onTask(name);
    return answer;
  }
}

export class SimulatedEngine {
  readonly clock = new ManualClock();
  readonly #files: MemoryFileSystem;
  readonly #options: SimulatedEngineOptions;
  readonly #deferred: (() => void)[] = [];
  readonly #repeated = new Set<() => void>();
  #transactions = 0;
  #store: CommandStore | undefined;

  private constructor(files: MemoryFileSystem, options: SimulatedEngineOptions) {
    this.#files = files;
    this.#options = options;
  }

  /** Makes the data folder if there is none. */
  static async open(
    files: MemoryFileSystem,
    options: SimulatedEngineOptions,
  ): Promise<SimulatedEngine> {
    const engine = new SimulatedEngine(files, options);
    engine.#store = await engine.#open();
    return engine;
  }

  get store(): CommandStore {
    if (this.#store === undefined) throw new Error('it is not open yet');
    return this.#store;
  }

  /** Runs everything that can run within this turn of the event loop. */
  async settle(): Promise<void> {
    for (let count = 0; count < 60; count++) await Promise.resolve();
  }

  async endTurn(): Promise<void> {
    await this.settle();
    for (const work of this.#deferred.splice(0)) work();
    await this.settle();
  }

  /** Runs housekeeping, and so compactions. */
  async tick(ms = 50): Promise<void> {
    this.clock.advance(ms);
    for (const work of this.#repeated) work();
    await this.settle();
  }

  /**
   * Ends turns until the work is done.
   *
   * @param between called before each turn, with its number
   * @returns undefined if the work is not done after so many turns
   */
  async until<T>(
    work: T | Promise<T>,
    between: (turn: number) => Promise<void> | void = () => undefined,
    turnsMax = 40,
  ): Promise<T | undefined> {
    let done: { readonly value: T } | undefined;
    let failure: { readonly error: unknown } | undefined;
    Promise.resolve(work).then(
      (value) => (done = { value }),
      (error: unknown) => (failure = { error }),
    );
    for (let turn = 0; turn < turnsMax; turn++) {
      await this.settle();
      if (failure !== undefined) throw failure.error;
      if (done !== undefined) return done.value;
      await between(turn);
      await this.endTurn();
    }
    return undefined;
  }

  async #open(): Promise<CommandStore> {
    const { fsync, shards = 2, compactJournalBytes = Infinity } = this.#options;
    const files = this.#files;
    files.makeFolder('/data');
    const counts = { asked: undefined, byDefault: shards };
    return await assembleStore({
      locations: openDataFolder(files, '/data', counts, this.clock.wallMs()),
      fsync,
      fsyncIntervalMs: 50,
      directReads: true,
      compactJournalBytes,
      logger: pino({ level: 'silent' }),
      clock: this.clock,
      newShardThread: () => {
        const thread = new WatchedSimulatedThread(files, this.clock, reserveBytesMin);
        thread.onTask = (name) => this.#options.onTask?.(thread, name);
        return thread;
      },
      newCompactorThread: () => compactorOn(files),
      newBackupThread: () => backupOn(files),
      defer: (work) => this.#deferred.push(work),
      repeat: (work) => {
        this.#repeated.add(work);
        return () => this.#repeated.delete(work);
      },
      onClosed: () => undefined,
      newTransactionId: () => `t${this.#transactions++}`,
    });
  }
}

function compactorOn(fileSystem: MemoryFileSystem): TaskThread<CompactorTasks> {
  return {
    run: async (_, task) =>
      answerTask(() => ({
        content: compact({ ...task, fileSystem }, task.input.content as SealedFiles),
      })),
    destroy: async () => undefined,
  };
}

function backupOn(fileSystem: MemoryFileSystem): TaskThread<BackupTasks> {
  const tasks = backupTasks(fileSystem);
  return {
    run: async (name, task) => tasks[name](task),
    destroy: async () => undefined,
  };
}

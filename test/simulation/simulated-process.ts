// One process: the real engine over simulated threads, disk and clock. Nothing happens unless the
// scheduler makes it happen.
import type { Logger } from 'pino';
import type { FsyncMode } from '../../src/base/fsync-mode.ts';
import { withLooks } from './items-of-shard.ts';
import { assembleStore } from '../../src/engine/assemble-store.ts';
import { openDataFolder } from '../../src/engine/data-folder.ts';
import {
  answerTask,
  type BackupTasks,
  type BeginBackupTask,
  type CompactorTasks,
  type ShardTasks,
  type TaskAnswer,
} from '../../src/protocol/shard-task.ts';
import { backupTasks } from '../../src/shard/tasks/backup-tasks.ts';
import { compact } from '../../src/shard/streams/compaction.ts';
import type { SealedFiles } from '../../src/shard/files/shard-files.ts';
import { shardTasks } from '../../src/shard/tasks/shard-tasks.ts';
import type { Access } from '../../src/access/access.ts';
import type { CommandStore } from '../../src/store/store.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { BeforeCall, DiskView, SimulatedDisk } from './simulated-disk.ts';
import { SimulatedTaskThread, type Handlers } from './simulated-task-thread.ts';

export const dataFolder = '/data';

export type AnyThread =
  | SimulatedTaskThread<ShardTasks>
  | SimulatedTaskThread<CompactorTasks>
  | SimulatedTaskThread<BackupTasks>;

export interface ProcessSettings {
  readonly shards: number;
  readonly fsync: FsyncMode;
  readonly fsyncIntervalMs: number;
  readonly directReads: boolean;
  readonly compactJournalBytes: number;
  /** Operations at which work begins to wait for its turn; undefined: as many as in a real store. */
  readonly shortQueueMax?: number | undefined;
}

export interface ProcessOptions {
  readonly disk: SimulatedDisk;
  readonly clock: SimulatedClock;
  /**
   * Called before each call to the disk, to inject faults. `thread` is undefined in the main thread.
   */
  readonly before: (
    process: SimulatedProcess,
    thread: AnyThread | undefined,
    ...call: Parameters<BeforeCall>
  ) => ReturnType<BeforeCall>;
  readonly onTaskDone: (
    shard: number,
    name: string,
    task: unknown,
    answer: unknown,
    handlers: Handlers<ShardTasks>,
  ) => void;
  readonly onTaskLost: (shard: number, name: string, task: unknown) => void;
  /** The thread of a backup has opened its files. */
  readonly onBackupBegun: (task: BeginBackupTask) => void;
  /** Called with the store before any client uses it. */
  readonly prepare: ((store: CommandStore) => Promise<void>) | undefined;
  /** Loads the registries of access before the process serves. Absent: there are none. */
  readonly openAccess: ((store: CommandStore) => Promise<Access>) | undefined;
  /** The process has found the folder, and has made the name of its layout durable. */
  readonly onOpened: () => void;
  readonly log: (line: string) => void;
  readonly newTransactionId: () => string;
}

interface Timer {
  readonly work: () => void;
  /** Undefined: once. */
  readonly everyMs: number | undefined;
  dueMs: number;
}

/** Thrown if the thread or the process is gone: nothing after this has an effect. */
export class Gone extends Error {}

export class SimulatedProcess {
  readonly settings: ProcessSettings;
  /** True after a kill: from then on nothing that it does has an effect. */
  isDead = false;
  isClosed = false;
  /** True after a request to close. */
  isClosing = false;
  /** True once the simulation has noted that the process serves. */
  isKnownToServe = false;
  store: CommandStore | undefined;
  /** The registries of users, tokens and namespaces, if the run has any. */
  access: Access | undefined;
  /** The handlers of each shard's thread that has started. */
  readonly started = new Map<number, Handlers<ShardTasks>>();
  /** The error of a start that failed. */
  refusal: unknown;
  readonly threads: AnyThread[] = [];
  threadDeaths = 0;
  hadHang = false;
  /** True if calls to its disk have failed, or found no room. */
  hadErrors = false;
  readonly #options: ProcessOptions;
  #deferred: (() => void)[] = [];
  readonly #timers = new Set<Timer>();

  constructor(settings: ProcessSettings, options: ProcessOptions) {
    this.settings = settings;
    this.#options = options;
  }

  /** Begins to start. The scheduler must go on for the start to end. */
  start(): void {
    void this.#openOrRefuse();
  }

  async #openOrRefuse(): Promise<void> {
    const { openAccess, prepare } = this.#options;
    try {
      const store = await this.#open();
      await prepare?.(store);
      if (openAccess !== undefined) this.access = await openAccess(store);
      this.store = store;
    } catch (error) {
      this.refusal = error;
    }
  }

  get liveThreads(): AnyThread[] {
    return this.threads.filter(({ isExited }) => !isExited);
  }

  get hasDeferred(): boolean {
    return this.#deferred.length > 0;
  }

  /** Ends a turn of the event loop. */
  endTurn(): void {
    for (const work of this.#deferred.splice(0)) work();
  }

  tick(): void {
    const now = this.#options.clock.monotonicMs();
    for (const timer of this.#timers) {
      if (timer.dueMs > now) continue;
      if (timer.everyMs === undefined) this.#timers.delete(timer);
      else timer.dueMs = now + timer.everyMs;
      timer.work();
    }
  }

  /** Runs the work once. */
  later(ms: number, work: () => void): void {
    const dueMs = this.#options.clock.monotonicMs() + ms;
    this.#timers.add({ work, everyMs: undefined, dueMs });
  }

  /** Closes the store, and what is above it before. */
  async close(): Promise<void> {
    if (this.access !== undefined) await this.access.close();
    await this.store?.close();
  }

  async #open(): Promise<CommandStore> {
    const { disk, clock, log } = this.#options;
    const before: BeforeCall = (...call) => this.#options.before(this, undefined, ...call);
    const view = disk.view(before, () => {});
    const { shards } = this.settings;
    view.makeFolder(dataFolder);
    const counts = { asked: undefined, byDefault: shards };
    const locations = openDataFolder(view, dataFolder, counts, clock.wallMs());
    if (view.openFiles > 0) throw new Error('opening the data folder leaves a file open');
    this.#options.onOpened();
    return await assembleStore({
      ...this.settings,
      locations,
      logger: loggerTo(log),
      clock,
      newShardThread: (shard, onIdleDeath) => this.#newShardThread(shard, onIdleDeath),
      newCompactorThread: () => this.#newCompactorThread(),
      newBackupThread: () => this.#newBackupThread(),
      defer: (work) => this.#deferred.push(work),
      repeat: (work, everyMs) => {
        const timer = { work, everyMs, dueMs: clock.monotonicMs() + everyMs };
        this.#timers.add(timer);
        return () => this.#timers.delete(timer);
      },
      onClosed: () => {
        this.isClosed = true;
      },
      newTransactionId: this.#options.newTransactionId,
    });
  }

  #viewOf(thread: AnyThread): DiskView {
    const view = this.#options.disk.view(
      (...call) => this.#options.before(this, thread, ...call),
      (sync) => thread.notePendingSync(sync),
    );
    return view;
  }

  #newShardThread(
    shard: number,
    onIdleDeath: (error: Error) => void,
  ): SimulatedTaskThread<ShardTasks> {
    const { clock, onTaskDone, onTaskLost } = this.#options;
    const thread = new SimulatedTaskThread<ShardTasks>({
      name: `shard ${shard}`,
      begin: (self) => {
        const view = this.#viewOf(self);
        return {
          view,
          handlers: withLooks(shardTasks({ fileSystem: view, clock, hashKey: [1, 2] })),
        };
      },
      onDone: (name, task, answer, handlers) => {
        const { ok } = answer as TaskAnswer<unknown>;
        if (name === 'start' && ok) this.started.set(shard, handlers);
        onTaskDone(shard, name, task, answer, handlers);
      },
      onLost: (...task) => onTaskLost(shard, ...task),
      onIdleDeath,
      isGone: () => this.isDead,
    });
    this.threads.push(thread);
    return thread;
  }

  #newCompactorThread(): SimulatedTaskThread<CompactorTasks> {
    const thread: SimulatedTaskThread<CompactorTasks> = new SimulatedTaskThread<CompactorTasks>({
      name: 'compactor',
      begin: (self) => {
        const view = this.#viewOf(self);
        return {
          view,
          handlers: {
            compact: (task) =>
              answerTask(() => {
                const place = { ...task, fileSystem: view };
                return { content: compact(place, task.input.content as SealedFiles) };
              }),
          },
        };
      },
      onDone: () => {
        if (thread.openFiles > 0) throw new Error('a compaction leaves a file open');
      },
      onLost: () => {},
      onIdleDeath: () => {},
      isGone: () => this.isDead,
    });
    this.threads.push(thread);
    return thread;
  }

  #newBackupThread(): SimulatedTaskThread<BackupTasks> {
    const thread: SimulatedTaskThread<BackupTasks> = new SimulatedTaskThread<BackupTasks>({
      name: 'backup',
      begin: (self) => {
        const view = this.#viewOf(self);
        return { view, handlers: backupTasks(view) };
      },
      onDone: (name, task, answer) => {
        const { ok, value } = answer as { ok: boolean; value?: unknown };
        if (ok && name === 'begin') this.#options.onBackupBegun(task as BeginBackupTask);
        const isOver = !ok || (name === 'next' && value === undefined);
        if (isOver && thread.openFiles > 0) throw new Error('a backup leaves a file open');
      },
      onLost: () => {},
      onIdleDeath: () => {},
      isGone: () => this.isDead,
    });
    this.threads.push(thread);
    return thread;
  }
}

function loggerTo(log: (line: string) => void): Logger {
  const write = (facts: unknown, message: string): void => {
    log(`${message} ${JSON.stringify(facts)}`);
  };
  return { debug: () => {}, info: write, warn: write, error: write } as unknown as Logger;
}

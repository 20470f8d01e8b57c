// Decides at each call to the disk whether the call fails. The scheduler begins a fault, and a
// count of calls decides the exact call that it strikes.
import type { SimulatedClock } from './simulated-clock.ts';
import { pickFrom, randomBelow, type Random } from '../support/random.ts';
import type { BeforeCall, DiskCall, SimulatedDisk } from './simulated-disk.ts';
import { Gone, type AnyThread, type SimulatedProcess } from './simulated-process.ts';

interface Strike {
  callsLeft: number;
  /** Counts only calls of this kind; undefined: all calls. */
  readonly call?: DiskCall;
  readonly strike: () => void;
}

interface IoError {
  /** Strikes only this thread; undefined: any thread. */
  readonly thread: string | undefined;
  readonly calls: readonly DiskCall[];
  /** Number of calls that still fail. */
  left: number;
}

const ioErrorKinds: readonly (readonly DiskCall[])[] = [
  ['sync'],
  ['sync'],
  ['write'],
  ['truncate'],
  ['rename', 'syncFolder'],
  ['read', 'open'],
  ['create', 'remove'],
  ['write', 'sync', 'truncate', 'syncFolder'],
];

export class FaultInjector {
  /** True: no fault strikes any more. */
  isStopped = false;
  /** Monotonic time since which the disk has had room for everything; Infinity: it has no such room. */
  roomSinceMs = 0;
  #isPaused = false;
  readonly #random: Random;
  readonly #disk: SimulatedDisk;
  readonly #clock: SimulatedClock;
  readonly #log: (line: string) => void;
  #kill: Strike | undefined;
  readonly #deaths = new Map<AnyThread, Strike>();
  #ioError: IoError | undefined;

  constructor(
    random: Random,
    disk: SimulatedDisk,
    clock: SimulatedClock,
    log: (line: string) => void,
  ) {
    this.#random = random;
    this.#disk = disk;
    this.#clock = clock;
    this.#log = log;
  }

  /** True while calls to the disk are to fail. */
  get isFailing(): boolean {
    return this.#ioError !== undefined;
  }

  /**
   * @param calls the kill comes within so many calls to the disk
   * @param call only calls of this kind count
   */
  killSoon(process: SimulatedProcess, calls = 60, call?: DiskCall): void {
    this.#kill = {
      callsLeft: randomBelow(this.#random, calls),
      ...(call === undefined ? {} : { call }),
      strike: () => {
        this.#log('the process is killed');
        process.isDead = true;
      },
    };
  }

  threadDiesSoon(process: SimulatedProcess, thread: AnyThread): void {
    const strike = (): void => {
      this.#log(`the thread of ${thread.name} dies`);
      thread.isDying = true;
      process.threadDeaths += 1;
    };
    this.#deaths.set(thread, { callsLeft: randomBelow(this.#random, 12), strike });
  }

  /** A thread that is being ended may still make some calls for its last task. */
  endsSoon(thread: AnyThread): void {
    const strike = (): void => {
      thread.isDying = true;
    };
    this.#deaths.set(thread, { callsLeft: randomBelow(this.#random, 8), strike });
  }

  beginIoErrors(calls = pickFrom(this.#random, ioErrorKinds)): void {
    const left = this.#random() < 0.6 ? 1 : 1 + randomBelow(this.#random, 40);
    const thread = this.#random() < 0.2 ? 'compactor' : undefined;
    this.#log(`the next ${left} of ${calls.join(', ')} of ${thread ?? 'all'} fail`);
    this.#ioError = { thread, calls, left };
  }

  endIoErrors(): void {
    this.#ioError = undefined;
  }

  fillDisk(): void {
    const left = randomBelow(this.#random, this.#random() < 0.6 ? 600 : 80_000);
    this.roomSinceMs = Infinity;
    this.#disk.capacityBytes = this.#disk.usedBytes + left;
    this.#log(`the disk has ${this.#disk.freeBytes} bytes left`);
  }

  emptyDisk(): void {
    if (this.#disk.capacityBytes !== Infinity) this.roomSinceMs = this.#clock.monotonicMs();
    this.#disk.capacityBytes = Infinity;
  }

  /** Drops the faults for the old process: they must not strike the new one. */
  forget(): void {
    this.#kill = undefined;
    this.#deaths.clear();
  }

  /** Runs a look of the simulation itself, in which no fault may strike. */
  whilePaused<T>(work: () => T): T {
    this.#isPaused = true;
    try {
      return work();
    } finally {
      this.#isPaused = false;
    }
  }

  stop(): void {
    this.isStopped = true;
    this.forget();
    this.endIoErrors();
    this.emptyDisk();
  }

  before(
    process: SimulatedProcess,
    thread: AnyThread | undefined,
    [call, path, bytes]: Parameters<BeforeCall>,
  ): ReturnType<BeforeCall> {
    const isGone = (): boolean =>
      process.isDead || thread?.isDying === true || thread?.isExited === true;
    if (isGone()) throw new Gone('nothing happens any more');
    if (this.#isPaused) return undefined;
    if (call !== 'read')
      this.#log(`  ${thread?.name ?? 'main'}: ${call} ${path}${bytes > 0 ? ` ${bytes}` : ''}`);
    const due = [this.#kill, thread && this.#deaths.get(thread)].find(
      (each) => each !== undefined && (each.call ?? call) === call && each.callsLeft-- <= 0,
    );
    if (due !== undefined) {
      if (due === this.#kill) this.#kill = undefined;
      else if (thread) this.#deaths.delete(thread);
      const strike = (): never => {
        due.strike();
        throw new Gone('it is gone');
      };
      // A fault may strike in the middle of a write, and leave a part of it.
      if (call !== 'write' || this.#random() < 0.5) return strike();
      return { bytes: 1 + randomBelow(this.#random, bytes), after: strike };
    }
    this.#failIfDue(process, thread?.name, call, path);
    return undefined;
  }

  #failIfDue(
    process: SimulatedProcess,
    thread: string | undefined,
    call: DiskCall,
    path: string,
  ): void {
    if (this.#disk.capacityBytes !== Infinity) process.hadErrors = true;
    const error = this.#ioError;
    if (error === undefined || !error.calls.includes(call)) return;
    if (error.thread !== undefined && error.thread !== thread) return;
    process.hadErrors = true;
    error.left -= 1;
    if (error.left === 0) this.#ioError = undefined;
    this.#log(`  ${call} ${path} fails`);
    throw Object.assign(new Error(`EIO: ${call} ${path}`), { code: 'EIO' });
  }
}

// Locks as one process serves them: the rules, the queues and the waits of requests, as the handlers of
// requests put them together. Sockets are simulated, and so is the time of waits. Judges nothing.
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { LockWait, type Grant } from '../../../src/http/rest/locks/lock-wait.ts';
import { Waits } from '../../../src/http/waits/waits.ts';
import { entryOfLock, type LockName } from '../../../src/locks/lock-names.ts';
import {
  heldLockOf,
  lockHeld,
  releasing,
  renewing,
  taking,
  type HeldLock,
  type Holder,
  type LockTransaction,
} from '../../../src/locks/lock-rules.ts';
import { Locks, lockTransactOptions } from '../../../src/locks/locks.ts';
import type { CommandStore } from '../../../src/store/store.ts';
import type { SimulatedProcess } from '../simulated-process.ts';

/** Called with each attempt of a plan, before it can have any effect. */
export type OnPlanned = (planned: HeldLock) => void;

export interface TakeRequest {
  readonly lock: LockName;
  readonly userId: string;
  readonly ttlMs: number;
  /** Undefined: the request does not wait. */
  readonly waitMs: number | undefined;
  /** The client hangs up after so many milliseconds, or when it would have its turn; undefined: never. */
  readonly hangUp: number | 'in its turn' | undefined;
  readonly onPlanned: OnPlanned;
  /** The request leaves the queue soon: its time is over, or its client has gone. */
  readonly onLeave: () => void;
}

export interface RenewRequest extends Holder {
  readonly lock: LockName;
  readonly ttlMs: number;
  readonly onPlanned: OnPlanned;
}

/** A lock that was taken. */
export interface TakenLock extends HeldLock {
  /** False if the client has gone: the lock is given back. */
  readonly isDelivered: boolean;
}

class ClientSocket extends EventEmitter {
  destroyed = false;
  readonly #onLeave: () => void;

  constructor(onLeave: () => void) {
    super();
    this.#onLeave = onLeave;
  }

  setTimeout(): void {}

  /** The server sees the end of a wait so, too: its time is over. */
  endSide(): void {
    this.#onLeave();
    this.emit('end');
  }

  hangUp(): void {
    this.destroyed = true;
    this.#onLeave();
    this.emit('close');
  }
}

/** More than there are clients. */
const waitersMax = 100;

export class ServedLocks {
  readonly #process: SimulatedProcess;
  readonly #store: CommandStore;
  readonly #locks: Locks;
  readonly #waits: Waits;
  readonly #sockets = new Set<ClientSocket>();
  /** True: no wait ends because its time is over. */
  isPatient = false;

  constructor(process: SimulatedProcess, store: CommandStore) {
    this.#process = process;
    this.#store = store;
    this.#locks = new Locks(store);
    // Its real timers would make runs differ, so its time stands still.
    this.#waits = new Waits({ waitersMax, monotonicMs: () => 0 });
  }

  isOf(process: SimulatedProcess): boolean {
    return this.#process === process;
  }

  /** @throws StoreError LOCK_HELD, or a refusal of the store */
  async take(request: TakeRequest): Promise<TakenLock> {
    const { lock, hangUp, waitMs, onLeave } = request;
    const socket = new ClientSocket(onLeave);
    this.#sockets.add(socket);
    if (typeof hangUp === 'number') this.#process.later(hangUp, () => socket.hangUp());
    let attempts = 0;
    const take = (mayTake: () => boolean): Promise<Grant<HeldLock>> => {
      const grant = this.#grant(request, mayTake);
      attempts += 1;
      if (attempts > 1 && hangUp === 'in its turn') socket.hangUp();
      return grant;
    };
    const { queues } = this.#locks;
    try {
      const grant = await this.#heard(
        waitMs === undefined
          ? take(() => !queues.hasWaiters(lock))
          : this.#wait(request, waitMs, socket, take).run(),
      );
      if (socket.destroyed) grant.undo();
      return { ...grant.answer, isDelivered: !socket.destroyed };
    } finally {
      this.#sockets.delete(socket);
    }
  }

  /** @throws StoreError CONDITION_FAILED, or a refusal of the store */
  renew({ lock, onPlanned, ...options }: RenewRequest): Promise<HeldLock> {
    return this.#run(renewing(lock, options), onPlanned);
  }

  /** @throws StoreError CONDITION_FAILED, or a refusal of the store */
  async release(lock: LockName, holder: Holder | 'anyone'): Promise<void> {
    await this.#run(releasing(lock, holder));
  }

  /** @throws StoreError the refusal of the store */
  async look(lock: LockName): Promise<HeldLock | undefined> {
    const [result] = await this.#heard(this.#store.getMany([entryOfLock(lock)]));
    if (result?.kind === 'refused') throw result.error;
    return heldLockOf(lock, result?.kind === 'entry' ? result : undefined);
  }

  /** The process has ended, and its connections with it. */
  end(): void {
    for (const socket of this.#sockets) socket.hangUp();
  }

  #wait(
    { lock }: TakeRequest,
    waitMs: number,
    socket: ClientSocket,
    take: (mayTake: () => boolean) => Promise<Grant<HeldLock>>,
  ): LockWait<HeldLock> {
    return new LockWait({
      waits: this.#waits,
      queues: this.#locks.queues,
      lock,
      waitMs: Infinity,
      socket: socket as unknown as Socket,
      take,
      refusal: () => undefined,
      held: (expiresAt) => lockHeld(lock, expiresAt ?? 0, 0),
      // The end of the client's side ends a wait as the end of its time does.
      onWait: () =>
        this.#process.later(waitMs, () => {
          if (!this.isPatient) socket.endSide();
        }),
    });
  }

  async #grant(
    { lock, userId, ttlMs, onPlanned }: TakeRequest,
    mayTake: () => boolean,
  ): Promise<Grant<HeldLock>> {
    const answer = await this.#run(taking(lock, { ttlMs, userId, mayTake }), onPlanned);
    return { answer, undo: () => void this.#locks.giveBack(answer, userId) };
  }

  async #run<Output>(
    { names, plan }: LockTransaction<Output>,
    onPlanned: (output: Output) => void = () => undefined,
  ): Promise<Output> {
    const noted: typeof plan = (moment) => {
      const planned = plan(moment);
      onPlanned(planned.output);
      return planned;
    };
    const result = await this.#heard(this.#store.transact(names, noted, lockTransactOptions));
    if (result.kind === 'refused') throw result.error;
    return result.output;
  }

  /** A client hears nothing of a process that is gone. */
  async #heard<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } finally {
      // oxlint-disable-next-line no-empty-function -- it never settles
      if (this.#process.isDead) await new Promise(() => {});
    }
  }
}

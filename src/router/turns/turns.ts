// The door in front of the shards' queues. Work goes through at once while queues are short, which they
// are unless more is asked than the shards carry out. Else it waits in a room of its namespace, and the
// namespaces get their turns one after the other. So a queue holds little, and whatever one namespace
// asks for, another one soon has its place. The order of a queue stays that of the places. Knows no
// operation.
import {
  batchBytesMax,
  queueOperationsMax,
  queueWaitForMoreMs,
  queueWaitMaxMs,
} from '../../base/limits.ts';
import { ownerOfNamespace } from '../../base/namespace-name.ts';
import { overloaded } from '../../base/overloaded.ts';
import { FairRound, type WaitingWork } from '../../base/fair-round.ts';

/** A shard's queue as the door sees it. */
export interface TurnQueue {
  readonly shard: number;
  /** Operations that wait in the queue, and their bytes; none if the shard does not serve now. */
  readonly waitingOperations: number;
  readonly waitingBytes: number;
}

/** Work in front of the door. */
export interface ArrivingWork extends Omit<WaitingWork, 'sinceMs'> {
  /** The namespace that the work is for. */
  readonly namespace: string;
}

export interface TurnsOptions {
  readonly monotonicMs: () => number;
  /** A queue with so many operations is not short. Default: half a batch. */
  readonly shortMax?: number | undefined;
}

/** Half a batch: enough for a shard to go on with while the next batch gathers. */
const shortMaxDefault = 512;

const waitedTooLong = overloaded(
  `The operation has waited for its turn for ${queueWaitMaxMs} ms; it was not begun.`,
);
const roomIsFull = overloaded('Too many operations of this namespace wait for their turn already.');

export class Turns {
  readonly #queues: readonly TurnQueue[];
  readonly #monotonicMs: () => number;
  readonly #shortMax: number;
  /** By shard: works for this shard alone. */
  readonly #narrow: readonly FairRound[];
  /** Works for several shards. */
  readonly #wide = new FairRound();
  /** Rounds that have work, and no turn since the last work for several shards had its own. */
  readonly #owed = new Set<FairRound>();
  #isClosed = false;

  constructor(queues: readonly TurnQueue[], { monotonicMs, shortMax }: TurnsOptions) {
    this.#queues = queues;
    this.#monotonicMs = monotonicMs;
    this.#shortMax = shortMax ?? shortMaxDefault;
    this.#narrow = queues.map(() => new FairRound());
  }

  /** Number of works that wait. */
  get waiting(): number {
    return this.#narrow.reduce((sum, { size }) => sum + size, this.#wide.size);
  }

  /** True if work for this shard alone need not wait. */
  isOpen(shard: number): boolean {
    const queue = this.#queues[shard];
    return queue !== undefined && this.#roundOf(shard).size === 0 && this.#isShort(queue);
  }

  /** True if work for several shards need not wait. */
  get isWideOpen(): boolean {
    return this.#wide.size === 0 && this.#areShort();
  }

  /** Has work for this shard alone wait, or refuses it. */
  wait(shard: number, work: ArrivingWork): void {
    this.#add(this.#roundOf(shard), work);
  }

  /** Has work for several shards wait, or refuses it. It gets all of its places in one turn. */
  waitWide(work: ArrivingWork): void {
    this.#add(this.#wide, work);
  }

  /** Gives places to works in turn, as far as the queues are short. Call it when one has become so. */
  serve(): void {
    for (;;) {
      for (const queue of this.#queues) this.#serveNarrow(queue);
      if (this.#wide.size === 0 || this.#owed.size > 0 || !this.#areShort()) return;
      this.#wide.next()?.place();
      for (const round of this.#narrow) if (round.size > 0) this.#owed.add(round);
    }
  }

  /** Refuses works that have waited for too long. Looks at the queues: a shard may have ended to serve. */
  tick(): void {
    const before = this.#monotonicMs() - queueWaitMaxMs;
    for (const round of [this.#wide, ...this.#narrow]) {
      for (const work of round.takeBefore(before)) work.refuse(waitedTooLong);
      if (round.size === 0) this.#owed.delete(round);
    }
    this.serve();
  }

  /** Gives all works their places. From now on none waits: the queues answer or refuse everything. */
  close(): void {
    this.#isClosed = true;
    this.serve();
  }

  #serveNarrow(queue: TurnQueue): void {
    const round = this.#roundOf(queue.shard);
    while (round.size > 0 && this.#isShort(queue)) {
      round.next()?.place();
      this.#owed.delete(round);
    }
  }

  #add(round: FairRound, { namespace: name, units, place, refuse }: ArrivingWork): void {
    // Kept answers and locks have no share of their own.
    const namespace = ownerOfNamespace(name);
    const nowMs = this.#monotonicMs();
    const isLate = nowMs - (round.waitsSince(namespace) ?? nowMs) > queueWaitForMoreMs;
    const waiting = round.unitsOf(namespace);
    // An empty room takes work of any size.
    if (isLate || (waiting > 0 && waiting + units > queueOperationsMax)) {
      refuse(roomIsFull);
      return;
    }
    round.add(namespace, { units, sinceMs: nowMs, place, refuse });
  }

  #isShort({ waitingOperations, waitingBytes }: TurnQueue, times = 1): boolean {
    if (this.#isClosed) return true;
    return waitingOperations < times * this.#shortMax && waitingBytes < times * batchBytesMax;
  }

  /** Works for several shards may make queues twice as long: else others could keep one from being short. */
  #areShort(): boolean {
    return this.#queues.every((queue) => this.#isShort(queue, 2));
  }

  #roundOf(shard: number): FairRound {
    const round = this.#narrow[shard];
    if (round === undefined) throw new Error('every shard has its round');
    return round;
  }
}

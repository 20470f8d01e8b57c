// Keeps one namespace within its quota. Each write reserves the most by which it may grow the
// namespace, before it gets its place in a queue. The reservation ends once the shards' figures show
// the effect of the write. A write that finds no room waits for those under way, and is then let in
// or refused. Knows no queue and no operation.
import { Mutex } from 'async-mutex';
import { StoreError } from '../../base/errors.ts';
import { allLocksWaitersMax } from '../../base/limits.ts';
import { overloaded } from '../../base/overloaded.ts';
import type { ShardResult } from '../../protocol/shard-operation.ts';
import type { Quota } from '../../store/quota.ts';
import type { Amount, NamespaceUsage } from './namespace-usage.ts';

/** The growth of the namespace in one shard, at most. It may be negative. */
export interface ShardGrowth extends Amount {
  readonly shard: number;
}

/** Removes some of what has expired in the namespace. Resolves with how many entries that were. */
export type SweepExpired = () => Promise<number>;

/** True if the change may have been made, and that is not known before its shard has recovered. */
function isInDoubt(answer: ShardResult): boolean {
  return answer.kind === 'refused' && answer.error.outcome === 'unknown';
}

/** The room that one write under way takes up in one shard, at most. */
export class Reservation implements ShardGrowth {
  readonly shard: number;
  readonly keys: number;
  readonly bytes: number;
  /** Counts the writes of the namespace. */
  readonly number: number;
  readonly #quota: NamespaceQuota;

  constructor(quota: NamespaceQuota, number: number, { shard, keys, bytes }: ShardGrowth) {
    this.#quota = quota;
    this.number = number;
    this.shard = shard;
    // Room that one shard gives free is not there before the shard says so.
    this.keys = Math.max(0, keys);
    this.bytes = Math.max(0, bytes);
  }

  /** The shard has answered, and its figures show the effect of the write, unless that is in doubt. */
  settle(answer: ShardResult): void {
    if (isInDoubt(answer)) this.#quota.doubt(this);
    else this.#quota.release(this);
  }

  /** The write was not sent at all. */
  release(): void {
    this.#quota.release(this);
  }
}

export class NamespaceQuota {
  readonly #namespace: string;
  readonly #usage: NamespaceUsage;
  #quota: Quota;
  #reservedKeys = 0;
  #reservedBytes = 0;
  /** The oldest first. Each ends within the time that an operation may wait in a queue. */
  readonly #underWay = new Set<Reservation>();
  /** Of unknown outcome: each keeps its room until its shard has recovered. */
  readonly #inDoubt = new Set<Reservation>();
  #lastNumber = 0;
  /** Held by the write that waits for room. */
  readonly #door = new Mutex();
  #waiters = 0;
  #refused = 0;
  #onRelease: (() => void) | undefined;

  constructor(namespace: string, usage: NamespaceUsage, quota: Quota) {
    this.#namespace = namespace;
    this.#usage = usage;
    this.#quota = quota;
  }

  /** Writes that were refused so far. */
  get refused(): number {
    return this.#refused;
  }

  set(quota: Quota): void {
    this.#quota = quota;
    this.#onRelease?.();
  }

  /** @returns undefined if so much may not fit beside all that is under way */
  tryReserve(growth: ShardGrowth): Reservation | undefined {
    return this.#exceeded(growth) === undefined ? this.#reserve(growth) : undefined;
  }

  /**
   * Reserves room in several shards, all of it or none. Waits while writes under way may leave room.
   *
   * @throws StoreError QUOTA_EXCEEDED if there is no room beside what the namespace holds; OVERLOADED
   */
  async reserve(growths: readonly ShardGrowth[], sweep: SweepExpired): Promise<Reservation[]> {
    const reserved = this.#tryReserveAll(growths);
    if (!(reserved instanceof StoreError)) return reserved;
    if (this.#waiters >= allLocksWaitersMax) throw overloaded();
    this.#waiters += 1;
    const last = this.#lastNumber;
    try {
      return await this.#door.runExclusive(() => this.#untilReserved(growths, last, sweep));
    } finally {
      this.#waiters -= 1;
    }
  }

  release(reservation: Reservation): void {
    if (this.#underWay.delete(reservation) || this.#inDoubt.delete(reservation)) {
      this.#reservedKeys -= reservation.keys;
      this.#reservedBytes -= reservation.bytes;
      this.#onRelease?.();
    }
  }

  doubt(reservation: Reservation): void {
    if (!this.#underWay.delete(reservation)) return;
    this.#inDoubt.add(reservation);
    this.#onRelease?.();
  }

  /** The figures of this shard show every change by now. */
  settled(shard: number): void {
    for (const reservation of this.#inDoubt) {
      if (reservation.shard === shard) this.release(reservation);
    }
  }

  /**
   * The caller holds the door.
   *
   * @param last number of the last write to wait for; later ones may take the room meanwhile
   */
  async #untilReserved(
    growths: readonly ShardGrowth[],
    last: number,
    sweep: SweepExpired,
  ): Promise<Reservation[]> {
    let mayHaveExpired = true;
    for (;;) {
      // Finds the room and takes it in one turn: other writes come between any two.
      const reserved = this.#tryReserveAll(growths);
      if (!(reserved instanceof StoreError)) return reserved;
      // oxlint-disable no-await-in-loop -- each step may make room
      if (this.#isUnderWay(last)) await this.#untilRelease();
      else if (mayHaveExpired) mayHaveExpired = (await sweep()) > 0;
      else {
        this.#refused += 1;
        throw reserved;
      }
      // oxlint-enable no-await-in-loop
    }
  }

  #tryReserveAll(growths: readonly ShardGrowth[]): Reservation[] | StoreError {
    return this.#exceeded(sumOf(growths)) ?? growths.map((growth) => this.#reserve(growth));
  }

  #isUnderWay(last: number): boolean {
    const [oldest] = this.#underWay;
    return oldest !== undefined && oldest.number <= last;
  }

  async #untilRelease(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onRelease = resolve;
    });
    this.#onRelease = undefined;
  }

  #reserve(growth: ShardGrowth): Reservation {
    this.#lastNumber += 1;
    const reservation = new Reservation(this, this.#lastNumber, growth);
    this.#underWay.add(reservation);
    this.#reservedKeys += reservation.keys;
    this.#reservedBytes += reservation.bytes;
    return reservation;
  }

  /** The error for a write that grows the namespace past a limit; undefined if it does not. */
  #exceeded({ keys, bytes }: Amount): StoreError | undefined {
    const { keysMax = Infinity, bytesMax = Infinity } = this.#quota;
    const usage = this.#usage.of(this.#namespace);
    const presentKeys = usage.keys + this.#reservedKeys;
    const presentBytes = usage.bytes + this.#reservedBytes;
    if (keys > 0 && presentKeys + keys > keysMax) {
      return this.#error('keysMax', 'keys', keysMax, presentKeys);
    }
    if (bytes > 0 && presentBytes + bytes > bytesMax) {
      return this.#error('bytesMax', 'bytes', bytesMax, presentBytes);
    }
    return undefined;
  }

  #error(parameter: string, unit: string, limit: number, present: number): StoreError {
    const detail =
      `Namespace ${JSON.stringify(this.#namespace)} may hold ${limit} ${unit} (${parameter}) and ` +
      `holds ${present}; kept answers and locks count. Nothing was written: delete something first.`;
    return new StoreError('QUOTA_EXCEEDED', detail, { limit, present });
  }
}

function sumOf(growths: readonly ShardGrowth[]): Amount {
  const sum = { keys: 0, bytes: 0 };
  for (const { keys, bytes } of growths) {
    sum.keys += keys;
    sum.bytes += bytes;
  }
  return sum;
}

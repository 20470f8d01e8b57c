// The rooms in which namespaces wait for one thing, and the order in which they get their turns: deficit
// round robin (Shreedhar and Varghese, 1995). Whatever one namespace asks for, another one waits for
// one visit of each room at most. Knows no queue.
import type { StoreError } from './errors.ts';

/** Work that waits for its turn: all of it gets its places in one turn of the event loop. */
export interface WaitingWork {
  /** One for each operation, and one for each 2 KiB. */
  readonly units: number;
  /** Monotonic milliseconds. */
  readonly sinceMs: number;
  /** Gives the work its places. Must not throw. */
  readonly place: () => void;
  /** Called instead of `place`. Must not throw. */
  readonly refuse: (error: StoreError) => void;
}

/** Units that a room may have in one visit. It keeps them for the next one if its first work is larger. */
const quantum = 8;

/** Works at the head that were taken already and still take up places of the list, at most. */
const takenMax = 1024;

class Room {
  #works: WaitingWork[] = [];
  #taken = 0;
  #units = 0;
  credit = quantum;

  get units(): number {
    return this.#units;
  }

  get first(): WaitingWork | undefined {
    return this.#works[this.#taken];
  }

  get size(): number {
    return this.#works.length - this.#taken;
  }

  add(work: WaitingWork): void {
    this.#works.push(work);
    this.#units += work.units;
  }

  take(): WaitingWork {
    const { first } = this;
    if (first === undefined) throw new Error('a room has work');
    this.#units -= first.units;
    this.#taken += 1;
    if (this.#taken > takenMax && this.#taken * 2 > this.#works.length) {
      this.#works = this.#works.slice(this.#taken);
      this.#taken = 0;
    }
    return first;
  }
}

export class FairRound {
  /** By namespace, in the order of the visits. A room without work is none. */
  readonly #rooms = new Map<string, Room>();
  #works = 0;

  /** Number of works that wait. */
  get size(): number {
    return this.#works;
  }

  /** The units that wait in this namespace. */
  unitsOf(namespace: string): number {
    return this.#rooms.get(namespace)?.units ?? 0;
  }

  /** Number of works that wait in this namespace. */
  sizeOf(namespace: string): number {
    return this.#rooms.get(namespace)?.size ?? 0;
  }

  /** The time since which the first work of the namespace waits; undefined if none does. */
  waitsSince(namespace: string): number | undefined {
    return this.#rooms.get(namespace)?.first?.sinceMs;
  }

  add(namespace: string, work: WaitingWork): void {
    let room = this.#rooms.get(namespace);
    if (room === undefined) {
      room = new Room();
      this.#rooms.set(namespace, room);
    }
    room.add(work);
    this.#works += 1;
  }

  /** Takes the next work in turn. */
  next(): WaitingWork | undefined {
    for (;;) {
      let missing = Infinity;
      for (let left = this.#rooms.size; left > 0; left--) {
        const [namespace, room] = this.#front();
        const units = room.first?.units ?? 0;
        if (units <= room.credit || this.#rooms.size === 1) return this.#take(namespace, room);
        this.#toTheEnd(namespace, room);
        missing = Math.min(missing, units - room.credit);
      }
      if (missing === Infinity) return undefined;
      // As many rounds at once as would pass before any room has enough.
      const rounds = Math.max(0, Math.ceil(missing / quantum) - 1);
      for (const room of this.#rooms.values()) room.credit += rounds * quantum;
    }
  }

  /**
   * Takes out works that wait since before this time.
   *
   * @param left so many works of each namespace stay, however long they wait
   */
  takeBefore(monotonicMs: number, left = 0): WaitingWork[] {
    const taken: WaitingWork[] = [];
    for (const [namespace, room] of this.#rooms) {
      while (room.size > left && (room.first?.sinceMs ?? Infinity) < monotonicMs) {
        taken.push(this.#take(namespace, room));
      }
    }
    return taken;
  }

  #front(): [string, Room] {
    for (const front of this.#rooms) return front;
    throw new Error('some namespace waits');
  }

  #take(namespace: string, room: Room): WaitingWork {
    const work = room.take();
    room.credit = Math.max(0, room.credit - work.units);
    this.#works -= 1;
    if (room.first === undefined) this.#rooms.delete(namespace);
    else if (room.first.units > room.credit) this.#toTheEnd(namespace, room);
    return work;
  }

  /** The visit is over. The next one brings more credit. */
  #toTheEnd(namespace: string, room: Room): void {
    room.credit += quantum;
    this.#rooms.delete(namespace);
    this.#rooms.set(namespace, room);
  }
}

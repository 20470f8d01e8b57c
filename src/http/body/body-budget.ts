// Divides room between arriving bodies and whole bodies whose request is not answered yet. A body
// that finds no room waits and is read no further. While bodies wait, the budget ends those that
// came too slowly lately, until the others fit. Must not know streams.
import type { BodyAccount } from './body-account.ts';
import { BodyList } from './body-list.ts';
import { BodyRoom, isSmall, type BodyRoomOptions } from './body-room.ts';
import { beginPace, bySlowness, endTick, isSlow, tickMs } from './pace.ts';

export class BodyBudget {
  readonly #room: BodyRoom;
  /** Bodies that have begun to arrive and are not whole. */
  readonly #bodies = new BodyList();
  #waiting = 0;
  #pauses = 0;
  #ended = 0;
  #isAdmissionPlanned = false;
  #ticks: NodeJS.Timeout | undefined;

  constructor(options: BodyRoomOptions) {
    this.#room = new BodyRoom(options);
  }

  get bytesMax(): number {
    return this.#room.bytesMax;
  }

  /** Bytes of all bodies; never more than `bytesMax`. */
  get held(): number {
    return this.#room.held;
  }

  /** Bodies that wait for room. */
  get waiting(): number {
    return this.#waiting;
  }

  /** How often the budget made a body wait. */
  get pauses(): number {
    return this.#pauses;
  }

  /** Bodies ended because they came too slowly. */
  get ended(): number {
    return this.#ended;
  }

  /** Finds room for bytes that have arrived, or makes the body wait. */
  take(body: BodyAccount, bytes: number): void {
    if (body.owed === 0 && this.#room.take(body, bytes, this.#bodies.oldest ?? body)) {
      // A body that came in one chunk, as most do, never enters the list.
      if (!body.isComplete && !this.#bodies.has(body)) this.#bodies.append(body);
      return;
    }
    if (!this.#bodies.has(body)) this.#bodies.append(body);
    if (body.owed === 0) this.#beginWait();
    body.owed += bytes;
    body.pause();
  }

  /**
   * Ends the account of a body that is whole and owes nothing.
   *
   * @param bytes the length of the body: room that stays taken until `release`
   */
  complete(body: BodyAccount, bytes: number): void {
    if (this.#bodies.has(body)) this.#bodies.remove(body);
    this.#room.settle(body, bytes);
    this.#planAdmission();
  }

  /** Ends the account of an abandoned body and frees all its room. */
  leave(body: BodyAccount): void {
    if (body.owed > 0) this.#endWait(body);
    if (this.#bodies.has(body)) this.#bodies.remove(body);
    this.#room.settle(body, 0);
    this.#planAdmission();
  }

  /**
   * Takes room for bytes that have arrived already, for a reader that can do without.
   *
   * @returns false, and takes none, if there is no room or other bodies wait for it
   */
  takeArrived(bytes: number): boolean {
    return this.#waiting === 0 && this.#room.takeArrived(bytes);
  }

  /** Frees room that a whole body had. */
  release(bytes: number): void {
    this.#room.release(bytes);
    this.#planAdmission();
  }

  #beginWait(): void {
    this.#pauses += 1;
    this.#waiting += 1;
    if (this.#ticks !== undefined) return;
    for (const body of this.#bodies) beginPace(body);
    this.#ticks = setInterval(this.#tick, tickMs).unref();
  }

  #endWait(body: BodyAccount): void {
    body.owed = 0;
    beginPace(body);
    this.#waiting -= 1;
    if (this.#waiting > 0) return;
    clearInterval(this.#ticks);
    this.#ticks = undefined;
  }

  /** Plans admission once a turn, however many replies end in the turn. */
  #planAdmission(): void {
    if (this.#waiting === 0 || this.#isAdmissionPlanned) return;
    this.#isAdmissionPlanned = true;
    setImmediate(this.#admit);
  }

  readonly #admit = (): void => {
    this.#isAdmissionPlanned = false;
    for (;;) {
      const { oldest } = this.#bodies;
      // A complete body has left the list, so the next body is the oldest now.
      if (oldest === undefined || !this.#admitIfFits(oldest)) break;
    }
    const waiting = [...this.#bodies].filter(({ owed }) => owed > 0);
    // First small bodies and complete ones, which free their room once answered. Then all by age.
    for (const body of waiting) {
      if (body.isComplete || isSmall(body, body.owed)) this.#admitIfFits(body);
    }
    for (const body of waiting) this.#admitIfFits(body);
  };

  #admitIfFits(body: BodyAccount): boolean {
    const { oldest = body } = this.#bodies;
    if (body.owed === 0 || !this.#room.take(body, body.owed, oldest)) return false;
    this.#endWait(body);
    body.proceed();
    return true;
  }

  readonly #tick = (): void => {
    let wanted = 0;
    for (const { owed, bytesToCome, held } of this.#bodies) {
      if (owed > 0) wanted += owed + (bytesToCome ?? held);
    }
    const slow = [...this.#bodies].filter(isSlow).toSorted(bySlowness);
    for (const body of slow) {
      if (wanted <= 0) break;
      wanted -= body.held;
      this.#ended += 1;
      body.end();
    }
    for (const body of this.#bodies) endTick(body);
  };
}

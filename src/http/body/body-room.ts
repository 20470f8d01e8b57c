// Divides the room for bodies. The bound is hard.
// - A share as large as the largest body is kept for the oldest body that still arrives. That body
//   can always finish, so no set of bodies can block itself.
// - A part of the rest is kept for small bodies: large ones never keep them out.
// - Once half of what is left is taken, a large body is let in only whole. Few bodies that finish
//   are better than many that wait for each other.
import { assert } from '../../base/assert.ts';
import type { BodyAccount } from './body-account.ts';

export interface BodyRoomOptions {
  readonly bytesMax: number;
  /** Bytes of the largest body that is accepted. */
  readonly bodyBytesMax: number;
}

/** A body of up to this many bytes is small. */
const smallBytesMax = 16 * 1024;

/** The part reserved for small bodies. */
const smallPart = 1 / 8;

/** The part that large bodies may take as they arrive, without a promise. */
const freePart = 1 / 2;

export function isSmall({ held }: BodyAccount, bytes: number): boolean {
  return held + bytes <= smallBytesMax;
}

export class BodyRoom {
  readonly bytesMax: number;
  /** The most that bodies other than the oldest hold in sum: all, large ones, unpromised ones. */
  readonly #othersMax: number;
  readonly #largeMax: number;
  readonly #freeMax: number;
  #held = 0;
  /** Bytes promised to bodies and not taken yet. */
  #promised = 0;

  constructor({ bytesMax, bodyBytesMax }: BodyRoomOptions) {
    assert(bodyBytesMax <= bytesMax, 'the largest body must find room');
    this.bytesMax = bytesMax;
    this.#othersMax = bytesMax - bodyBytesMax;
    this.#largeMax = this.#othersMax * (1 - smallPart);
    this.#freeMax = this.#largeMax * freePart;
  }

  /** Never more than `bytesMax`. */
  get held(): number {
    return this.#held;
  }

  /** @returns whether the body has room for these bytes now */
  take(body: BodyAccount, bytes: number, oldest: BodyAccount): boolean {
    if (!this.#fits(body, bytes, oldest)) return false;
    this.#held += bytes;
    body.held += bytes;
    if (body.promised > 0) this.#promise(body, Math.max(0, body.promised - bytes));
    return true;
  }

  /** @returns whether there was room for these bytes, which stay taken until `release` */
  takeArrived(bytes: number): boolean {
    if (this.#held + bytes > this.#othersMax) return false;
    this.#held += bytes;
    return true;
  }

  /** Reduces the room of a body to `bytes`, which stay taken until `release`. */
  settle(body: BodyAccount, bytes: number): void {
    if (body.promised > 0) this.#promise(body, 0);
    this.release(body.held - bytes);
    body.held = bytes;
  }

  release(bytes: number): void {
    this.#held -= bytes;
  }

  #fits(body: BodyAccount, bytes: number, oldest: BodyAccount): boolean {
    // A complete body frees its room once answered. It only must not overtake the oldest.
    if (body === oldest || (body.isComplete && oldest.owed === 0)) {
      return this.#held + bytes <= this.bytesMax;
    }
    const others = this.#held - oldest.held + bytes;
    return isSmall(body, bytes) ? others <= this.#othersMax : this.#largeFits(body, bytes, oldest);
  }

  #largeFits(body: BodyAccount, bytes: number, oldest: BodyAccount): boolean {
    const others = this.#held - oldest.held + bytes;
    const spoken = others + this.#promised - oldest.promised;
    if (body.promised > 0) return spoken - Math.min(bytes, body.promised) <= this.#largeMax;
    if (others <= this.#freeMax && spoken <= this.#largeMax) return true;
    // If only the end of the body will tell, half of the body may still be to come.
    const rest = body.bytesToCome ?? body.held;
    if (spoken + rest > this.#largeMax) return false;
    this.#promise(body, bytes + rest);
    return true;
  }

  #promise(body: BodyAccount, bytes: number): void {
    this.#promised += bytes - body.promised;
    body.promised = bytes;
  }
}

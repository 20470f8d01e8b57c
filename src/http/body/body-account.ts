// One arriving body as the budget sees it: counters, and calls to steer it. Must not know streams.

export abstract class BodyAccount {
  /** Bytes of room that the body has taken. */
  held = 0;
  /** Bytes of room reserved for the part of the body still to come. */
  promised = 0;
  /** Bytes that have arrived without room. While there are any, the body waits. */
  owed = 0;
  /** True once the body has arrived whole. */
  isComplete = false;

  /** Bytes that arrived in this tick, and in the one before. */
  gained = 0;
  gainedBefore = 0;
  /** Ticks that the body was read without a pause; the first of them may be partial. */
  ticksRead = 0;
  /** Ticks that the body has waited, in total. */
  ticksWaited = 0;

  /** The neighbours in the list of bodies (body-list.ts). */
  older: BodyAccount | undefined;
  newer: BodyAccount | undefined;

  /** Bytes still to come; undefined if only the end of the body will tell. */
  abstract get bytesToCome(): number | undefined;

  /** Stops reading the body. The budget may call again while the body waits. */
  abstract pause(): void;

  /** Goes on: there is room for all that the body owed. */
  abstract proceed(): void;

  /**
   * Ends the body, which came too slowly while others waited. The body must leave the budget at
   * once.
   */
  abstract end(): void;
}

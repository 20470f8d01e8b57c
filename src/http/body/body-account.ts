// One body while it arrives, as the budget sees it: counts, and what it may be told. Knows no stream.

export abstract class BodyAccount {
  /** Bytes of room that the body has. */
  held = 0;
  /** Bytes of room that are kept for what is still to come of it. */
  promised = 0;
  /** Bytes that have arrived and found no room yet. While there are any, the body waits. */
  owed = 0;
  /** Whether all of it has arrived. */
  isComplete = false;

  /** Bytes that arrived in this tick, and in the one before it. */
  gained = 0;
  gainedBefore = 0;
  /** Ticks for which it has been read without a pause, the first of them in part. */
  ticksRead = 0;
  /** Ticks for which it has waited, all in all. */
  ticksWaited = 0;

  /** Its neighbours in the list of bodies (body-list.ts). */
  older: BodyAccount | undefined;
  newer: BodyAccount | undefined;

  /** Bytes that are still to come; undefined if only its end will tell. */
  abstract get bytesToCome(): number | undefined;

  /** To be read no further. May be called again while it waits. */
  abstract pause(): void;

  /** Has found room for all that it owed. */
  abstract proceed(): void;

  /** Is ended, since it came too slowly while others waited; has to leave the budget at once. */
  abstract end(): void;
}

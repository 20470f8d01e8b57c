/**
 * Data that only shards, and the threads that read their files, understand. The router carries a
 * parcel from one to the other without looking into it.
 */
export interface Parcel {
  readonly content: unknown;
}

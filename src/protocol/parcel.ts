/**
 * What only shards and the threads that read their files understand: the router carries it from one
 * to the other without looking into it.
 */
export interface Parcel {
  readonly content: unknown;
}

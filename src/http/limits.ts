// The bounds of the HTTP layer, all of them settings.

export interface HttpLimits {
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  readonly batchOperationsMax: number;
  readonly batchBytesMax: number;
  /** Request bodies held at one moment, in sum. */
  readonly bodyBytesInFlightMax: number;
  /** From the first byte of a request to its last. */
  readonly requestTimeoutMs: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number;
  readonly connectionsMax: number;
}

/** Room for a query with three percent-encoded keys and a cursor, and for ordinary headers. */
export function headerBytesMax(keyBytesMax: number): number {
  return 16 * 1024 + 12 * keyBytesMax;
}

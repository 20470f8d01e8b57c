// The bounds of the HTTP layer: the settings among them (`HttpLimits`), and the constants.

export interface HttpLimits {
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  readonly batchOperationsMax: number;
  readonly batchBytesMax: number;
  /** Most bytes of request bodies held at one moment, in sum. */
  readonly bodyBytesInFlightMax: number;
  /**
   * Most bytes of values that requests over many keys have gathered, of replies that clients have
   * not taken yet, and of pipelined requests that wait for an earlier one: each in sum.
   */
  readonly replyBytesMax: number;
  /** Milliseconds from the first byte of a request to its last. */
  readonly requestTimeoutMs: number;
  /** Milliseconds from the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** Milliseconds for which a connection may be idle between two requests. */
  readonly keepAliveTimeoutMs: number;
  readonly connectionsMax: number;
  /** Requests of one namespace that may wait for a change at a time. */
  readonly waitersMax: number;
  /** Answers to requests with an Idempotency-Key are kept for so long, and so many of each user. */
  readonly idempotencyWindowMs: number;
  readonly idempotencyRecordsMax: number;
}

/** Bytes for a query with three percent-encoded keys and a cursor, and for ordinary headers. */
export function headerBytesMax(keyBytesMax: number): number {
  return 16 * 1024 + 12 * keyBytesMax;
}

/** Bytes of values that one request over many keys returns, as a share of those of all requests. */
export const requestReplyShare = 1 / 4;

/** Connections beyond the limit that get a 503; the server closes any further ones at once. */
export const surplusConnectionsMax = 256;

/** The server refuses a request with this many header lines. */
export const headerLinesMax = 1000;

/**
 * Backlog: connections that the system completes before the server accepts them. A client that
 * finds no place tries again after 1, 3, 7, 15 seconds. By then the server may have had time for
 * long.
 */
export const pendingConnectionsMax = 4096;

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
  /** How long a connection may be idle between two requests. */
  readonly keepAliveTimeoutMs: number;
  readonly connectionsMax: number;
  /** How long the answer to a request with an Idempotency-Key is kept, and how many are. */
  readonly idempotencyWindowMs: number;
  readonly idempotencyRecordsMax: number;
}

/** Room for a query with three percent-encoded keys and a cursor, and for ordinary headers. */
export function headerBytesMax(keyBytesMax: number): number {
  return 16 * 1024 + 12 * keyBytesMax;
}

/** Values that requests over many keys carry back: one of them, and all at one moment. */
export const requestReplyBytesMax = 64 * 1024 * 1024;
export const gatheredBytesMax = 256 * 1024 * 1024;

/** Replies that their clients have not taken yet, in sum. */
export const replyBytesInFlightMax = 256 * 1024 * 1024;

/** Pipelined requests that wait for an earlier one on their connection, in sum. */
export const heldBytesMax = 256 * 1024 * 1024;

/** Connections beyond the limit that are told so with a 503; past them they are closed at once. */
export const surplusConnectionsMax = 256;

/** Header lines of a request; this many are refused. */
export const headerLinesMax = 1000;

/**
 * Connections that the system completes before they are accepted. A client that finds no place there
 * tries again after 1, 3, 7, 15 seconds, and waits for nothing while the server has long had time.
 */
export const pendingConnectionsMax = 4096;

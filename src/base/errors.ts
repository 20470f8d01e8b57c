// Owns the closed list of error codes. A missing key is a result, not an error, but has a code here
// because front ends name it. Must not know HTTP statuses, which are in
// src/http/wire/status-of-error.ts.

/** Each code with the one sentence that documents it. */
export const errorSentences = {
  // The caller may not do it.
  UNAUTHENTICATED: 'The server requires a token, and the request has no valid one.',
  FORBIDDEN: 'The token does not allow this, whether or not it exists.',
  FORBIDDEN_ORIGIN:
    'The server requires no token, and the request comes from a web page or for a host it does not know.',
  // The request is at fault.
  BAD_REQUEST: 'The request is malformed; the detail names what is wrong and what is allowed.',
  KEY_INVALID: 'The key is empty, not well-formed Unicode, or longer than the limit.',
  NAMESPACE_INVALID: 'The name of a namespace is not valid; the detail names what is allowed.',
  KEY_NOT_FOUND: 'No entry has this key, or it has expired.',
  NAMESPACE_NOT_FOUND: 'There is no namespace of this name.',
  LOCK_NOT_FOUND: 'No client holds this lock.',
  LOCK_HELD: 'Another holds the lock, or waits for it; expiresAt says until when it is held.',
  PRECONDITION_REQUIRED: 'To release a lock, send its fence in If-Match.',
  NAMESPACE_REQUIRED: 'The default namespace always exists; it cannot be dropped.',
  USER_NOT_FOUND: 'There is no user of this name.',
  TOKEN_NOT_FOUND: 'The user has no token with this id.',
  ADMIN_TOKEN_REQUIRED: 'No token would be left, or made, that may administer the server.',
  CONDITION_FAILED: 'The entry is not in the state that If-Match or If-None-Match asks for.',
  VALUE_TOO_LARGE: 'The value is larger than the limit.',
  VALUE_NOT_AN_INTEGER: 'The value is not a 64-bit decimal integer, or the result would overflow.',
  REQUEST_TOO_LARGE: 'The request body is larger than the limit, or has too many operations.',
  REPLY_TOO_LARGE: 'The values asked for do not fit into one reply; ask for fewer at a time.',
  IDEMPOTENCY_KEY_REUSED: 'The Idempotency-Key came with another request to the same path before.',
  IDEMPOTENCY_KEY_IN_FLIGHT:
    'The first request with this Idempotency-Key is still being carried out; try again later.',
  ENCODING_UNSUPPORTED: 'The body has a Content-Encoding; send it as it is.',
  ROUTE_NOT_FOUND: 'There is nothing at this path.',
  METHOD_NOT_ALLOWED: 'This path exists but does not take this method; Allow names those it takes.',
  REQUEST_TIMEOUT: 'The request did not arrive whole in time.',
  HEADERS_TOO_LARGE: 'The request line and headers are larger than the limit.',
  // The store cannot do it now.
  RATE_LIMITED: 'The token has had all that its rates allow; try again after the time given.',
  WAITERS_FULL: 'As many requests wait in the namespace as may; ask again later, or without wait.',
  OVERLOADED: 'Too much is waiting already; try again after the time given.',
  SHARD_UNAVAILABLE: 'The shard that owns the key is not serving; the outcome says what happened.',
  SHUTTING_DOWN: 'The server is stopping and takes no new work.',
  DISK_FULL: 'The disk has no room for the write.',
  SHARD_FULL: 'The shard holds as many entries or bytes as it can; delete some or use more shards.',
  QUOTA_EXCEEDED: 'The namespace would hold more keys or bytes than it may; delete some.',
  NAMESPACES_FULL: 'The store has as many namespaces as it may have; drop some.',
  ACCESS_FULL: 'The store has as many users or tokens as it may have; delete some.',
  AUDIT_FULL:
    'The audit log cannot be written, and no audited request is carried out without a record.',
  // The store cannot start, or a file is not valid.
  STORE_DAMAGED: 'A file of the store is damaged or missing; nothing has been changed.',
  STORE_IN_USE: 'Another process holds the data folder.',
  STORE_MISMATCH:
    'The data folder does not fit the settings or this version of the program, or it holds other files.',
  STORE_INACCESSIBLE: 'The data folder cannot be read or written.',
  // A bug.
  INTERNAL: 'Something went wrong inside the server; its log says what.',
} as const;

export type ErrorCode = keyof typeof errorSentences;

/** Tells the caller the effect of the operation. A guess is `unknown`, never one of the others. */
export type Outcome = 'not-applied' | 'applied' | 'unknown';

export interface ErrorFacts {
  /** The outcome of the operation. Default `not-applied`. */
  outcome?: Outcome | undefined;
  /** True if the same request may succeed later. Default false. */
  retryable?: boolean | undefined;
  /** A retry makes sense after so many milliseconds. */
  retryAfterMs?: number | undefined;
  /** The limit that was exceeded, in the unit that the detail names. */
  limit?: number | undefined;
  /** How much there is at present of that which is limited, in the same unit. */
  present?: number | undefined;
  /** The parameter, header or member at fault. */
  parameter?: string | undefined;
  /** The deadline of that which stands in the way, Unix milliseconds. */
  expiresAt?: number | undefined;
}

/** For what is over soon: a full queue has moved on, and a shard was opened again. */
export const retrySoon = { retryable: true, retryAfterMs: 1000 } as const satisfies ErrorFacts;

/** An expected failure. The code is stable; the message names the fault and what is allowed. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly limit: number | undefined;
  readonly present: number | undefined;
  readonly parameter: string | undefined;
  readonly expiresAt: number | undefined;

  constructor(code: ErrorCode, detail: string, facts: ErrorFacts = {}, cause?: unknown) {
    super(detail, cause === undefined ? undefined : { cause });
    this.code = code;
    this.outcome = facts.outcome ?? 'not-applied';
    this.retryable = facts.retryable ?? false;
    this.retryAfterMs = facts.retryAfterMs;
    this.limit = facts.limit;
    this.present = facts.present;
    this.parameter = facts.parameter;
    this.expiresAt = facts.expiresAt;
  }

  get facts(): ErrorFacts {
    const { outcome, retryable, retryAfterMs, limit, present, parameter, expiresAt } = this;
    return { outcome, retryable, retryAfterMs, limit, present, parameter, expiresAt };
  }
}

/** The `code` of a Node system error (ENOSPC, EIO ...), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** No room: on the disk, in the quota, or in one file. */
const fullDiskCodes: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** True for a system error that says there is no room, and for the StoreError that stands for it. */
export function isDiskFull(error: unknown): boolean {
  if (error instanceof StoreError) return error.code === 'DISK_FULL';
  return fullDiskCodes.has(systemErrorCode(error));
}

// Maps every error code to its HTTP status; no other file does. The compiler refuses a missing
// code.
import type { ErrorCode } from '../../base/errors.ts';

export const statusOfError: Record<ErrorCode, number> = {
  BAD_REQUEST: 400,
  KEY_INVALID: 400,
  NAMESPACE_INVALID: 400,
  KEY_NOT_FOUND: 404,
  CONDITION_FAILED: 412,
  VALUE_TOO_LARGE: 413,
  // Not 409: a transaction answers 409 if its checks do not hold.
  VALUE_NOT_AN_INTEGER: 422,
  REQUEST_TOO_LARGE: 413,
  REPLY_TOO_LARGE: 413,
  IDEMPOTENCY_KEY_REUSED: 422,
  IDEMPOTENCY_KEY_IN_FLIGHT: 409,
  ENCODING_UNSUPPORTED: 415,
  ROUTE_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  HEADERS_TOO_LARGE: 431,
  OVERLOADED: 503,
  SHARD_UNAVAILABLE: 503,
  SHUTTING_DOWN: 503,
  DISK_FULL: 507,
  SHARD_FULL: 507,
  STORE_DAMAGED: 500,
  STORE_IN_USE: 500,
  STORE_MISMATCH: 500,
  STORE_INACCESSIBLE: 500,
  INTERNAL: 500,
};

// The refusals of a caller. None tells whether a key, a namespace or a user exists.
import { StoreError } from '../../base/errors.ts';

export function unauthenticated(): StoreError {
  const detail = 'A valid token is needed: Authorization: Bearer TOKEN. Nothing was done.';
  return new StoreError('UNAUTHENTICATED', detail);
}

/** The role of the token does not allow it, whatever the key. */
export function forbidden(): StoreError {
  return new StoreError('FORBIDDEN', 'The token does not allow this. Nothing was done.');
}

/** The token allows it for other keys. */
export function forbiddenKey(): StoreError {
  const detail = 'The token does not allow this for this key. Nothing was done.';
  return new StoreError('FORBIDDEN', detail, { parameter: 'key' });
}

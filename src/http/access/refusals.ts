// The refusals of a caller. They tell whether a key or a namespace exists only to callers that may
// see all.
import { retrySoon, StoreError } from '../../base/errors.ts';

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

/** Only for callers that may see all. */
export function noNamespace(name: string): StoreError {
  const detail =
    `There is no namespace ${JSON.stringify(name)}. The first PUT into it makes it, on an open ` +
    'server or with a token that has admin on "*". Nothing was done.';
  return new StoreError('NAMESPACE_NOT_FOUND', detail, { parameter: 'namespace' });
}

/** The drop may still fail, so this says nothing final. */
export function namespaceIsDropped(name: string): StoreError {
  const detail = `The namespace ${JSON.stringify(name)} is being dropped. Nothing was done.`;
  return new StoreError('SHARD_UNAVAILABLE', detail, { ...retrySoon, parameter: 'namespace' });
}

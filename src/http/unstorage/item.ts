// Finds the item that a path of the unstorage protocol names. An item is one key of a namespace, or
// all keys below a base. Slashes separate a key's parts on the wire, and colons in the store. Asks
// no store.
import { StoreError } from '../../base/errors.ts';
import { checkNamespaceName } from '../../base/namespace-name.ts';
import { percentDecode } from '../wire/percent-decode.ts';
import type { Mount } from '../wire/request-target.ts';

export const itemMount: Mount = {
  prefix: '/unstorage/',
  route: '/unstorage/:item',
  target: '/unstorage/-',
};

export interface Item {
  readonly namespace: string;
  /** A byte string. If `isBase`, the prefix of all keys below the base; empty at the root. */
  readonly key: string;
  readonly isBase: boolean;
}

function invalid(detail: string, limit?: number): StoreError {
  return new StoreError('KEY_INVALID', detail, { parameter: 'key', limit });
}

/** As in the clients, `\\` counts as a slash, and empty parts do not count. */
function partsOf(path: string): string[] {
  return path.split(/[/\\:]/).filter((part) => part !== '');
}

const pathForm = 'its form is /unstorage/{namespace}/{key}';

/**
 * @param text the path behind the mount, still encoded
 * @throws StoreError NAMESPACE_INVALID, KEY_INVALID
 */
export function itemOf(text: string, keyBytesMax: number): Item {
  const path = percentDecode(text);
  if (path === undefined) throw invalid('A key must be valid percent-encoding of valid UTF-8.');
  const slash = path.indexOf('/');
  const namespace = slash === -1 ? path : path.slice(0, slash);
  if (namespace === '') {
    const detail = `The path names no namespace; ${pathForm}.`;
    throw new StoreError('NAMESPACE_INVALID', detail, { parameter: 'namespace' });
  }
  checkNamespaceName(namespace, 'namespace');
  // It cannot be told which of the two a client has left out.
  if (slash === -1) throw invalid(`The path names no namespace or no key; ${pathForm}.`);
  const rest = path.slice(slash + 1);
  const parts = partsOf(rest);
  if (parts.some((part) => part === '.' || part === '..')) {
    throw invalid('A key has no part that is . or .. here.');
  }
  const key = parts.join(':');
  if (key.length > keyBytesMax) {
    const detail = `A key may have at most ${keyBytesMax} bytes of UTF-8; this one has ${key.length}.`;
    throw invalid(detail, keyBytesMax);
  }
  const isBase = /[:/]$/.test(path);
  if (isBase) return { namespace, key: key === '' ? '' : `${key}:`, isBase };
  if (key === '') throw invalid('A key must not be empty.');
  return { namespace, key, isBase };
}

const unnamedPattern = /[/\\]|(?:^|:)\.{0,2}(?::|$)/;

/**
 * True if a path can name this key of the store. Other dialects also make keys with slashes,
 * backslashes, and parts that are empty, `.` or `..`. This dialect ignores such keys.
 */
export function canBeNamed(key: string): boolean {
  return !unnamedPattern.test(key);
}

/** The key as it is spelled on the wire. */
export function pathOfKey(key: string): string {
  return key.replaceAll(':', '/');
}

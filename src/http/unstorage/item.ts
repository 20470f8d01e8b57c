// Which item a path of the unstorage protocol names: a key of a namespace, or all keys below a base.
// A key's parts stand between slashes on the wire and between colons in the store.
import { StoreError } from '../../base/errors.ts';
import { percentDecode } from '../percent-decode.ts';

export interface Item {
  readonly namespace: string;
  /** A byte string. Of a base, what all keys below it begin with; empty at the root. */
  readonly key: string;
  readonly isBase: boolean;
}

const namespacePattern = /^[A-Za-z0-9_-]{1,64}$/;

function invalid(detail: string, limit?: number): StoreError {
  return new StoreError('KEY_INVALID', detail, { parameter: 'key', limit });
}

/** As the clients do it: `\\` is a slash, and parts that are empty are none. */
function partsOf(path: string): string[] {
  return path.split(/[/\\:]/).filter((part) => part !== '');
}

/**
 * @param text behind the mount, still encoded
 * @throws StoreError KEY_INVALID
 */
export function itemOf(text: string, keyBytesMax: number): Item {
  const path = percentDecode(text);
  if (path === undefined) throw invalid('A key must be valid percent-encoding of valid UTF-8.');
  const slash = path.indexOf('/');
  const namespace = slash === -1 ? path : path.slice(0, slash);
  if (!namespacePattern.test(namespace)) {
    throw invalid('A namespace is 1 to 64 letters, digits, hyphens and underscores.');
  }
  const rest = slash === -1 ? '' : path.slice(slash + 1);
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
 * Whether a path can name this key of the store. Other dialects also make keys with slashes,
 * backslashes, and parts that are empty, `.` or `..`: here these are as if they were not there.
 */
export function canBeNamed(key: string): boolean {
  return !unnamedPattern.test(key);
}

/** The key as it stands on the wire. */
export function pathOfKey(key: string): string {
  return key.replaceAll(':', '/');
}

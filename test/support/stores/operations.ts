// Operations as tests write them: keys and values as text, in the default namespace. Also functions
// that read results. Knows no engine.
import { byteStringOfText } from '../../../src/base/byte-string.ts';
import type { ListItem, ListQuery } from '../../../src/store/listing.ts';
import type { Conditions, Operation } from '../../../src/store/operation.ts';
import type { Result } from '../../../src/store/result.ts';
import type { Store } from '../../../src/store/store.ts';

export const namespace = 'default';
export const missing: Result = { kind: 'missing' };

export function put(key: string, value: string | Uint8Array, more: object = {}): Operation {
  return { op: 'put', namespace, key: byteStringOfText(key), value: Buffer.from(value), ...more };
}

export function get(key: string): Operation {
  return { op: 'get', namespace, key: byteStringOfText(key) };
}

export function remove(key: string, conditions: Conditions = {}): Operation {
  return { op: 'delete', namespace, key: byteStringOfText(key), ...conditions };
}

export function listOf(query: Partial<ListQuery>): ListQuery {
  return {
    namespace,
    prefix: '',
    start: undefined,
    end: undefined,
    after: undefined,
    limit: 100,
    reverse: false,
    includeValues: false,
    ...query,
  };
}

export async function walk(store: Store, query: Partial<ListQuery>): Promise<ListItem[]> {
  const items: ListItem[] = [];
  let after: string | undefined;
  do {
    const page = await store.list(listOf({ ...query, after }));
    items.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return items;
}

export function textOf(result: Result): string | undefined {
  return result.kind === 'entry' ? Buffer.from(result.value ?? []).toString() : undefined;
}

export function versionOf(result: Result): number {
  if (result.kind !== 'written' && result.kind !== 'entry') throw new Error(result.kind);
  return result.version;
}

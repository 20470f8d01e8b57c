import { byteStringOfText } from '../../../src/base/byte-string.ts';
import type { Store } from '../../../src/store/store.ts';
import type { Contents } from './find-losses.ts';

/** Reads the entry of each key, from a store that this process has opened. */
export async function readStore(store: Store, keys: readonly string[]): Promise<Contents> {
  const gets = keys.map(
    (key) => ({ op: 'get', namespace: 'default', key: byteStringOfText(key) }) as const,
  );
  const results = await store.submitAll(gets);
  return new Map(
    results.map((result, index) => {
      const key = keys[index] ?? '';
      if (result.kind === 'missing') return [key, undefined];
      if (result.kind !== 'entry') throw new Error(`a get was answered ${result.kind}`);
      const value = Buffer.from(result.value ?? []).toString();
      return [key, { value, version: result.version }];
    }),
  );
}

// All entries of a store that nobody serves, in (namespace, key) order over all shards, as JSON lines.
// Everything is proved before the first line comes out. Changes nothing.
import { entriesOf, type StreamedEntry } from '../shard/entry-stream.ts';
import { mergeEntryStreams } from '../shard/merge-entry-streams.ts';
import { proveShard } from '../shard/recovery.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { defaultNamespace } from '../base/default-namespace.ts';
import { openOfflineStore } from './offline-store.ts';

/** Of text that is handed out at a time. */
const pieceCharacters = 64 * 1024;

/**
 * Proves all; nothing is read again before the pieces are asked for.
 *
 * @param now Unix milliseconds: what has expired by then, or by the store's own time, is left out
 * @returns the lines in pieces of many
 * @throws StoreError as `openOfflineStore` and a start do; system errors
 */
export function dumpStore(
  fileSystem: FileSystem,
  dataDir: string,
  now: number,
): Generator<string, void, void> {
  const { shards } = openOfflineStore(fileSystem, dataDir);
  const proved = shards.map((place) => proveShard(place));
  const stamp = Math.max(now, ...proved.map(({ at }) => at));
  return pieces(mergeEntryStreams(entriesOf(shards, proved)), stamp);
}

function* pieces(entries: Iterable<StreamedEntry>, stamp: number): Generator<string, void, void> {
  let piece = '';
  for (const entry of entries) {
    if ((entry.record.expiresAt ?? Infinity) <= stamp) continue;
    piece += `${JSON.stringify(dumped(entry))}\n`;
    if (piece.length < pieceCharacters) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

function dumped({ namespace, version, record }: StreamedEntry): object {
  const { key, value, valueBase64, expiresAt } = record;
  const name = namespace === defaultNamespace ? { key } : { namespace, key };
  const bytes = value === undefined ? { valueBase64 } : { value };
  return { ...name, ...bytes, version, ...(expiresAt === undefined ? {} : { expiresAt }) };
}

// Prints the entries of an offline store as JSON lines, in (namespace, key) order over all shards.
// Before the first line, it proves every file, or the parts that one namespace is in. Changes nothing.
import type { StreamedEntry } from '../shard/streams/entry-stream.ts';
import { liveEntriesOf, liveNamespacesOf } from '../shard/streams/live-entries.ts';
import { mergeEntryStreams } from '../shard/streams/merge-entry-streams.ts';
import { proveShard } from '../shard/recovery/recovery.ts';
import type { FileSystem } from '../storage/file-system.ts';
import { defaultNamespace } from '../base/default-namespace.ts';
import { openOfflineStore } from './offline-store.ts';

/** Pieces have at least this many characters, except for the last one. */
const pieceCharacters = 64 * 1024;

/**
 * Proves the files at once. Reads the entries again only when the caller takes the pieces.
 *
 * @param now Unix milliseconds. The dump leaves out entries that have expired by then, or by the
 *   store's highest timestamp.
 * @param namespace dumps no other namespace, and reads no other in a snapshot; undefined: all of them
 * @returns pieces of many whole lines
 * @throws StoreError if `openOfflineStore` or a start would throw one; system errors
 */
export function dumpStore(
  fileSystem: FileSystem,
  dataDir: string,
  now: number,
  namespace?: string,
): Generator<string, void, void> {
  const { shards } = openOfflineStore(fileSystem, dataDir);
  const proved = shards.map((place) => proveShard(place, namespace));
  const timestamp = Math.max(now, ...proved.map(({ at }) => at));
  return pieces(mergeEntryStreams(liveEntriesOf(shards, proved, namespace)), timestamp);
}

/**
 * The namespaces that have entries, sorted, those of the program itself among them. Reads no entry of
 * a snapshot.
 *
 * @throws StoreError as `dumpStore`
 */
export function namespacesOfStore(fileSystem: FileSystem, dataDir: string): string[] {
  const { shards } = openOfflineStore(fileSystem, dataDir);
  // The name of no namespace is empty, so this proves no entry of a snapshot.
  const proved = shards.map((place) => proveShard(place, ''));
  return liveNamespacesOf(shards, proved);
}

function* pieces(
  entries: Iterable<StreamedEntry>,
  timestamp: number,
): Generator<string, void, void> {
  let piece = '';
  for (const entry of entries) {
    if ((entry.record.expiresAt ?? Infinity) <= timestamp) continue;
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

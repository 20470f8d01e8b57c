// The live files of a store's shards as streams of entries, for tools that work on a folder without
// a server. The caller has proved the files. Transactions in doubt are resolved as a start would.
import { resolveInDoubt } from '../../storage/transaction-outcome.ts';
import type { ProvedShard } from '../recovery/recovery.ts';
import type { ShardPlace } from '../shard-place.ts';
import { EntryStream, type StreamedEntry, type StreamSource } from './entry-stream.ts';

/**
 * The files from which a start would recover each shard: the valid part of all live files.
 *
 * @param shards all shards of a store, by number: together they give the outcomes of transactions
 */
export function liveSources(shards: readonly ProvedShard[]): StreamSource[] {
  const outcomes = resolveInDoubt(shards.map(({ traces }) => traces));
  const committed = new Set(
    [...outcomes].flatMap(([id, isCommitted]) => (isCommitted ? [id] : [])),
  );
  return shards.map(({ current, sealed, openJournal }) => {
    // A journal without a header is empty.
    const journals = [...sealed, openJournal.end].filter(({ bytes }) => bytes > 0);
    return { snapshot: current.snapshot, journals, committed };
  });
}

/**
 * The entries that a start would recover, as one stream for each shard.
 *
 * @param namespace gives the entries of no other namespace; undefined: all of them
 */
export function liveEntriesOf(
  places: readonly ShardPlace[],
  shards: readonly ProvedShard[],
  namespace?: string,
): Generator<StreamedEntry, void, void>[] {
  return liveStreamsOf(places, shards, namespace).map((stream) => stream.entries());
}

/** The namespaces that have entries, sorted; see `EntryStream.namespaces`. */
export function liveNamespacesOf(
  places: readonly ShardPlace[],
  shards: readonly ProvedShard[],
): string[] {
  const names = liveStreamsOf(places, shards).flatMap((stream) => [...stream.namespaces()]);
  return [...new Set(names)].toSorted();
}

function liveStreamsOf(
  places: readonly ShardPlace[],
  shards: readonly ProvedShard[],
  namespace?: string,
): EntryStream[] {
  const sources = liveSources(shards);
  return places.flatMap((place, shard) => {
    const source = sources[shard];
    if (source === undefined) return [];
    return [new EntryStream(place.fileSystem, place, source, { namespace })];
  });
}

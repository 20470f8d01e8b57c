// Merges many sorted streams of entries into one. A key is in at most one stream, because each key
// belongs to one shard. Knows no file.
import { compareEntries, type StreamedEntry } from './entry-stream.ts';

type Entries = Generator<StreamedEntry, void, void>;

interface Head {
  readonly entry: StreamedEntry;
  readonly rest: Entries;
}

/** Merges the streams. Ends all of them, even if the caller does not read to the end. */
export function* mergeEntryStreams(streams: readonly Entries[]): Entries {
  // Sorted. There are only as many heads as shards, so a list is as good as a heap.
  const heads: Head[] = [];
  const advance = (rest: Entries): void => {
    const next = rest.next();
    if (!next.done) insert(heads, { entry: next.value, rest });
  };
  try {
    for (const stream of streams) advance(stream);
    for (let head = heads.shift(); head !== undefined; head = heads.shift()) {
      yield head.entry;
      advance(head.rest);
    }
  } finally {
    for (const stream of streams) stream.return();
  }
}

function insert(heads: Head[], head: Head): void {
  let low = 0;
  let high = heads.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = heads[middle];
    if (at !== undefined && compareEntries(at.entry, head.entry) < 0) low = middle + 1;
    else high = middle;
  }
  heads.splice(low, 0, head);
}

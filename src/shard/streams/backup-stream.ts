// A backup of a cut over all shards, whole or of one namespace, as pieces of bytes. Merges the immutable files of every shard
// into one sorted stream. Opens all files at once, so that compactions may remove them meanwhile.
// Memory: the last change of each key in the journals. Knows no thread and no client.
import { BackupWriter } from '../../storage/backup-writer.ts';
import { namesOf } from '../../storage/current.ts';
import type { FileSystem } from '../../storage/file-system.ts';
import { parseLineAroundValues } from '../../storage/large-values.ts';
import { encodeEntry } from '../../storage/record.ts';
import type { ShardLocation } from '../../base/shard-location.ts';
import { EntryStream, type StreamSource } from './entry-stream.ts';
import { HeldFiles } from './held-files.ts';
import { mergeEntryStreams } from './merge-entry-streams.ts';

/** One shard's immutable files at the cut. */
export interface BackupSource extends StreamSource {
  /** The seq that the shard's next change would take at the cut. */
  readonly seq: number;
}

export interface BackupPart extends ShardLocation {
  readonly source: BackupSource;
}

export interface BackupCut {
  /** One part for each shard. */
  readonly parts: readonly BackupPart[];
  /** The timestamp of the cut, Unix milliseconds. */
  readonly at: number;
  /** The machine's clock, Unix milliseconds. */
  readonly createdAt: number;
  /** The only namespace to back up; undefined: all of them. */
  readonly namespace?: string | undefined;
}

const pieceBytes = 1024 * 1024;

export class BackupStream {
  readonly #files: HeldFiles;
  readonly #pieces: Generator<Uint8Array<ArrayBuffer>, void, void>;

  /**
   * Opens every file of the cut.
   *
   * @throws system errors
   */
  constructor(fileSystem: FileSystem, cut: BackupCut) {
    this.#files = new HeldFiles(fileSystem);
    try {
      for (const { folder, source } of cut.parts) {
        for (const name of namesOf(source)) this.#files.hold(`${folder}/${name}`);
      }
    } catch (error) {
      this.#files.close();
      throw error;
    }
    this.#pieces = this.#write(cut);
  }

  /**
   * @returns the next piece, about 1 MiB; undefined after the last one
   * @throws StoreError STORE_DAMAGED if a file is not valid; system errors
   */
  next(): Uint8Array<ArrayBuffer> | undefined {
    return this.#pieces.next().value ?? undefined;
  }

  /** Ends a backup that the caller does not read to its end. Does nothing after the last piece. */
  close(): void {
    this.#pieces.return();
    this.#files.close();
  }

  *#write(cut: BackupCut): Generator<Uint8Array<ArrayBuffer>, void, void> {
    const { parts, at, createdAt, namespace: only } = cut;
    try {
      const seq = Math.max(...parts.map(({ source }) => source.seq));
      const store = parts[0]?.identity.store ?? '';
      const header = { store, shards: parts.length, seq, at, createdAt, namespace: only };
      const writer = new BackupWriter(header);
      const streams = parts.map(({ source, ...location }) =>
        new EntryStream(this.#files, location, source, {
          namespace: only,
          parse: parseLineAroundValues,
        }).entries(),
      );
      for (const { namespace, record, version } of mergeEntryStreams(streams)) {
        writer.add(namespace, encodeEntry(record, version));
        if (writer.pendingBytes >= pieceBytes) yield writer.take();
      }
      writer.finish();
      yield writer.take();
    } finally {
      this.#files.close();
    }
  }
}

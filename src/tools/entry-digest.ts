// Sums up a sorted stream of entries, so that a caller can compare two streams. Keeps no entry.
import { crc32 } from 'node:zlib';
import type { StreamedEntry } from '../shard/streams/entry-stream.ts';
import { encodeEntry } from '../storage/record.ts';

export class EntryDigest {
  #entries = 0;
  #highestVersion = 0;
  #crc = 0;

  static of(entries: Iterable<StreamedEntry>): EntryDigest {
    const digest = new EntryDigest();
    for (const { namespace, record, version } of entries) {
      digest.add(namespace, encodeEntry(record, version), version);
    }
    return digest;
  }

  get entries(): number {
    return this.#entries;
  }

  get highestVersion(): number {
    return this.#highestVersion;
  }

  /** @param entry as src/storage/record.ts encodes entries */
  add(namespace: string, entry: string, version: number): void {
    this.#entries += 1;
    this.#highestVersion = Math.max(this.#highestVersion, version);
    this.#crc = crc32(`${namespace}\n${entry}\n`, this.#crc);
  }

  equals(other: EntryDigest): boolean {
    return (
      this.#entries === other.#entries &&
      this.#highestVersion === other.#highestVersion &&
      this.#crc === other.#crc
    );
  }
}

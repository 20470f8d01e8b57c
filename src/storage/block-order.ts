// Checks that consecutive blocks hold entries in (namespace, key) order, each once. Counts blocks
// and entries. Knows neither lines nor files.
import { byteStringOfText } from '../base/byte-string.ts';
import type { EntryBlock } from './block-format.ts';

export class BlockOrder {
  #namespace = '';
  #key = '';
  #entries = 0;
  #blocks = 0;

  get entries(): number {
    return this.#entries;
  }

  get blocks(): number {
    return this.#blocks;
  }

  /** @returns why the block cannot follow those before it; undefined if it can */
  misfitOf({ namespace, entries }: EntryBlock): string | undefined {
    if (namespace !== this.#namespace) {
      if (namespace < this.#namespace) return 'blocks are out of order';
      this.#namespace = namespace;
      this.#key = '';
    }
    for (const entry of entries) {
      const key = byteStringOfText(entry.key);
      if (key <= this.#key) return 'entries are out of order';
      this.#key = key;
    }
    this.#blocks += 1;
    this.#entries += entries.length;
    return undefined;
  }
}

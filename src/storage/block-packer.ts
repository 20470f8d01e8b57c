// Packs a sorted stream of entries into blocks. Memory: one block. Knows neither lines nor files.

/**
 * Characters of entries in a block. A salvage loses a whole block to one bad byte, so blocks are small.
 */
const blockCharacters = 64 * 1024;

export class BlockPacker {
  readonly #onBlock: (namespace: string, entries: readonly string[]) => void;
  #block: string[] = [];
  #namespace = '';
  #characters = 0;
  #entries = 0;
  #blocks = 0;

  /** @param onBlock takes a full block of encoded entries; the list is never empty */
  constructor(onBlock: (namespace: string, entries: readonly string[]) => void) {
    this.#onBlock = onBlock;
  }

  /** Number of entries in the blocks that `onBlock` got. */
  get entries(): number {
    return this.#entries;
  }

  /** Number of blocks that `onBlock` got. */
  get blocks(): number {
    return this.#blocks;
  }

  /**
   * Callers add entries in (namespace, key) order.
   *
   * @param entry encoded (record.ts)
   */
  add(namespace: string, entry: string): void {
    if (namespace !== this.#namespace || this.#characters >= blockCharacters) {
      this.end();
      this.#namespace = namespace;
    }
    this.#block.push(entry);
    this.#characters += entry.length;
  }

  /** Gives the last block to `onBlock`, unless it is empty. */
  end(): void {
    const block = this.#block;
    if (block.length === 0) return;
    this.#block = [];
    this.#characters = 0;
    this.#onBlock(this.#namespace, block);
    this.#entries += block.length;
    this.#blocks += 1;
  }
}

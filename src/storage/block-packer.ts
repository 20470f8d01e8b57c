// Packs a sorted stream of entries into blocks. Memory: one block.

/** Characters of entries in a block: a bad byte costs no more than this to a salvage. */
const blockCharacters = 64 * 1024;

export class BlockPacker {
  readonly #onBlock: (namespace: string, entries: readonly string[]) => void;
  #block: string[] = [];
  #namespace = '';
  #characters = 0;
  #entries = 0;
  #blocks = 0;

  /** @param onBlock takes a block that is full, with its entries encoded; it is never empty */
  constructor(onBlock: (namespace: string, entries: readonly string[]) => void) {
    this.#onBlock = onBlock;
  }

  /** Entries in blocks that were handed over. */
  get entries(): number {
    return this.#entries;
  }

  /** Blocks that were handed over. */
  get blocks(): number {
    return this.#blocks;
  }

  /**
   * Entries come in (namespace, key) order.
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

  /** Hands over what is left. */
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

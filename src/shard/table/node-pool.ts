// Owns the memory of the nodes of ordered indexes, off V8's heap. All nodes have one size, so a free
// node serves any index. Knows nothing of what a node holds.

/** 32-bit words of a node. */
export const nodeWords = 128;
const nodeBytes = nodeWords * Int32Array.BYTES_PER_ELEMENT;

/** A node's number has that of its chunk above so many bits. */
const chunkShift = 8;
const nodesInChunk = 1 << chunkShift;

/** No node. */
export const noNode = -1;

export class NodePool {
  readonly #chunks: Int32Array[] = [];
  readonly #free: number[] = [];
  #nodes = 0;

  /** Bytes of the nodes of indexes. */
  get usedBytes(): number {
    return this.#nodes * nodeBytes - this.freeBytes;
  }

  /** Bytes of nodes that no index uses. The pool keeps them for later. */
  get freeBytes(): number {
    return this.#free.length * nodeBytes;
  }

  /** @returns the number of a node, whose words have any content */
  take(): number {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const node = this.#nodes++;
    if (node >>> chunkShift === this.#chunks.length) {
      this.#chunks.push(new Int32Array(nodesInChunk * nodeWords));
    }
    return node;
  }

  give(node: number): void {
    this.#free.push(node);
  }

  /** The words that hold the node, from `beginOf` on. */
  wordsOf(node: number): Int32Array {
    return this.#chunks[node >>> chunkShift] as Int32Array;
  }

  beginOf(node: number): number {
    return (node & (nodesInChunk - 1)) * nodeWords;
  }

  /** Forgets all nodes, and keeps their memory for others. The caller drops all indexes. */
  clear(): void {
    this.#free.length = 0;
    this.#nodes = 0;
  }
}

// The news by which a shard's thread tells the main thread of its memory, with the answer to a batch.
// Owns their form, and collects them. Knows no port.
import type { HashKey } from '../base/entry-hash.ts';

export type PieceKind = 'segment' | 'places' | 'buckets' | 'chained';

/** A piece of memory is there, or is there no more. */
export interface PieceNews {
  readonly kind: PieceKind;
  /** Its number among the pieces of its kind. */
  readonly index: number;
  /** Undefined: the memory is given back. */
  readonly memory: SharedArrayBuffer | undefined;
}

/** A namespace has entries with this number, or has no entries any more. */
export interface NamespaceNews {
  readonly name: string;
  readonly number: number | undefined;
}

export interface MemoryNews {
  /** Present if all memory that was told of before is given back, and at the very first. */
  readonly begin: { readonly head: SharedArrayBuffer; readonly hashKey: HashKey } | undefined;
  readonly pieces: readonly PieceNews[];
  readonly namespaces: readonly NamespaceNews[];
}

export class NewsOfMemory {
  #begin: MemoryNews['begin'];
  #pieces: PieceNews[] = [];
  #namespaces: NamespaceNews[] = [];

  /** All that was told so far counts no more. */
  begin(head: SharedArrayBuffer, hashKey: HashKey): void {
    this.#begin = { head, hashKey };
    this.#pieces = [];
    this.#namespaces = [];
  }

  piece(kind: PieceKind, index: number, memory: SharedArrayBuffer | undefined): void {
    this.#pieces.push({ kind, index, memory });
  }

  namespace(name: string, number: number | undefined): void {
    this.#namespaces.push({ name, number });
  }

  /** The news since the last call, in order; undefined if there are none. */
  take(): MemoryNews | undefined {
    const [begin, pieces, namespaces] = [this.#begin, this.#pieces, this.#namespaces];
    if (begin === undefined && pieces.length === 0 && namespaces.length === 0) return undefined;
    this.#begin = undefined;
    this.#pieces = [];
    this.#namespaces = [];
    return { begin, pieces, namespaces };
  }
}

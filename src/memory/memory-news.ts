// The news by which a shard's thread tells the main thread of its memory, with the answer to a batch.
// Owns their form, and collects them. Knows no port.
import type { HashKey } from '../base/entry-hash.ts';

export type PieceKind = 'segments' | 'places' | 'buckets' | 'chained';

/** A piece of memory is there, or is there no more. */
export interface PieceNews {
  readonly kind: PieceKind;
  /** Its number among the pieces of its kind. */
  readonly index: number;
  /** Undefined: there are no more pieces of the kind than `index`. */
  readonly memory: SharedArrayBuffer | undefined;
}

/** A namespace has entries with this number, or has no entries any more. */
export interface NamespaceNews {
  readonly name: string;
  readonly number: number | undefined;
}

export interface MemoryNews {
  /** Present if all pieces that were told of before count no more, and at the very first. */
  readonly begin: { readonly head: SharedArrayBuffer; readonly hashKey: HashKey } | undefined;
  readonly pieces: readonly PieceNews[];
  readonly namespaces: readonly NamespaceNews[];
}

export class NewsOfMemory {
  #begin: MemoryNews['begin'];
  #pieces: PieceNews[] = [];
  /** The last news of each. */
  readonly #namespaces = new Map<string, number | undefined>();

  /** All that was told so far counts no more. */
  begin(head: SharedArrayBuffer, hashKey: HashKey): void {
    this.#begin = { head, hashKey };
    this.#pieces = [];
    this.#namespaces.clear();
  }

  piece(kind: PieceKind, index: number, memory: SharedArrayBuffer | undefined): void {
    this.#pieces.push({ kind, index, memory });
  }

  namespace(name: string, number: number | undefined): void {
    this.#namespaces.set(name, number);
  }

  /** The news since the last call, in order; undefined if there are none. */
  take(): MemoryNews | undefined {
    const [begin, pieces] = [this.#begin, this.#pieces];
    if (begin === undefined && pieces.length === 0 && this.#namespaces.size === 0) return undefined;
    const namespaces = Array.from(this.#namespaces, ([name, number]) => ({ name, number }));
    this.#begin = undefined;
    this.#pieces = [];
    this.#namespaces.clear();
    return { begin, pieces, namespaces };
  }
}

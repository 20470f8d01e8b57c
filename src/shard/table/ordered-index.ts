// An ordered set of references: a B+ tree (Comer, "The Ubiquitous B-Tree", 1979) whose nodes are
// typed arrays off V8's heap. An inner node knows how many references each child holds and the first
// of them, so counting a range and skipping to a place take one way down. The order is the caller's:
// the index holds numbers, and asks how one compares with what is sought.
import { assert } from '../../base/assert.ts';
import { noNode, nodeWords, type NodePool } from './node-pool.ts';

/**
 * Compares the element of a reference with what is sought: below 0 if it comes before, 0 if it is
 * what is sought.
 */
export type Compare<Sought> = (reference: number, sought: Sought) => number;

/*
 * A node begins with its length. A leaf goes on with the leaf before it, the leaf behind it, and its
 * references. An inner node has three lists: children, the first reference of each, and how many
 * references each holds.
 */
const leafBefore = 1;
const leafBehind = 2;
const header = 3;
const leafLengthMax = nodeWords - header;
const innerLengthMax = Math.floor((nodeWords - header) / 3);
const children = header;
const firsts = children + innerLengthMax;
const counts = firsts + innerLengthMax;

/** Nodes that are no fuller than this are joined with a neighbour, if both fit into one node. */
const fewShare = 1 / 3;
/** A joined node has room for more, so that the next insertion does not split it again. */
const joinedShare = 3 / 4;

export class OrderedIndex<Sought> {
  readonly #pool: NodePool;
  readonly #compare: Compare<Sought>;
  #root = noNode;
  /** Levels of inner nodes above the leaves. */
  #height = 0;
  #firstLeaf = noNode;
  #lastLeaf = noNode;
  #size = 0;

  constructor(pool: NodePool, compare: Compare<Sought>) {
    this.#pool = pool;
    this.#compare = compare;
  }

  get size(): number {
    return this.#size;
  }

  /** The first reference; undefined if the index is empty. */
  get first(): number | undefined {
    if (this.#size === 0) return undefined;
    return this.#pool.wordsOf(this.#firstLeaf)[this.#pool.beginOf(this.#firstLeaf) + header];
  }

  /** Adds a reference that is not in the index. @param sought its own element */
  insert(reference: number, sought: Sought): void {
    if (this.#root === noNode) {
      this.#root = this.#newLeaf(noNode, noNode);
      this.#firstLeaf = this.#root;
      this.#lastLeaf = this.#root;
    }
    this.#size += 1;
    const isLast = this.#isLast(sought);
    if (isLast && this.#append(reference)) return;
    const added = this.#insertBelow(this.#root, this.#height, reference, sought, isLast);
    if (added === noNode) return;
    const root = this.#pool.take();
    const words = this.#pool.wordsOf(root);
    const begin = this.#pool.beginOf(root);
    words[begin] = 2;
    this.#setChild(words, begin, 0, this.#root, this.#height);
    this.#setChild(words, begin, 1, added, this.#height);
    this.#root = root;
    this.#height += 1;
  }

  /** Removes a reference that is in the index. @param sought its own element */
  remove(reference: number, sought: Sought): void {
    assert(this.#root !== noNode, 'only what is in an index is removed from it');
    this.#removeBelow(this.#root, this.#height, reference, sought);
    this.#size -= 1;
    this.#lowerRoot();
  }

  /** Number of references whose elements come before what is sought. */
  countBefore(sought: Sought): number {
    if (this.#root === noNode) return 0;
    let count = 0;
    let node = this.#root;
    for (let level = this.#height; level > 0; level--) {
      const words = this.#pool.wordsOf(node);
      const begin = this.#pool.beginOf(node);
      const at = this.#childFor(words, begin, sought);
      for (let index = 0; index < at; index++) count += words[begin + counts + index] as number;
      node = words[begin + children + at] as number;
    }
    const begin = this.#pool.beginOf(node);
    return count + this.#placeFor(this.#pool.wordsOf(node), begin, sought);
  }

  /**
   * The references from what is sought (inclusive) upwards; undefined: all of them. The index must
   * not change meanwhile.
   */
  *ascending(from: Sought | undefined): Generator<number, void, void> {
    if (this.#root === noNode) return;
    let leaf = from === undefined ? this.#firstLeaf : this.#leafFor(from);
    let words = this.#pool.wordsOf(leaf);
    let begin = this.#pool.beginOf(leaf);
    let at = from === undefined ? 0 : this.#placeFor(words, begin, from);
    for (;;) {
      for (const length = words[begin] as number; at < length; at++) {
        yield words[begin + header + at] as number;
      }
      leaf = words[begin + leafBehind] as number;
      if (leaf === noNode) return;
      words = this.#pool.wordsOf(leaf);
      begin = this.#pool.beginOf(leaf);
      at = 0;
    }
  }

  /** The references below what is sought (exclusive) downwards. */
  *descending(below: Sought): Generator<number, void, void> {
    if (this.#root === noNode) return;
    let leaf = this.#leafFor(below);
    let words = this.#pool.wordsOf(leaf);
    let begin = this.#pool.beginOf(leaf);
    let at = this.#placeFor(words, begin, below);
    for (;;) {
      while (at > 0) {
        at -= 1;
        yield words[begin + header + at] as number;
      }
      leaf = words[begin + leafBefore] as number;
      if (leaf === noNode) return;
      words = this.#pool.wordsOf(leaf);
      begin = this.#pool.beginOf(leaf);
      at = words[begin] as number;
    }
  }

  /** Removes the first references, as many as one leaf has. @returns false if there were none */
  removeFirstLeaf(take: (reference: number) => void): boolean {
    if (this.#root === noNode) return false;
    const words = this.#pool.wordsOf(this.#firstLeaf);
    const begin = this.#pool.beginOf(this.#firstLeaf);
    const length = words[begin] as number;
    for (let at = 0; at < length; at++) take(words[begin + header + at] as number);
    this.#size -= length;
    this.#removeFirstLeafBelow(this.#root, this.#height, length);
    this.#lowerRoot();
    return true;
  }

  /** The child that holds what is sought, if any does. */
  #childFor(words: Int32Array, begin: number, sought: Sought): number {
    let low = 0;
    let high = words[begin] as number;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      const reference = words[begin + firsts + middle] as number;
      if (this.#compare(reference, sought) <= 0) low = middle;
      else high = middle;
    }
    return low;
  }

  /** The place in a leaf of the first reference that does not come before what is sought. */
  #placeFor(words: Int32Array, begin: number, sought: Sought): number {
    let low = 0;
    let high = words[begin] as number;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(words[begin + header + middle] as number, sought) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #leafFor(sought: Sought): number {
    let node = this.#root;
    for (let level = this.#height; level > 0; level--) {
      const words = this.#pool.wordsOf(node);
      const begin = this.#pool.beginOf(node);
      node = words[begin + children + this.#childFor(words, begin, sought)] as number;
    }
    return node;
  }

  #newLeaf(before: number, behind: number): number {
    const leaf = this.#pool.take();
    const words = this.#pool.wordsOf(leaf);
    const begin = this.#pool.beginOf(leaf);
    words[begin] = 0;
    words[begin + leafBefore] = before;
    words[begin + leafBehind] = behind;
    return leaf;
  }

  #firstOf(node: number, level: number): number {
    const begin = this.#pool.beginOf(node) + (level === 0 ? header : firsts);
    return this.#pool.wordsOf(node)[begin] as number;
  }

  #countOf(node: number, level: number): number {
    const words = this.#pool.wordsOf(node);
    const begin = this.#pool.beginOf(node);
    const length = words[begin] as number;
    if (level === 0) return length;
    let count = 0;
    for (let at = 0; at < length; at++) count += words[begin + counts + at] as number;
    return count;
  }

  /** @param level of the child's parent, less one */
  #setChild(words: Int32Array, begin: number, at: number, child: number, level: number): void {
    words[begin + children + at] = child;
    words[begin + firsts + at] = this.#firstOf(child, level);
    words[begin + counts + at] = this.#countOf(child, level);
  }

  /** True if the element comes behind all others: files bring theirs in order. */
  #isLast(sought: Sought): boolean {
    const words = this.#pool.wordsOf(this.#lastLeaf);
    const begin = this.#pool.beginOf(this.#lastLeaf);
    const length = words[begin] as number;
    return length === 0 || this.#compare(words[begin + header + length - 1] as number, sought) < 0;
  }

  /** Adds a reference behind all others. @returns false if the last leaf has no room for it */
  #append(reference: number): boolean {
    const leaf = this.#pool.wordsOf(this.#lastLeaf);
    const leafBegin = this.#pool.beginOf(this.#lastLeaf);
    const length = leaf[leafBegin] as number;
    if (length === leafLengthMax) return false;
    leaf[leafBegin + header + length] = reference;
    leaf[leafBegin] = length + 1;
    let node = this.#root;
    for (let level = this.#height; level > 0; level--) {
      const words = this.#pool.wordsOf(node);
      const begin = this.#pool.beginOf(node);
      const last = begin + (words[begin] as number) - 1;
      words[last + counts] = (words[last + counts] as number) + 1;
      node = words[last + children] as number;
    }
    return true;
  }

  /** @returns a new node behind this one that took some of its elements; or `noNode` */
  #insertBelow(
    node: number,
    level: number,
    reference: number,
    sought: Sought,
    isLast: boolean,
  ): number {
    const words = this.#pool.wordsOf(node);
    const begin = this.#pool.beginOf(node);
    const length = words[begin] as number;
    if (level === 0) {
      const place = isLast ? length : this.#placeFor(words, begin, sought);
      return this.#insertIntoLeaf(node, place, reference);
    }
    const at = isLast ? length - 1 : this.#childFor(words, begin, sought);
    const child = words[begin + children + at] as number;
    const added = this.#insertBelow(child, level - 1, reference, sought, isLast);
    if (added === noNode) {
      words[begin + firsts + at] = this.#firstOf(child, level - 1);
      words[begin + counts + at] = (words[begin + counts + at] as number) + 1;
      return noNode;
    }
    this.#setChild(words, begin, at, child, level - 1);
    return this.#insertChild(node, level, at + 1, added);
  }

  #insertIntoLeaf(leaf: number, at: number, reference: number): number {
    const words = this.#pool.wordsOf(leaf);
    const begin = this.#pool.beginOf(leaf);
    const length = words[begin] as number;
    if (length < leafLengthMax) {
      const place = begin + header + at;
      words.copyWithin(place + 1, place, begin + header + length);
      words[place] = reference;
      words[begin] = length + 1;
      return noNode;
    }
    // Ascending insertions leave full leaves behind them.
    const kept = at === length && leaf === this.#lastLeaf ? length : length >>> 1;
    const behind = words[begin + leafBehind] as number;
    const added = this.#newLeaf(leaf, behind);
    const addedWords = this.#pool.wordsOf(added);
    const addedBegin = this.#pool.beginOf(added);
    const from = begin + header + kept;
    addedWords.set(words.subarray(from, begin + header + length), addedBegin + header);
    words[begin] = kept;
    addedWords[addedBegin] = length - kept;
    words[begin + leafBehind] = added;
    if (behind === noNode) this.#lastLeaf = added;
    else this.#pool.wordsOf(behind)[this.#pool.beginOf(behind) + leafBefore] = added;
    if (at <= kept && kept < length) this.#insertIntoLeaf(leaf, at, reference);
    else this.#insertIntoLeaf(added, at - kept, reference);
    return added;
  }

  #insertChild(node: number, level: number, at: number, child: number): number {
    const words = this.#pool.wordsOf(node);
    const begin = this.#pool.beginOf(node);
    const length = words[begin] as number;
    if (length < innerLengthMax) {
      this.#shiftChildren(words, begin, at, length, 1);
      words[begin] = length + 1;
      this.#setChild(words, begin, at, child, level - 1);
      return noNode;
    }
    const kept = at === length ? length : length >>> 1;
    const added = this.#pool.take();
    const addedWords = this.#pool.wordsOf(added);
    const addedBegin = this.#pool.beginOf(added);
    this.#copyChildren(words, begin, kept, addedWords, addedBegin, 0, length - kept);
    words[begin] = kept;
    addedWords[addedBegin] = length - kept;
    if (at <= kept && kept < length) this.#insertChild(node, level, at, child);
    else this.#insertChild(added, level, at - kept, child);
    return added;
  }

  #shiftChildren(words: Int32Array, begin: number, from: number, to: number, by: number): void {
    for (const list of [children, firsts, counts]) {
      words.copyWithin(begin + list + from + by, begin + list + from, begin + list + to);
    }
  }

  #copyChildren(
    words: Int32Array,
    begin: number,
    from: number,
    target: Int32Array,
    targetBegin: number,
    to: number,
    length: number,
  ): void {
    for (const list of [children, firsts, counts]) {
      const source = begin + list + from;
      target.set(words.subarray(source, source + length), targetBegin + list + to);
    }
  }

  #removeBelow(node: number, level: number, reference: number, sought: Sought): void {
    const words = this.#pool.wordsOf(node);
    const begin = this.#pool.beginOf(node);
    if (level === 0) {
      const at = this.#placeFor(words, begin, sought);
      const place = begin + header + at;
      assert(words[place] === reference, 'an index removes what it holds');
      const length = words[begin] as number;
      words.copyWithin(place, place + 1, begin + header + length);
      words[begin] = length - 1;
      return;
    }
    const at = this.#childFor(words, begin, sought);
    const child = words[begin + children + at] as number;
    this.#removeBelow(child, level - 1, reference, sought);
    const count = (words[begin + counts + at] as number) - 1;
    words[begin + counts + at] = count;
    if (count === 0) {
      this.#removeChild(words, begin, at, level);
      return;
    }
    words[begin + firsts + at] = this.#firstOf(child, level - 1);
    this.#joinIfFew(words, begin, at, level);
  }

  /** Removes an empty child. */
  #removeChild(words: Int32Array, begin: number, at: number, level: number): void {
    const child = words[begin + children + at] as number;
    if (level === 1) this.#unlinkLeaf(child);
    this.#pool.give(child);
    const length = words[begin] as number;
    this.#shiftChildren(words, begin, at + 1, length, -1);
    words[begin] = length - 1;
  }

  #unlinkLeaf(leaf: number): void {
    const words = this.#pool.wordsOf(leaf);
    const begin = this.#pool.beginOf(leaf);
    const before = words[begin + leafBefore] as number;
    const behind = words[begin + leafBehind] as number;
    if (before === noNode) this.#firstLeaf = behind;
    else this.#pool.wordsOf(before)[this.#pool.beginOf(before) + leafBehind] = behind;
    if (behind === noNode) this.#lastLeaf = before;
    else this.#pool.wordsOf(behind)[this.#pool.beginOf(behind) + leafBefore] = before;
  }

  /** Joins a child of few elements with one beside it, if both fit into one node. */
  #joinIfFew(words: Int32Array, begin: number, at: number, level: number): void {
    const lengthMax = level === 1 ? leafLengthMax : innerLengthMax;
    const lengthOf = (index: number): number => {
      const child = words[begin + children + index] as number;
      return this.#pool.wordsOf(child)[this.#pool.beginOf(child)] as number;
    };
    if (lengthOf(at) > lengthMax * fewShare) return;
    const length = words[begin] as number;
    for (const left of [at - 1, at]) {
      if (left < 0 || left + 1 >= length) continue;
      if (lengthOf(left) + lengthOf(left + 1) > lengthMax * joinedShare) continue;
      this.#join(words, begin, left, level);
      return;
    }
  }

  /** Moves all elements of the child behind this one into it, and removes that child. */
  #join(words: Int32Array, begin: number, at: number, level: number): void {
    const target = words[begin + children + at] as number;
    const source = words[begin + children + at + 1] as number;
    const targetWords = this.#pool.wordsOf(target);
    const targetBegin = this.#pool.beginOf(target);
    const sourceWords = this.#pool.wordsOf(source);
    const sourceBegin = this.#pool.beginOf(source);
    const length = targetWords[targetBegin] as number;
    const more = sourceWords[sourceBegin] as number;
    if (level === 1) {
      const from = sourceBegin + header;
      targetWords.set(sourceWords.subarray(from, from + more), targetBegin + header + length);
    } else {
      this.#copyChildren(sourceWords, sourceBegin, 0, targetWords, targetBegin, length, more);
    }
    targetWords[targetBegin] = length + more;
    const count = words[begin + counts + at] as number;
    words[begin + counts + at] = count + (words[begin + counts + at + 1] as number);
    this.#removeChild(words, begin, at + 1, level);
  }

  /** @param count number of references in the first leaf */
  #removeFirstLeafBelow(node: number, level: number, count: number): void {
    const words = this.#pool.wordsOf(node);
    const begin = this.#pool.beginOf(node);
    if (level === 0) {
      words[begin] = 0;
      return;
    }
    const child = words[begin + children] as number;
    this.#removeFirstLeafBelow(child, level - 1, count);
    const left = (words[begin + counts] as number) - count;
    words[begin + counts] = left;
    if (left === 0) this.#removeChild(words, begin, 0, level);
    else words[begin + firsts] = this.#firstOf(child, level - 1);
  }

  /** Drops levels that have only one node, and the root of an empty index. */
  #lowerRoot(): void {
    while (this.#height > 0) {
      const words = this.#pool.wordsOf(this.#root);
      const begin = this.#pool.beginOf(this.#root);
      if ((words[begin] as number) > 1) return;
      this.#pool.give(this.#root);
      // An inner node that lost its last child is only ever the root of an empty index.
      if (words[begin] === 0) {
        this.#root = noNode;
        this.#height = 0;
        return;
      }
      this.#root = words[begin + children] as number;
      this.#height -= 1;
    }
    if (this.#size > 0) return;
    this.#unlinkLeaf(this.#root);
    this.#pool.give(this.#root);
    this.#root = noNode;
  }
}

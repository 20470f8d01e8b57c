// One namespace of a table, as the table keeps it. Knows no entry.
import type { EntryNumber } from '../../memory/entry-pieces.ts';
import { LargestSize } from './largest-size.ts';
import type { OrderedIndex } from './ordered-index.ts';

export class NamespaceTable {
  readonly name: string;
  /** Entries of it have this number, and no entry of any other namespace has it, flushed or not. */
  readonly number: number;
  /** By key. */
  readonly order: OrderedIndex<string>;
  /** The entries that have a deadline; undefined if none ever had one. */
  deadlines: OrderedIndex<EntryNumber> | undefined;
  /** The first deadline, Unix milliseconds; Infinity if no entry expires. */
  firstExpiryAt = Infinity;
  /** Bytes of keys and values, summed. */
  bytes = 0;
  readonly largest = new LargestSize();
  /** True if its figures may have changed since the table was last asked for such namespaces. */
  isTouched = false;

  constructor(name: string, number: number, order: OrderedIndex<string>) {
    this.name = name;
    this.number = number;
    this.order = order;
  }
}

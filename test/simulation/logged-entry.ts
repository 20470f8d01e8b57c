// Entries in the logs of the simulation, and the effects of operations on them.
import { byteStringOf, type Bytes } from '../../src/base/byte-string.ts';
import type { ShardChanges } from '../../src/protocol/shard-operation.ts';
import type { ListItem } from '../../src/store/listing.ts';
import { allNamesIn, nameOf } from './entry-names.ts';

export interface LoggedEntry {
  readonly version: number;
  readonly value: string;
  readonly expiresAt: number | undefined;
}

/** The state of a key; `unsure` after a batch whose outcome no client knows. */
export type Held = LoggedEntry | 'nothing' | 'unsure';

export type LoggedChange = readonly [name: string, held: Held];

type Item = Pick<ListItem, 'version' | 'expiresAt' | 'value'>;

/** An entry of a shard, with its name. */
export interface NamedItem extends Item {
  readonly name: string;
}

export function textOf(value: Bytes | undefined): string {
  return value === undefined ? '' : byteStringOf(value);
}

export function entryOf({ version, value, expiresAt }: Item): LoggedEntry {
  return { version, value: textOf(value), expiresAt };
}

/** The changes that a transaction makes in one shard. */
export function changesOf({ flush = [], changes, version }: ShardChanges): LoggedChange[] {
  const flushed = flush.flatMap(allNamesIn).map((name): LoggedChange => [name, 'nothing']);
  const changed = changes.map(({ put, ...name }): LoggedChange => {
    if (put === undefined) return [nameOf(name), 'nothing'];
    return [nameOf(name), { version, value: textOf(put.value), expiresAt: put.expiresAt }];
  });
  return [...new Map([...flushed, ...changed])];
}

const shownMax = 40;

/** The first characters of a value, for messages. */
export function shown(value: string): string {
  return value.length > shownMax ? `${value.slice(0, shownMax)}… of ${value.length}` : value;
}

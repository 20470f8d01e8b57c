// An entry as the simulation writes it down, and what an operation makes of entries.
import type { ShardChanges } from '../../src/protocol/shard-operation.ts';
import type { ListItem } from '../../src/store/listing.ts';
import { nameOf } from './entry-names.ts';

export interface LoggedEntry {
  readonly version: number;
  readonly value: string;
  readonly expiresAt: number | undefined;
}

/** What a key has; `unsure` after a batch that no client knows the outcome of. */
export type Held = LoggedEntry | 'nothing' | 'unsure';

export type LoggedChange = readonly [name: string, held: Held];

type Item = Pick<ListItem, 'version' | 'expiresAt' | 'value'>;

/** An entry of a shard, with its name. */
export interface NamedItem extends Item {
  readonly name: string;
}

export function textOf(value: Uint8Array | undefined): string {
  return Buffer.from(value ?? []).toString('latin1');
}

export function entryOf({ version, value, expiresAt }: Item): LoggedEntry {
  return { version, value: textOf(value), expiresAt };
}

/** What a transaction changes in one shard. */
export function changesOf({ changes, version }: ShardChanges): LoggedChange[] {
  return changes.map(({ put, ...name }): LoggedChange => {
    if (put === undefined) return [nameOf(name), 'nothing'];
    return [nameOf(name), { version, value: textOf(put.value), expiresAt: put.expiresAt }];
  });
}

const shownMax = 40;

/** A value as people want to see it: how it begins. */
export function shown(value: string): string {
  return value.length > shownMax ? `${value.slice(0, shownMax)}… of ${value.length}` : value;
}

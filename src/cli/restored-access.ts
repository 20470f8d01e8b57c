// Decides on the users and tokens on their way into a store that is restored or repaired: access needs a
// token there, unless the operator opens it, and tokens stay or are revoked. Knows no file.
import {
  accessNamespace,
  decodeAccessRecord,
  encodeRule,
  nameOfRule,
  type AccessRecord,
  type TokenRecord,
  type UserRecord,
} from '../access/access-records.ts';
import { documentOfGrant, type GrantDocument } from '../access/grant.ts';
import { compareEntries, type StreamedEntry } from '../shard/streams/entry-stream.ts';
import { valueOfRecord } from '../storage/record.ts';
import type { EntryTransform } from '../tools/restore.ts';

export interface RestoredAccessOptions {
  /** True: callers without a token may do everything. */
  readonly isOpen: boolean;
  /** True: all tokens are left out. Users stay. */
  readonly revokesTokens: boolean;
}

/** A token of the source: the backup, or the damaged store. */
export interface RestoredToken {
  readonly id: string;
  readonly user: string;
  /** The label that its maker chose. */
  readonly name: string;
  readonly grants: readonly GrantDocument[];
  /** Unix milliseconds. */
  readonly expiresAt: number | undefined;
  /** The token does not work while this is so. */
  readonly isUserDisabled: boolean;
}

/** No version of an entry is lower. */
const versionOfNew = 1;

export class RestoredAccess {
  readonly options: RestoredAccessOptions;
  readonly #tokens: TokenRecord[] = [];
  /** Users of the source by id. */
  readonly #users = new Map<string, UserRecord>();
  #added = 0;

  constructor(options: RestoredAccessOptions) {
    this.options = options;
  }

  /** The number of entries in the new store that the source does not have. */
  get added(): number {
    return this.#added;
  }

  /**
   * The tokens of the source, also those that are revoked. Complete once the source is read. A token
   * whose user is lost is not among them: no server finds it.
   */
  get tokens(): readonly RestoredToken[] {
    return this.#tokens.flatMap(({ id, userId, name, grants, expiresAt }) => {
      const user = this.#users.get(userId);
      if (user === undefined) return [];
      const isUserDisabled = user.isDisabled;
      const documents = grants.map(documentOfGrant);
      return { id, user: user.name, name, grants: documents, expiresAt, isUserDisabled };
    });
  }

  /** For one restore or repair. Throws StoreError STORE_MISMATCH for a record that the program does not know. */
  readonly transform: EntryTransform = (entries) => this.#transformed(entries);

  *#transformed(entries: Iterable<StreamedEntry>): Generator<StreamedEntry, void, void> {
    const value = encodeRule(!this.options.isOpen).toString('latin1');
    const record = { key: nameOfRule.key, value };
    const rule: StreamedEntry = { ...nameOfRule, version: versionOfNew, record };
    let isRuleDue = true;
    for (const entry of entries) {
      const order = compareEntries(entry, rule);
      if (order === 0) yield { ...rule, version: entry.version };
      else if (isRuleDue && order > 0 && this.#needsRule(entry)) yield this.#new(rule);
      isRuleDue &&= order < 0;
      if (order !== 0 && this.#keeps(entry)) yield entry;
    }
    if (isRuleDue && this.#needsRule(undefined)) yield this.#new(rule);
  }

  /**
   * A store without rule and token is open.
   *
   * @param next the entry behind the place of the rule; tokens come first there
   */
  #needsRule(next: StreamedEntry | undefined): boolean {
    const { isOpen, revokesTokens } = this.options;
    if (!isOpen) return true;
    return !revokesTokens && next !== undefined && recordOf(next)?.kind === 'token';
  }

  #new(entry: StreamedEntry): StreamedEntry {
    this.#added += 1;
    return entry;
  }

  #keeps(entry: StreamedEntry): boolean {
    const found = recordOf(entry);
    if (found?.kind === 'user') this.#users.set(found.user.id, found.user);
    if (found?.kind === 'token') this.#tokens.push(found.token);
    const isOfToken = found?.kind === 'token' || found?.kind === 'use';
    return !(isOfToken && this.options.revokesTokens);
  }
}

/** Undefined for an entry of another namespace. */
function recordOf({ namespace, key, record }: StreamedEntry): AccessRecord | undefined {
  if (namespace !== accessNamespace) return undefined;
  return decodeAccessRecord(key, Buffer.from(valueOfRecord(record), 'latin1'));
}

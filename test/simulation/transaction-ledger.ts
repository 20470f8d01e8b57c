// What is known of each transaction over several shards, by what shards' threads did and by what
// clients were told: it must be decided one way, whoever decides. Counts how often it was cut short,
// and where.
import type { ChangeOperation, DecideOperation } from '../../src/protocol/shard-operation.ts';
import type { TransactionResult } from '../../src/store/transaction.ts';
import type { Resolved } from './part-log.ts';
import type { RunRecord } from './run-record.ts';
import { textOf } from './logged-entry.ts';
import { tagIn, tagOf } from './transaction-tag.ts';

interface Known {
  /** All attempts of clients that its parts are of: one, or none where it puts nothing. */
  readonly tags: Set<string>;
  readonly shards: readonly number[];
  /** Shards that have answered for their part. */
  readonly parts: Set<number>;
  /** Shards that have noted how it was decided. */
  readonly notes: Set<number>;
  isCommitted: boolean | undefined;
  /** A shard that turned out to have no part. */
  lacking: number | undefined;
  isSettled: boolean;
  /** The process, or a thread, has ended with it, and that is counted. */
  isCut: boolean;
}

type Fate = 'committed' | 'not-applied';

export class TransactionLedger {
  readonly #record: RunRecord;
  readonly #known = new Map<string, Known>();
  /** Of an attempt, what its client was told. */
  readonly #fates = new Map<string, Fate>();

  constructor(record: RunRecord) {
    this.#record = record;
  }

  /** The shards of transactions of which there is a part, and some shard has no note. */
  get openShards(): readonly number[] {
    return [...new Set([...this.#known.values()].filter(isOpen).flatMap(({ shards }) => shards))];
  }

  /** A process has left one that the next one has to decide, and nobody knows whether it is whole. */
  get isAnyLeft(): boolean {
    return [...this.#known.values()].some(
      ({ isCut, isSettled, lacking, parts, shards }) =>
        isCut && !isSettled && lacking === undefined && parts.size < shards.length,
    );
  }

  noteTold(
    client: string,
    number: number,
    attempts: number,
    result: TransactionResult<unknown>,
    changes: boolean,
  ): void {
    const { figures } = this.#record;
    for (let attempt = 0; attempt + 1 < attempts; attempt++) {
      this.#noteFate(tagOf(client, number, attempt), 'not-applied');
    }
    if (attempts > 1) figures.transactionsDecidedAgain += 1;
    const last = tagOf(client, number, attempts - 1);
    if (result.kind === 'committed') {
      if (changes) figures.transactionsCommitted += 1;
      if (attempts > 0 && changes) this.#noteFate(last, 'committed');
    } else if (result.error.outcome === 'unknown') {
      figures.transactionsUnknown += 1;
    } else {
      figures.transactionsRefused += 1;
      if (attempts > 0) this.#noteFate(last, 'not-applied');
    }
  }

  /** A shard has answered for its part. */
  notePart(shard: number, { part, changes }: ChangeOperation): void {
    if (part === undefined) return;
    const known = this.#of(part.transaction, part.shards);
    known.parts.add(shard);
    for (const { put } of changes) {
      const tag = put && tagIn(textOf(put.value));
      if (tag !== undefined) known.tags.add(tag);
    }
  }

  /** A shard has noted how it was decided, durably. */
  noteDecided(shard: number, { transaction, commit }: DecideOperation): void {
    const known = this.#known.get(transaction);
    if (known === undefined) return;
    known.notes.add(shard);
    this.#decide(transaction, known, commit, `by shard ${shard}`);
  }

  /** All shards are told that all have noted it. */
  noteSettled(transaction: string): void {
    const known = this.#known.get(transaction);
    if (known !== undefined) known.isSettled = true;
  }

  /** A shard is recovered: what it found undecided is brought into effect, durably. */
  noteRecovered(shard: number, { decided, absent }: Resolved): void {
    const { figures } = this.#record;
    for (const [transaction, commit] of decided) {
      if (commit) figures.partsCommittedAtStart += 1;
      else figures.partsDroppedAtStart += 1;
      const known = this.#known.get(transaction);
      if (known === undefined) continue;
      known.parts.add(shard);
      this.#decide(transaction, known, commit, `by the start of shard ${shard}`);
    }
    for (const transaction of absent) {
      const known = this.#known.get(transaction);
      if (known === undefined) continue;
      known.lacking ??= shard;
      if (known.isCommitted === true) this.#failForHalf(transaction, shard);
    }
  }

  /** All shards are started: what an earlier process has left is decided everywhere. */
  noteServing(): void {
    for (const known of this.#known.values()) known.isSettled ||= known.isCut;
  }

  /** The process is gone. */
  processEnded(): void {
    const { figures } = this.#record;
    for (const known of this.#known.values()) {
      const { parts, notes, shards } = known;
      if (known.isCut || known.isSettled || parts.size === 0) continue;
      known.isCut = true;
      if (notes.size === shards.length) figures.endsBeforeSettled += 1;
      else if (notes.size > 0) figures.endsAmongNotes += 1;
      else if (parts.size === shards.length) figures.endsBeforeNotes += 1;
      else figures.endsAmongParts += 1;
    }
  }

  #of(transaction: string, shards: readonly number[]): Known {
    const known = this.#known.get(transaction) ?? {
      tags: new Set(),
      shards,
      parts: new Set(),
      notes: new Set(),
      isCommitted: undefined,
      lacking: undefined,
      isSettled: false,
      isCut: false,
    };
    this.#known.set(transaction, known);
    return known;
  }

  #decide(transaction: string, known: Known, commit: boolean, by: string): void {
    const { figures } = this.#record;
    if (known.isCommitted === undefined) {
      if (commit) figures.overShardsCommitted += 1;
      else figures.overShardsAborted += 1;
    }
    known.isCommitted ??= commit;
    const { isCommitted } = known;
    const said = commit ? 'committed' : 'dropped';
    if (isCommitted !== commit) {
      this.#record.fail(`${transaction} is ${said} ${by}, and was decided otherwise before`);
    }
    if (commit && known.lacking !== undefined) this.#failForHalf(transaction, known.lacking);
    for (const tag of known.tags) this.#judge(transaction, tag, commit);
  }

  #failForHalf(transaction: string, shard: number): void {
    this.#record.fail(`${transaction} is committed, and shard ${shard} has no part of it`);
  }

  #noteFate(tag: string, fate: Fate): void {
    this.#fates.set(tag, fate);
    for (const [transaction, { tags, isCommitted }] of this.#known) {
      if (isCommitted !== undefined && tags.has(tag)) this.#judge(transaction, tag, isCommitted);
    }
  }

  #judge(transaction: string, tag: string, isCommitted: boolean): void {
    const fate = this.#fates.get(tag);
    if (fate === undefined || (fate === 'committed') === isCommitted) return;
    const said = isCommitted ? 'committed' : 'dropped';
    this.#record.fail(`${transaction} is ${said}, though its client was told ${fate}`);
  }
}

function isOpen({ parts, notes, shards, isSettled, isCut }: Known): boolean {
  return parts.size > 0 && notes.size < shards.length && !isSettled && !isCut;
}

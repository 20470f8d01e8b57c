// Knows each transaction over several shards, from the shards' threads and from the answers to
// clients. Every shard and every start must give it the same outcome. Counts the transactions that
// were cut short, and at which step.
import type { OutcomeOperation, PrepareOperation } from '../../src/protocol/shard-operation.ts';
import type { TransactionResult } from '../../src/store/transaction.ts';
import type { Resolved } from './prepared-log.ts';
import type { RunRecord } from './run-record.ts';
import { textOf } from './logged-entry.ts';
import { tagIn, tagOf } from './transaction-tag.ts';

interface Known {
  /** The tag of its client's attempt; empty if the transaction puts nothing. */
  readonly tags: Set<string>;
  readonly participants: readonly number[];
  /** Participants that have answered the prepare. */
  readonly prepared: Set<number>;
  /** Participants that have recorded the outcome. */
  readonly recorded: Set<number>;
  isCommitted: boolean | undefined;
  /** True if it drops a namespace. */
  isDrop: boolean;
  /** A participant that turned out to lack the prepare. */
  lacking: number | undefined;
  isForgotten: boolean;
  /** True if the process or a thread has ended with it in flight, and the figures have it. */
  isCut: boolean;
}

type Fate = 'committed' | 'not-applied';

export class TransactionLedger {
  readonly #record: RunRecord;
  readonly #known = new Map<string, Known>();
  /** Tag of an attempt -> the outcome that its client knows. */
  readonly #fates = new Map<string, Fate>();

  constructor(record: RunRecord) {
    this.#record = record;
  }

  /** The participants of transactions that are in doubt in some of them. */
  get openShards(): readonly number[] {
    const open = [...this.#known.values()].filter(isOpen);
    return [...new Set(open.flatMap(({ participants }) => participants))];
  }

  /** True if a process has left a transaction to the next one, and some participants may lack it. */
  get isAnyLeft(): boolean {
    return [...this.#known.values()].some(
      ({ isCut, isForgotten, lacking, prepared, participants }) =>
        isCut && !isForgotten && lacking === undefined && prepared.size < participants.length,
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
    if (attempts > 1) figures.transactionsPlannedAgain += 1;
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

  /** A shard has answered a prepare. */
  notePrepared(
    shard: number,
    { transaction, participants, changes, flush = [] }: PrepareOperation,
  ): void {
    const known = this.#of(transaction, participants);
    known.isDrop ||= flush.length > 0;
    known.prepared.add(shard);
    for (const { put } of changes) {
      const tag = put && tagIn(textOf(put.value));
      if (tag !== undefined) known.tags.add(tag);
    }
  }

  /** A shard has recorded the outcome, durably. */
  noteOutcome(shard: number, { op, transaction }: OutcomeOperation): void {
    const known = this.#known.get(transaction);
    if (known === undefined) return;
    known.recorded.add(shard);
    this.#resolve(transaction, known, op === 'commit', `by shard ${shard}`);
  }

  /** All participants have recorded the outcome, and are told to forget it. */
  noteForgotten(transaction: string): void {
    const known = this.#known.get(transaction);
    if (known !== undefined) known.isForgotten = true;
  }

  /** A shard is recovered: its transactions in doubt are resolved, durably. */
  noteRecovered(shard: number, { outcomes, absent }: Resolved): void {
    const { figures } = this.#record;
    for (const [transaction, isCommitted] of outcomes) {
      if (isCommitted) figures.committedAtStart += 1;
      else figures.abortedAtStart += 1;
      const known = this.#known.get(transaction);
      if (known === undefined) continue;
      known.prepared.add(shard);
      this.#resolve(transaction, known, isCommitted, `by the start of shard ${shard}`);
    }
    for (const transaction of absent) {
      const known = this.#known.get(transaction);
      if (known === undefined) continue;
      known.lacking ??= shard;
      if (known.isCommitted === true) this.#failForHalf(transaction, shard);
    }
  }

  /** All shards have started: all transactions of an earlier process are resolved everywhere. */
  noteServing(): void {
    for (const known of this.#known.values()) known.isForgotten ||= known.isCut;
  }

  /** The process is gone. */
  processEnded(): void {
    const { figures } = this.#record;
    for (const known of this.#known.values()) {
      const { prepared, recorded, participants } = known;
      if (known.isCut || known.isForgotten || prepared.size === 0) continue;
      known.isCut = true;
      if (recorded.size === participants.length) figures.endsBeforeForget += 1;
      else if (recorded.size > 0) figures.endsAmongOutcomes += 1;
      else if (prepared.size === participants.length) figures.endsBeforeOutcomes += 1;
      else figures.endsAmongPrepares += 1;
    }
  }

  #of(transaction: string, participants: readonly number[]): Known {
    const known = this.#known.get(transaction) ?? {
      tags: new Set(),
      participants,
      prepared: new Set(),
      recorded: new Set(),
      isCommitted: undefined,
      isDrop: false,
      lacking: undefined,
      isForgotten: false,
      isCut: false,
    };
    this.#known.set(transaction, known);
    return known;
  }

  #resolve(transaction: string, known: Known, commit: boolean, by: string): void {
    const { figures } = this.#record;
    if (known.isCommitted === undefined) {
      if (commit) figures.overShardsCommitted += 1;
      else figures.overShardsAborted += 1;
      if (commit && known.isDrop) figures.dropsCommitted += 1;
    }
    known.isCommitted ??= commit;
    const { isCommitted } = known;
    const said = commit ? 'committed' : 'aborted';
    if (isCommitted !== commit) {
      this.#record.fail(`${transaction} is ${said} ${by}, and had another outcome before`);
    }
    if (commit && known.lacking !== undefined) this.#failForHalf(transaction, known.lacking);
    for (const tag of known.tags) this.#judge(transaction, tag, commit);
  }

  #failForHalf(transaction: string, shard: number): void {
    this.#record.fail(`${transaction} is committed, and shard ${shard} has not prepared it`);
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
    const said = isCommitted ? 'committed' : 'aborted';
    this.#record.fail(`${transaction} is ${said}, though its client was told ${fate}`);
  }
}

function isOpen({ prepared, recorded, participants, isForgotten, isCut }: Known): boolean {
  return prepared.size > 0 && recorded.size < participants.length && !isForgotten && !isCut;
}

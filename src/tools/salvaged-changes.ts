// The changes of one damaged shard, in the order in which its files give them. Knows the last
// provable state of every entry, and every lost change. A seq that no line has is a lost change.
// shard-salvage.ts knows the files and their order.
import { byteStringOfText } from '../base/byte-string.ts';
import { defaultNamespace } from '../base/default-namespace.ts';
import type { EntryPosition, StreamedEntry } from '../shard/streams/entry-stream.ts';
import { RecordReplay, type ReplayedChange } from '../shard/recovery/record-replay.ts';
import { headerBytesMin } from '../storage/journal-format.ts';
import type { ChangeRecord } from '../storage/record.ts';
import { aborted, type SalvagedOutcome, type SalvagedTraces } from './resolve-salvaged.ts';
import { doubtfulKeys, positionText } from './doubtful-keys.ts';
import { nameInFinding, type Finding } from './finding.ts';
import type { ProvableLine, SalvagedJournal } from './journal-salvage.ts';
import type { EntryRange } from './entry-range.ts';
import { orderLines } from './order-lines.ts';
import { SalvagedEntries, type LastKnown } from './salvaged-entries.ts';
import type { SalvagedSnapshot } from './snapshot-salvage.ts';

export interface SalvagedShard {
  readonly shard: number;
  /** In (namespace, key) order. */
  readonly entries: readonly StreamedEntry[];
  /** Above every seq in the files. */
  readonly seq: number;
  /** The highest timestamp in the files, Unix milliseconds. */
  readonly at: number;
}

/**
 * The file that probably held the changes that are missing, and the entries that its bad lines name.
 */
export interface Suspect {
  readonly name: string;
  readonly named: readonly EntryPosition[];
}

export function suspectOf({ name, bad }: SalvagedJournal): Suspect {
  return { name, named: bad.flatMap(({ named }) => named) };
}

export class SalvagedChanges {
  readonly #shard: number;
  readonly #entries = new SalvagedEntries();
  readonly #replay = new RecordReplay({
    change: (change) => this.#applyChange(change),
    flush: (namespace, seq) => this.#entries.flush(namespace, seq),
  });
  /** The number of doubts before each prepare record, by transaction id. */
  readonly #doubtsAtPrepare = new Map<string, number>();
  /** Undefined until a file states a seq. */
  #nextSeq: number | undefined;
  #highestSeq = 1;
  #at = 0;
  /** The gaps of the newest snapshot. The report has them only if older files do not fill them. */
  #gapsOfNewest: Finding[] = [];

  constructor(shard: number) {
    this.#shard = shard;
  }

  /** The seq that the next change must have; 1 until a file states one. */
  get nextSeq(): number {
    return this.#nextSeq ?? 1;
  }

  /** The highest timestamp so far, Unix milliseconds. */
  get at(): number {
    return this.#at;
  }

  /** The files begin with the first change of the shard. */
  beginAtTheStart(): void {
    this.#nextSeq = 1;
  }

  /**
   * The prepare and outcome records of the shard, without the prepared changes.
   *
   * @param isEndUnproved whether changes behind the last known one may be missing
   */
  traces(isEndUnproved: boolean): SalvagedTraces {
    const { prepared, outcomes } = this.#replay;
    const isDoubtful = isEndUnproved || this.#entries.doubts.length > 0;
    // The prepared changes would keep all shards' data in memory until the last shard is read.
    const bare = Array.from(prepared, ([id, { participants }]) => [id, { participants }] as const);
    return { prepared: new Map(bare), outcomes, isDoubtful };
  }

  /** @param outcomes of all transactions that are in doubt in this shard */
  finish(
    outcomes: ReadonlyMap<string, SalvagedOutcome>,
    report: (finding: Finding) => void,
  ): SalvagedShard {
    const parts = [...this.#replay.prepared.values()];
    for (const { transaction } of parts) {
      this.#replay.resolve(transaction, (outcomes.get(transaction) ?? aborted).isCommitted);
    }
    for (const { transaction, changes, flush } of parts) {
      if (!outcomes.get(transaction)?.isDoubtful) continue;
      this.#doubtKeys(changes.map(positionOfChange), flush);
    }
    const { doubts } = this.#entries;
    const known = this.#entries.sorted();
    if (doubts.length > 0) {
      for (const finding of this.#gapsOfNewest) report(finding);
      for (const { finding } of doubts) if (finding !== undefined) report(finding);
      for (const finding of doubtfulKeys(this.#shard, known, doubts)) report(finding);
    }
    const entries = known.flatMap(({ record, ...rest }) =>
      record === undefined ? [] : [{ ...rest, record }],
    );
    return { shard: this.#shard, entries, seq: this.#highestSeq, at: this.#at };
  }

  /**
   * @param seq of the change behind the snapshot; undefined if no file states it
   * @param before the file before the snapshot
   */
  takeSnapshot(snapshot: SalvagedSnapshot, seq: number | undefined, before: Suspect): void {
    const { entries, gaps, footer, name } = snapshot;
    if (seq !== undefined) this.#continueAt(seq, true, before);
    // If outcome records may be lost, the snapshot may already contain the prepared changes, or newer
    // ones. The next journal repeats every prepare that was in doubt when the shard made the snapshot.
    if (this.#entries.doubts.length > 0) this.#replay.prepared.clear();
    this.#entries.overlay(entries, gaps, seq ?? Infinity);
    this.#at = Math.max(this.#at, footer?.at ?? 0);
    for (const { version } of entries) this.#highestSeq = Math.max(this.#highestSeq, version + 1);
    this.#gapsOfNewest = [];
    if (this.#entries.doubts.length === 0) return;
    this.#gapsOfNewest = gaps.map((gap) => this.#lostEntries(name, gap, snapshot.missing));
    const named = snapshot.bad.flatMap((bad) => bad.named);
    this.#entries.doubt({ toSeq: 0, covers: nothing, named, finding: undefined });
  }

  /**
   * @param lines of the journal that count
   * @param before the file before the journal
   * @returns the offset at which the last of the lines once ended, or a little less
   */
  takeJournal(journal: SalvagedJournal, lines: readonly ProvableLine[], before: Suspect): number {
    const { header, headerCrc } = journal;
    const suspect = suspectOf(journal);
    let isJumpKnown = false;
    let end = headerBytesMin;
    if (header !== undefined) {
      this.#continueAt(header.previous?.seq ?? 1, true, before);
      this.#nextSeq = header.seq;
      this.#highestSeq = Math.max(this.#highestSeq, header.seq);
      this.#at = Math.max(this.#at, header.at);
      isJumpKnown = true;
      end = journal.headerEnd;
    }
    for (const line of orderLines(lines, headerCrc, this.#nextSeq ?? 1)) {
      this.#continueAt(line.seq, isJumpKnown, suspect);
      this.#applyLine(line);
      isJumpKnown = true;
      // If bytes before the line are missing, its offset is too low. It stood behind `d` bytes at
      // least.
      end = Math.max(line.end, line.d + line.end - line.offset);
    }
    // A line that fits nowhere still shows how far seq had come.
    const seqs = lines.map(({ seq, records }) => seq + records.length);
    const seq = seqs.reduce((highest, one) => Math.max(highest, one), 0);
    if (seq > (this.#nextSeq ?? seq)) this.#continueAt(seq, false, suspect);
    return end;
  }

  /** All changes from the next one on are lost. */
  loseRest(suspect: Suspect): void {
    this.#lose(this.nextSeq, Infinity, undefined, suspect);
  }

  /**
   * Without a whole snapshot and without the first journal, no file holds the earliest changes.
   *
   * @param toSeq seq of the last of them; Infinity if no file states it
   * @param suspect undefined if the gaps of a snapshot show the loss
   */
  doubtBefore(toSeq: number, suspect: Suspect | undefined): void {
    if (suspect !== undefined) this.#lose(1, toSeq, undefined, suspect);
    else this.#entries.doubt({ toSeq, covers: everything, named: [], finding: undefined });
  }

  #applyLine({ seq, at, records }: ProvableLine): void {
    for (const record of records) {
      if (record.op !== 'prepare') continue;
      this.#doubtsAtPrepare.set(record.transaction, this.#entries.doubts.length);
    }
    this.#replay.take(records, seq);
    this.#nextSeq = seq + records.length;
    this.#highestSeq = Math.max(this.#highestSeq, this.#nextSeq);
    this.#at = Math.max(this.#at, at);
  }

  #applyChange({ record, transaction, ...change }: ReplayedChange): void {
    if (transaction !== undefined && this.#isOutdated(change, transaction)) return;
    this.#entries.set({ ...change, record: record.op === 'put' ? record : undefined });
  }

  /** True if the outcome record may be lost, and a later change of the key is known. */
  #isOutdated(change: Omit<LastKnown, 'record'>, transaction: string): boolean {
    const hasLostSince =
      this.#entries.doubts.length > (this.#doubtsAtPrepare.get(transaction) ?? 0);
    const known = hasLostSince ? this.#entries.get(change) : undefined;
    if (known === undefined) return false;
    if (known.record !== undefined) return known.version >= change.version;
    // A key is locked from prepare to outcome, so no client changes it then. But the sweep may have
    // removed its expired entry.
    const isDeletedSince = known.version > change.version;
    if (isDeletedSince) this.#doubtKeys([change]);
    return isDeletedSince;
  }

  #doubtKeys(keys: readonly EntryPosition[], namespaces: readonly string[] = []): void {
    const ids = new Set(keys.map(positionText));
    const covers = (entry: EntryPosition): boolean =>
      namespaces.includes(entry.namespace) || ids.has(positionText(entry));
    this.#entries.doubt({ toSeq: Infinity, covers, named: keys, finding: undefined });
  }

  /** Advances to the seq of the next change. Every seq that this skips is a lost change. */
  #continueAt(seq: number, isExact: boolean, suspect: Suspect): void {
    const expected = this.#nextSeq;
    if (expected !== undefined && seq > expected) {
      this.#lose(expected, seq - 1, isExact ? seq - expected : undefined, suspect);
    }
    this.#nextSeq = Math.max(expected ?? seq, seq);
    this.#highestSeq = Math.max(this.#highestSeq, seq);
  }

  #lose(fromSeq: number, toSeq: number, changes: number | undefined, suspect: Suspect): void {
    const { name: file, named } = suspect;
    this.#entries.doubt({
      toSeq,
      covers: everything,
      named,
      finding: {
        finding: 'lost-changes',
        shard: this.#shard,
        file,
        fromSeq,
        toSeq: Number.isFinite(toSeq) ? toSeq : null,
        changes: changes ?? null,
      },
    });
  }

  #lostEntries(file: string, { after, before }: EntryRange, missing: number | undefined): Finding {
    return {
      finding: 'lost-entries',
      shard: this.#shard,
      file,
      after: after === null ? null : nameInFinding(after),
      before: before === null ? null : nameInFinding(before),
      entries: missing ?? null,
    };
  }
}

function positionOfChange({ namespace = defaultNamespace, key }: ChangeRecord): EntryPosition {
  return { namespace, key: byteStringOfText(key) };
}

function everything(): boolean {
  return true;
}

function nothing(): boolean {
  return false;
}

// Salvages everything that can still be proved of one shard of a damaged store. Goes through the
// files, starting with the oldest that is needed. A snapshot gives all entries at its seq, a
// journal the changes after that. A seq that no line has is a lost change. The caller gives the
// outcomes of transactions in doubt (resolve-salvaged.ts). Changes no file.
import { byteStringOfText } from '../base/byte-string.ts';
import { defaultNamespace } from '../base/default-namespace.ts';
import type { EntryPosition, StreamedEntry } from '../shard/streams/entry-stream.ts';
import { RecordReplay, type ReplayedChange } from '../shard/recovery/record-replay.ts';
import type { ChangeRecord } from '../storage/record.ts';
import { countInSealed, countInTail, holdsNoChange, type CountingPart } from './counting-lines.ts';
import { aborted, type SalvagedOutcome, type SalvagedTraces } from './resolve-salvaged.ts';
import { doubtfulKeys, positionText } from './doubtful-keys.ts';
import { nameInFinding, type Finding } from './finding.ts';
import { beginsAtTheStart, seqBehind, statedEnd, tailOf, type Tail } from './journal-ends.ts';
import type { ProvableLine, SalvagedJournal } from './journal-salvage.ts';
import type { KeyRange } from './key-range.ts';
import { orderLines } from './order-lines.ts';
import { SalvagedEntries, type LastKnown } from './salvaged-entries.ts';
import { ShardSources, type JournalSource, type ShardSourcesOptions } from './shard-sources.ts';
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
 * Goes through a shard's files and reports their damage.
 *
 * @throws StoreError STORE_MISMATCH if a later version wrote some of the files; system errors
 */
export function salvageShard(options: ShardSourcesOptions): ShardSalvage {
  const { place, report } = options;
  const salvage = new ShardSalvage(place.identity.shard, report);
  if (place.fileSystem.exists(place.folder)) {
    salvage.goThrough(new ShardSources(options));
  } else {
    report({ finding: 'damage', file: place.name, what: 'the folder is missing' });
    salvage.loseAll(place.name);
  }
  return salvage;
}

/** The least length of a header, in bytes. */
const headerBytesMin = 199;

/**
 * The file that probably held the changes that are missing, and the entries that its bad lines name.
 */
interface Suspect {
  readonly name: string;
  readonly named: readonly EntryPosition[];
}

export class ShardSalvage {
  readonly #shard: number;
  readonly #report: (finding: Finding) => void;
  readonly #entries = new SalvagedEntries();
  readonly #replay = new RecordReplay({
    change: (change) => this.#applyChange(change),
    flush: (namespace, seq) => this.#entries.flush(namespace, seq),
  });
  /** The number of doubts before each prepare record, by transaction id. */
  readonly #doubtsAtPrepare = new Map<string, number>();
  #isEndUnproved = false;
  /** The seq that the next change must have; undefined until a file states one. */
  #nextSeq: number | undefined;
  #highestSeq = 1;
  #at = 0;
  #behind: Suspect = { name: '', named: [] };
  /** The gaps of the newest snapshot. The report has them only if older files do not fill them. */
  #gapsOfNewest: Finding[] = [];

  constructor(shard: number, report: (finding: Finding) => void) {
    this.#shard = shard;
    this.#report = report;
  }

  goThrough(sources: ShardSources): void {
    this.#behind = { name: sources.nameOf('current.json'), named: [] };
    if (sources.current === undefined) this.#doubtEnd();
    sources.listUnused();
    const snapshots = sources.readSnapshots();
    const oldest = snapshots.at(-1);
    const isBaseWhole = oldest?.gaps.length === 0;
    const journals = sources.readJournals(isBaseWhole ? oldest.generation : 0);
    if (!isBaseWhole && !beginsAtTheStart(sources, journals)) this.#doubtBefore(journals, oldest);
    else if (!isBaseWhole) this.#nextSeq = 1;
    this.#merge(snapshots.toReversed(), journals, sources);
  }

  loseAll(name: string): void {
    this.#behind = { name, named: [] };
    this.#lose(1, Infinity, undefined, this.#behind);
  }

  /** The prepare and outcome records of the shard, without the prepared changes. */
  get traces(): SalvagedTraces {
    const { prepared, outcomes } = this.#replay;
    const isDoubtful = this.#isEndUnproved || this.#entries.doubts.length > 0;
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
   * Goes through snapshots and journals by generation. A snapshot comes after the journals it contains.
   */
  #merge(
    snapshots: SalvagedSnapshot[],
    journals: readonly JournalSource[],
    sources: ShardSources,
  ): void {
    const tail = tailOf(journals, sources);
    for (const [index, source] of journals.entries()) {
      while ((snapshots[0]?.generation ?? Infinity) < source.generation) {
        this.#takeSnapshot(snapshots.shift(), journals);
      }
      const later = journals.slice(index + 1);
      if (index < tail.index) this.#takeSealed(source, later, sources);
      else if (index === tail.index) this.#takeTail(source, tail, sources);
      else this.#takeUnbegun(source, tail.mayBeUnbegun);
    }
    for (const snapshot of snapshots) this.#takeSnapshot(snapshot, journals);
  }

  #takeSnapshot(snapshot: SalvagedSnapshot | undefined, journals: readonly JournalSource[]): void {
    if (snapshot === undefined) return;
    const { generation, entries, gaps, footer, name } = snapshot;
    const seq = footer?.seq ?? seqBehind(journals, generation);
    if (seq !== undefined) this.#continueAt(seq, true, this.#behind);
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

  #takeSealed(source: JournalSource, later: readonly JournalSource[], sources: ShardSources): void {
    const { journal, name } = source;
    if (journal === undefined) {
      this.#behind = { name, named: [] };
      return;
    }
    const part = countInSealed(journal, statedEnd(source, later));
    this.#reportDamage(journal, part, sources);
    this.#apply(journal, part.lines);
  }

  #takeTail(source: JournalSource, tail: Tail, sources: ShardSources): void {
    const { journal, name } = source;
    if (journal === undefined) {
      this.#behind = { name, named: [] };
      this.#lose(this.#nextSeq ?? 1, Infinity, undefined, this.#behind);
      return;
    }
    const part = countInTail(journal, tail.durableBytes);
    if (part.torn !== undefined) {
      this.#report({ finding: 'torn-end', file: name, ...part.torn });
    }
    this.#reportDamage(journal, part, sources);
    const end = this.#apply(journal, part.lines);
    const missing = tail.statedBytes - end;
    if (!part.isWhole && !holdsNoChange(missing, this.#nextSeq ?? 1, this.#at)) {
      this.#lose(this.#nextSeq ?? 1, Infinity, undefined, this.#behind);
    }
  }

  /** Takes a journal behind the tail, none of whose lines matches its own checksum. */
  #takeUnbegun({ journal, name }: JournalSource, isAllowed: boolean): void {
    if (isAllowed) {
      const bad = journal?.bad[0];
      if (bad !== undefined) {
        const what = 'the header does not match its checksum';
        this.#report({ finding: 'torn-end', file: name, offset: bad.offset, what });
      }
      return;
    }
    this.#behind = { name, named: journal?.bad.flatMap(({ named }) => named) ?? [] };
    this.#lose(this.#nextSeq ?? 1, Infinity, undefined, this.#behind);
  }

  /** @returns the offset at which the last counting line once ended, or a little less */
  #apply(journal: SalvagedJournal, lines: readonly ProvableLine[]): number {
    const { header, headerCrc, bad, name } = journal;
    const suspect = { name, named: bad.flatMap(({ named }) => named) };
    let isJumpKnown = false;
    let end = headerBytesMin;
    if (header !== undefined) {
      this.#continueAt(header.previous?.seq ?? 1, true, this.#behind);
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
    this.#behind = suspect;
    return end;
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

  /** Without a whole snapshot and without the first journal, no file holds the earliest changes. */
  #doubtBefore(journals: readonly JournalSource[], oldest: SalvagedSnapshot | undefined): void {
    const first = journals.find(({ journal }) => journal?.header !== undefined)?.journal?.header;
    const toSeq = (first?.previous?.seq ?? Infinity) - 1;
    if (oldest === undefined) this.#lose(1, toSeq, undefined, this.#behind);
    else this.#entries.doubt({ toSeq, covers: everything, named: [], finding: undefined });
  }

  #doubtEnd(): void {
    this.#isEndUnproved = true;
    this.#report({
      finding: 'unproved-end',
      shard: this.#shard,
      file: this.#behind.name,
      what:
        'it cannot be known whether changes behind the last provable one are missing, nor ' +
        'whether the last writes that are there were answered with `unknown`',
    });
  }

  #reportDamage(journal: SalvagedJournal, part: CountingPart, sources: ShardSources): void {
    if (part.isWhole) return;
    const { name, bad, reading } = journal;
    const before = part.torn?.offset ?? Infinity;
    const stretches = bad.filter(({ offset }) => offset < before);
    for (const one of stretches) sources.damage(name, 'the line does not match its checksum', one);
    if (stretches.length > 0) return;
    const { bad: first, bytes: offset } = reading;
    if (first === undefined) sources.damage(name, 'its end is missing', { offset });
    else sources.damage(name, first.reason, { line: first.line, offset });
  }

  #lostEntries(file: string, { after, before }: KeyRange, missing: number | undefined): Finding {
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

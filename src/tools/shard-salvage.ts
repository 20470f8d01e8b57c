// Salvages everything that can still be proved of one shard of a damaged store. Goes through the
// files from the oldest that is needed. Snapshots give the entries at their seq, journals the
// changes since. A seq that no line has is a lost change. Does not resolve transactions in doubt:
// the caller gives their outcomes (resolve-salvaged.ts). Changes nothing.
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
  /** In order. */
  readonly entries: readonly StreamedEntry[];
  /** Above every seq that was seen. */
  readonly seq: number;
  /** The highest timestamp that was seen. */
  readonly at: number;
}

/**
 * Goes through a shard's files and reports what is wrong with them.
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

/** Every header has more bytes than this. */
const headerBytesMin = 199;

/** The file that would hold changes that turn out to be missing. */
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
  /** How many doubts there were when a prepare record was found. */
  readonly #doubtsAtPrepare = new Map<string, number>();
  #isEndUnproved = false;
  /** The seq that the next change must have; undefined while nothing is known. */
  #nextSeq: number | undefined;
  #highestSeq = 1;
  #at = 0;
  #behind: Suspect = { name: '', named: [] };
  /** The gaps of the newest snapshot, reported if older files do not fill them. */
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
    // Without the changes, which would keep the shard's entries in memory.
    const bare = Array.from(prepared, ([id, { participants }]) => [id, { participants }] as const);
    return { prepared: new Map(bare), outcomes, isDoubtful };
  }

  /** @param outcomes of all transactions that are in doubt here */
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

  /** Snapshots and journals by generation, a snapshot after the journals that are folded into it. */
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
    // If an outcome may be lost, the snapshot may have the prepared changes, and later ones over them.
    // The journal behind the snapshot states again what was in doubt when the snapshot was made.
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

  /** A journal behind the tail, in which nothing proves itself. */
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

  /** @returns where the last line that counts ended when it was written, or a little before that */
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
      // Missing bytes before the line have moved it. The durable bytes it states came before it.
      end = Math.max(line.end, line.d + line.end - line.offset);
    }
    // A line that fits nowhere still says how far the journal went.
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

  /** Whether the outcome record may be lost, and the key has been changed after it. */
  #isOutdated(change: Omit<LastKnown, 'record'>, transaction: string): boolean {
    const hasLostSince =
      this.#entries.doubts.length > (this.#doubtsAtPrepare.get(transaction) ?? 0);
    const known = hasLostSince ? this.#entries.get(change) : undefined;
    if (known === undefined) return false;
    if (known.record !== undefined) return known.version >= change.version;
    // Nothing puts a key between prepare and outcome; but an expired entry may have been swept then.
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

  /** Moves on to the next change's seq. Any seq in between is a lost change. */
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

  /** Without a whole snapshot and the first journal, the changes before are unknown. */
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

// Salvages everything that can still be proved of one shard of a damaged store. Goes through the
// files, starting with the oldest that is needed. A snapshot gives all entries at its seq, a
// journal the changes after that (salvaged-changes.ts). The caller gives the outcomes of
// transactions in doubt (resolve-salvaged.ts). Changes no file.
import { countInSealed, countInOpen, holdsNoChange, type CountingPart } from './counting-lines.ts';
import { currentName } from '../storage/file-names.ts';
import type { SalvagedOutcome, SalvagedTraces } from './resolve-salvaged.ts';
import type { Finding } from './finding.ts';
import {
  beginsAtTheStart,
  seqBehind,
  statedEnd,
  openJournalOf,
  type OpenJournal,
} from './journal-ends.ts';
import type { SalvagedJournal } from './journal-salvage.ts';
import {
  SalvagedChanges,
  suspectOf,
  type SalvagedShard,
  type Suspect,
} from './salvaged-changes.ts';
import { ShardSources, type JournalSource, type ShardSourcesOptions } from './shard-sources.ts';
import type { SalvagedSnapshot } from './snapshot-salvage.ts';

const allLost: CountingPart = { lines: [], torn: undefined, isWhole: false };

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

class ShardSalvage {
  readonly #shard: number;
  readonly #report: (finding: Finding) => void;
  readonly #changes: SalvagedChanges;
  #isEndUnproved = false;
  /** The file before the next one: it would hold changes that are missing between the two. */
  #behind: Suspect = { name: '', named: [] };

  constructor(shard: number, report: (finding: Finding) => void) {
    this.#shard = shard;
    this.#report = report;
    this.#changes = new SalvagedChanges(shard);
  }

  goThrough(sources: ShardSources): void {
    this.#behind = { name: sources.nameOf(currentName), named: [] };
    if (sources.current === undefined) this.#doubtEnd();
    sources.listUnused();
    const snapshots = sources.readSnapshots();
    const oldest = snapshots.at(-1);
    const isBaseWhole = oldest?.gaps.length === 0;
    const journals = sources.readJournals(isBaseWhole ? oldest.generation : 0);
    if (!isBaseWhole && !beginsAtTheStart(sources, journals)) this.#doubtBefore(journals, oldest);
    else if (!isBaseWhole) this.#changes.beginAtTheStart();
    this.#merge(snapshots.toReversed(), journals, sources);
  }

  loseAll(name: string): void {
    this.#changes.loseRest({ name, named: [] });
  }

  /** The prepare and outcome records of the shard, without the prepared changes. */
  get traces(): SalvagedTraces {
    return this.#changes.traces(this.#isEndUnproved);
  }

  /** @param outcomes of all transactions that are in doubt in this shard */
  finish(
    outcomes: ReadonlyMap<string, SalvagedOutcome>,
    report: (finding: Finding) => void,
  ): SalvagedShard {
    return this.#changes.finish(outcomes, report);
  }

  /**
   * Goes through snapshots and journals by generation. A snapshot comes after the journals it contains.
   */
  #merge(
    snapshots: SalvagedSnapshot[],
    journals: readonly JournalSource[],
    sources: ShardSources,
  ): void {
    const openJournal = openJournalOf(journals, sources);
    for (const [index, source] of journals.entries()) {
      while ((snapshots[0]?.generation ?? Infinity) < source.generation) {
        this.#takeSnapshot(snapshots.shift(), journals);
      }
      const later = journals.slice(index + 1);
      if (index < openJournal.index) this.#takeSealed(source, later, sources);
      else if (index === openJournal.index) this.#takeOpen(source, openJournal, sources);
      else this.#takeUnbegun(source, openJournal.mayBeUnbegun);
    }
    for (const snapshot of snapshots) this.#takeSnapshot(snapshot, journals);
  }

  #takeSnapshot(snapshot: SalvagedSnapshot | undefined, journals: readonly JournalSource[]): void {
    if (snapshot === undefined) return;
    const seq = snapshot.footer?.seq ?? seqBehind(journals, snapshot.generation);
    this.#changes.takeSnapshot(snapshot, seq, this.#behind);
  }

  #takeSealed(source: JournalSource, later: readonly JournalSource[], sources: ShardSources): void {
    const { journal, name } = source;
    if (journal === undefined) {
      this.#behind = { name, named: [] };
      return;
    }
    const part = countInSealed(journal, statedEnd(source, later));
    this.#reportDamage(journal, part, sources);
    this.#apply(journal, part);
  }

  #takeOpen(source: JournalSource, openJournal: OpenJournal, sources: ShardSources): void {
    const { journal, name } = source;
    if (journal === undefined) {
      this.#behind = { name, named: [] };
      this.#changes.loseRest(this.#behind);
      return;
    }
    const { isEndUnknown, durableBytes } = openJournal;
    const part = isEndUnknown ? allLost : countInOpen(journal, durableBytes);
    if (part.torn !== undefined) {
      this.#report({ finding: 'torn-tail', file: name, ...part.torn });
    }
    this.#reportDamage(journal, part, sources);
    const end = this.#apply(journal, part);
    const missing = openJournal.statedBytes - end;
    const { nextSeq, at } = this.#changes;
    if (isEndUnknown) this.#doubtEnd();
    else if (!part.isWhole && !holdsNoChange(missing, nextSeq, at)) {
      this.#changes.loseRest(this.#behind);
    }
  }

  /** Takes a journal behind the open one. None of its lines matches its own checksum. */
  #takeUnbegun({ journal, name }: JournalSource, isAllowed: boolean): void {
    if (isAllowed) {
      const bad = journal?.bad[0];
      if (bad !== undefined) {
        const what = 'the header does not match its checksum';
        this.#report({ finding: 'torn-tail', file: name, offset: bad.offset, what });
      }
      return;
    }
    this.#behind = { name, named: journal?.bad.flatMap(({ named }) => named) ?? [] };
    this.#changes.loseRest(this.#behind);
  }

  /** @returns the offset at which the last counting line once ended, or a little less */
  #apply(journal: SalvagedJournal, { lines }: CountingPart): number {
    const end = this.#changes.takeJournal(journal, lines, this.#behind);
    this.#behind = suspectOf(journal);
    return end;
  }

  #doubtBefore(journals: readonly JournalSource[], oldest: SalvagedSnapshot | undefined): void {
    const first = journals.find(({ journal }) => journal?.header !== undefined)?.journal?.header;
    const toSeq = (first?.previous?.seq ?? Infinity) - 1;
    this.#changes.doubtBefore(toSeq, oldest === undefined ? this.#behind : undefined);
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
}

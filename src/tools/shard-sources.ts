// Reads the files of one shard of a damaged store, each past its damage, and reports the damage of
// each. Does not combine the files: shard-salvage.ts does. Changes nothing.
import { byteStringOfText } from '../base/byte-string.ts';
import type { ShardPlace } from '../shard/shard-place.ts';
import {
  readCurrent,
  type Current,
  type JournalReference,
  type SnapshotReference,
} from '../storage/current.ts';
import { DamageError } from '../storage/damage.ts';
import {
  currentName,
  dataFileOf,
  isDataFile,
  journalName,
  snapshotName,
} from '../storage/file-names.ts';
import type { ReadableFile } from '../storage/file-system.ts';
import type { JournalLine } from '../storage/journal-format.ts';
import { isOutcomeRecord, type ChangeRecord, type JournalRecord } from '../storage/record.ts';
import type { Finding } from './finding.ts';
import { salvageJournal, type SalvagedJournal } from './journal-salvage.ts';
import { allEntries } from './entry-range.ts';
import type { UnprovenLine } from './salvage-lines.ts';
import { missingSnapshot, salvageSnapshot, type SalvagedSnapshot } from './snapshot-salvage.ts';

export interface ShardSourcesOptions {
  readonly place: ShardPlace;
  /** True for keys whose slots belong to this shard. */
  readonly isOurs: (key: string) => boolean;
  readonly report: (finding: Finding) => void;
}

/** A journal that current.json names, or that is in the folder. */
export interface JournalSource extends JournalReference {
  /** Relative to the data folder. */
  readonly name: string;
  /** Undefined if the file is missing or not this shard's. */
  readonly journal: SalvagedJournal | undefined;
}

export class ShardSources {
  /** Undefined if current.json is missing or damaged: then every file counts by its own header. */
  readonly current: Current | undefined;
  readonly #place: ShardPlace;
  readonly #isOurs: (key: string) => boolean;
  readonly #report: (finding: Finding) => void;

  constructor({ place, isOurs, report }: ShardSourcesOptions) {
    this.#place = place;
    this.#isOurs = isOurs;
    this.#report = report;
    const { fileSystem, folder, identity } = place;
    const name = this.nameOf(currentName);
    this.current = this.#orDamage(name, () => readCurrent(fileSystem, folder, name, identity));
  }

  /** Relative to the data folder. */
  nameOf(file: string): string {
    return `${this.#place.name}/${file}`;
  }

  damage(file: string, what: string, where: Partial<Omit<UnprovenLine, 'named'>> = {}): void {
    const { line, offset, bytes } = where;
    this.#report({
      finding: 'damage',
      file,
      ...(line === undefined ? {} : { line }),
      ...(offset === undefined ? {} : { offset }),
      ...(bytes === undefined ? {} : { bytes }),
      what,
    });
  }

  /** Reports snapshots and journals that current.json does not name: they do not count. */
  listUnused(): void {
    if (this.current === undefined) return;
    const named = new Set(this.#snapshotsNamed().map(({ generation }) => snapshotName(generation)));
    for (const { generation } of this.#journalsNamed()) named.add(journalName(generation));
    for (const file of this.#dataFiles()) {
      if (named.has(file)) continue;
      const what = 'current.json does not name it';
      this.#report({ finding: 'unused', file: this.nameOf(file), what });
    }
  }

  /** Newest first. Reads older ones only until no gap is left. */
  readSnapshots(): SalvagedSnapshot[] {
    const snapshots: SalvagedSnapshot[] = [];
    for (const { generation, reference } of this.#snapshotsNamed()) {
      const snapshot = this.#readSnapshot(generation, reference);
      snapshots.push(snapshot);
      if (snapshot.gaps.length === 0) break;
    }
    return snapshots;
  }

  /** Oldest first, only generations above `above`. */
  readJournals(above: number): JournalSource[] {
    return this.#journalsNamed()
      .filter(({ generation }) => generation > above)
      .map((reference) => this.#readJournal(reference));
  }

  #snapshotsNamed(): { generation: number; reference?: SnapshotReference }[] {
    if (this.current === undefined) {
      return this.#generationsThere('snapshot').map((generation) => ({ generation }));
    }
    return [this.current.snapshot, this.current.previous?.snapshot]
      .filter((reference) => reference !== null && reference !== undefined)
      .map((reference) => ({ generation: reference.generation, reference }));
  }

  #journalsNamed(): JournalReference[] {
    if (this.current === undefined) {
      return this.#generationsThere('journal')
        .toReversed()
        .map((generation) => ({ generation }));
    }
    return [...(this.current.previous?.journals ?? []), ...this.current.journals];
  }

  /** Newest first. */
  #generationsThere(kind: 'snapshot' | 'journal'): number[] {
    return this.#dataFiles()
      .map(dataFileOf)
      .flatMap((file) => (file?.kind === kind ? [file.generation] : []))
      .toSorted((a, b) => b - a);
  }

  #dataFiles(): string[] {
    return this.#place.fileSystem.list(this.#place.folder).filter(isDataFile);
  }

  #readSnapshot(generation: number, reference: SnapshotReference | undefined): SalvagedSnapshot {
    const file = snapshotName(generation);
    const name = this.nameOf(file);
    const owner = { ...this.#place.identity, generation, name, reference };
    const snapshot =
      this.#read(file, (open) => salvageSnapshot(open, owner)) ?? missingSnapshot(owner);
    for (const bad of snapshot.bad) {
      this.damage(name, 'the line does not match its checksum', bad);
    }
    const hasHoles = snapshot.gaps.length > 0 && snapshot.gaps[0] !== allEntries;
    if (hasHoles && snapshot.bad.length === 0) this.damage(name, 'lines are missing');
    const entries = snapshot.entries.filter(({ key }) => this.#isOurs(key));
    if (entries.length < snapshot.entries.length) this.damage(name, 'it has keys of another shard');
    return { ...snapshot, entries };
  }

  #readJournal(reference: JournalReference): JournalSource {
    const file = journalName(reference.generation);
    const name = this.nameOf(file);
    const claim = { ...this.#place.identity, ...reference, name };
    const journal = this.#read(file, (open) => salvageJournal(open, claim));
    if (journal === undefined) return { ...reference, name, journal };
    const isOurs = (line: JournalLine): boolean => keysIn(line).every((key) => this.#isOurs(key));
    let { lines } = journal;
    if (!lines.every(isOurs)) {
      this.damage(name, 'it has keys of another shard');
      // Marks and outcome records name no key, so nothing tells which shard they belong to.
      lines = lines.filter((line) => isOurs(line) && keysIn(line).length > 0);
    }
    return { ...reference, name, journal: { ...journal, lines } };
  }

  /**
   * Reads a file.
   *
   * @returns undefined, after a report, if the file is missing or not this shard's
   */
  #read<T>(file: string, read: (open: ReadableFile) => T): T | undefined {
    const { fileSystem, folder } = this.#place;
    const name = this.nameOf(file);
    if (!fileSystem.exists(`${folder}/${file}`)) {
      this.damage(name, 'the file is missing');
      return undefined;
    }
    return this.#orDamage(name, () => {
      const open = fileSystem.openReadOnly(`${folder}/${file}`);
      try {
        return read(open);
      } finally {
        open.close();
      }
    });
  }

  #orDamage<T>(name: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DamageError) || error.code !== 'STORE_DAMAGED') throw error;
      this.damage(name, error.what);
      return undefined;
    }
  }
}

function keysIn({ records }: JournalLine): string[] {
  return records.flatMap(changesIn).map(({ key }) => byteStringOfText(key));
}

function changesIn(record: JournalRecord): readonly ChangeRecord[] {
  if (record.op === 'prepare') return record.changes;
  return record.op === 'flush' || isOutcomeRecord(record) ? [] : [record];
}

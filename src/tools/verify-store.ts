// Reads a whole store as a start would, and reports all damage, not only the first. Only damage of live
// files makes a store damaged. Reads the files that the last compaction replaced, too. Changes nothing.
import { StoreError } from '../base/errors.ts';
import { shardOfKey } from '../store/slot.ts';
import { proveShard, type ProvedShard } from '../shard/recovery/recovery.ts';
import { placesOf, type ShardPlace } from '../shard/shard-place.ts';
import { damaged, DamageError, textOfPosition } from '../storage/damage.ts';
import { journalName, snapshotName } from '../storage/file-names.ts';
import type { FileSystem, ReadableFile } from '../storage/file-system.ts';
import { JournalReader } from '../storage/journal-reader.ts';
import { SnapshotReader } from '../storage/snapshot-reader.ts';
import type { Finding } from './finding.ts';
import { findRepairSource, type RepairSource } from './repair-source.ts';
import { salvageShard } from './shard-salvage.ts';
import { inDoubtTransactions } from './in-doubt-transactions.ts';

/**
 * A start refuses `damaged`. A crash leaves a `torn tail`, and the next start cuts it off. A crash
 * leaves an `in-doubt` transaction, and the next start resolves it. `spare` is damage of files that
 * no start needs. An `unused` file does not count.
 */
export type Verdict = 'damaged' | 'torn tail' | 'in-doubt' | 'spare' | 'unused';

export interface VerifyOptions {
  readonly fileSystem: FileSystem;
  readonly dataDir: string;
  readonly report: (verdict: Verdict, text: string) => void;
}

export interface VerifySummary {
  /** Undefined if no file says how many shards there are. */
  readonly shards: number | undefined;
  /** The number of damaged places. */
  readonly damaged: number;
  /** The text of the first damaged place. */
  readonly first: string | undefined;
}

/**
 * @throws StoreError STORE_INACCESSIBLE if there is no store, STORE_MISMATCH if another version of the
 *   program wrote it; system errors
 */
export function verifyStore(options: VerifyOptions): VerifySummary {
  return new Verification(options).run();
}

class Verification {
  readonly #options: VerifyOptions;
  #damaged = 0;
  #first: string | undefined;

  constructor(options: VerifyOptions) {
    this.#options = options;
  }

  run(): VerifySummary {
    const { fileSystem, dataDir } = this.#options;
    const source = this.#findSource();
    const places = source === undefined ? [] : placesOf(fileSystem, dataDir, source);
    const proved = places.map((place) => {
      const { shard } = place.identity;
      const isOurs = (key: string): boolean => shardOfKey(key, places.length) === shard;
      return this.#verifyShard(place, isOurs);
    });
    for (const part of inDoubtTransactions(proved.map((shard) => shard?.traces))) {
      const { shard, transaction, outcome } = part;
      const why = 'a crash may leave this, and the next start resolves it';
      const what = `transaction ${transaction} is ${outcome}; ${why}`;
      this.#options.report('in-doubt', `${places[shard]?.name}: ${what}`);
    }
    return { shards: source?.shards, damaged: this.#damaged, first: this.#first };
  }

  #findSource(): RepairSource | undefined {
    const { fileSystem, dataDir } = this.#options;
    try {
      return findRepairSource(fileSystem, dataDir, (finding) => this.#take(finding));
    } catch (error) {
      // A store of another version is not damaged: it cannot be judged.
      if (!isDamage(error) || error.code === 'STORE_MISMATCH') throw error;
      this.#damage(error.message);
      return undefined;
    }
  }

  /** @returns undefined if the shard is damaged */
  #verifyShard(place: ShardPlace, isOurs: (key: string) => boolean): ProvedShard | undefined {
    if (!place.fileSystem.exists(place.folder)) {
      this.#damage(`${place.name}: the folder is missing`);
      return undefined;
    }
    try {
      const proved = proveShard(place);
      this.#verifyRest(place, proved);
      return proved;
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#damage(textOfDamage(error));
      this.#findMore(place, isOurs, error);
      return undefined;
    }
  }

  /** A start stops at the first damage of a shard; a repair has to know all of it. */
  #findMore(place: ShardPlace, isOurs: (key: string) => boolean, first: StoreError): void {
    const known = first instanceof DamageError ? first.position : undefined;
    const report = (finding: Finding): void => {
      const isKnown =
        finding.finding === 'damage' &&
        finding.file === known?.file &&
        (finding.line === known.line || finding.line === undefined);
      if (!isKnown) this.#take(finding);
    };
    try {
      salvageShard({ place, isOurs, report });
    } catch (error) {
      if (!isDamage(error)) throw error;
      if (textOfDamage(error) !== textOfDamage(first)) this.#damage(textOfDamage(error));
    }
  }

  /** Reports everything outside the valid part of the live files: torn tails and spare files. */
  #verifyRest(place: ShardPlace, { torn, current }: ProvedShard): void {
    for (const { generation, bytes, reason } of torn) {
      const file = `${place.name}/${journalName(generation)}`;
      this.#take({ finding: 'torn-tail', file, offset: bytes, what: reason });
    }
    const { previous } = current;
    if (previous === null) return;
    if (previous.snapshot !== null) {
      const { snapshot } = previous;
      const name = snapshotName(snapshot.generation);
      this.#verifySpare(place, name, (file) => {
        new SnapshotReader(file, `${place.name}/${name}`, place.identity, snapshot).prove();
      });
    }
    for (const { generation, bytes } of previous.journals) {
      const name = journalName(generation);
      this.#verifySpare(place, name, (file) => {
        const { bad } = new JournalReader(file, () => undefined).read(bytes);
        if (bad !== undefined) throw damaged({ file: `${place.name}/${name}`, ...bad }, bad.reason);
      });
    }
  }

  #verifySpare(place: ShardPlace, name: string, read: (file: ReadableFile) => void): void {
    const { fileSystem, folder } = place;
    try {
      if (!fileSystem.exists(`${folder}/${name}`)) {
        throw damaged({ file: `${place.name}/${name}` }, 'the file is missing');
      }
      const file = fileSystem.openReadOnly(`${folder}/${name}`);
      try {
        read(file);
      } finally {
        file.close();
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
      const what = 'a start does not need it: the last compaction replaced it';
      this.#options.report('spare', `${textOfDamage(error)}; ${what}`);
    }
  }

  #take(finding: Finding): void {
    const { report } = this.#options;
    // Other findings are about loss: a repair reports them.
    if (finding.finding === 'damage') {
      this.#damage(`${textOfPosition(finding)}: ${finding.what}`);
    } else if (finding.finding === 'torn-tail') {
      const why = 'a crash may leave this, and a start cuts it off';
      report('torn tail', `${textOfPosition(finding)}: ${finding.what}; ${why}`);
    } else if (finding.finding === 'unused') {
      report('unused', `${finding.file}: ${finding.what}`);
    }
  }

  #damage(text: string): void {
    this.#damaged += 1;
    this.#first ??= text;
    this.#options.report('damaged', text);
  }
}

function isDamage(error: unknown): error is StoreError {
  if (!(error instanceof StoreError)) return false;
  return error.code === 'STORE_DAMAGED' || error.code === 'STORE_MISMATCH';
}

function textOfDamage(error: StoreError): string {
  if (!(error instanceof DamageError)) return error.message;
  return `${textOfPosition(error.position)}: ${error.what}`;
}

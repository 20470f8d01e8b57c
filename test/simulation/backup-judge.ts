// Judges backups. A backup must have exactly the entries that each shard had at its cut. All cuts
// together must be one moment among the calls of the clients. Takes no backup itself.
import type { BeginBackupTask } from '../../src/protocol/shard-task.ts';
import type { Parcel } from '../../src/protocol/parcel.ts';
import type { BackupSource } from '../../src/shard/streams/backup-stream.ts';
import { BackupReader } from '../../src/storage/backup-reader.ts';
import { valueOfRecord } from '../../src/storage/record.ts';
import type { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import type { AskedMoment, Moment } from './client-history.ts';
import { demand } from './run-record.ts';
import { entryOfName, nameOf, shardOfName } from './entry-names.ts';
import { misfitOfPurses, purseName } from './purse.ts';
import { entryOf, type LoggedEntry, type NamedItem } from './logged-entry.ts';

type Entries = ReadonlyMap<string, LoggedEntry>;

/** The entries of one shard at a cut, with the timestamp and seq that the shard stated. */
interface Cut {
  readonly entries: Entries;
  readonly timestamp: number;
  /** The seq that the shard's next change would take. */
  readonly seq: number;
}

export interface BackupFile {
  readonly fileSystem: MemoryFileSystem;
  readonly path: string;
}

export class BackupJudge {
  readonly #purses: number;
  /** Cuts by shard and answer. A backup gets nothing but the answers. */
  #cuts = new Map<string, Cut>();
  /** The cuts that the last backup began with, in order of the shards. */
  #begun: readonly Cut[] = [];

  /** @param purses the number of purses */
  constructor(purses: number) {
    this.#purses = purses;
  }

  /** @param items all entries of the shard at the cut */
  noteCut(shard: number, timestamp: number, parcel: Parcel, items: readonly NamedItem[]): void {
    const entries = new Map(items.map((item) => [item.name, entryOf(item)]));
    const { seq } = parcel.content as BackupSource;
    this.#cuts.set(nameOfCut(shard, parcel), { entries, timestamp, seq });
  }

  /** From here on the thread of the backup holds the files of these cuts. */
  noteBegun({ parts }: BeginBackupTask): void {
    this.#begun = parts.map(({ input }, shard) => {
      const cut = this.#cuts.get(nameOfCut(shard, input));
      demand(cut !== undefined, `a backup is begun with a cut that shard ${shard} never gave`);
      return cut;
    });
    this.#cuts = new Map();
  }

  /**
   * Reads a backup and checks it. The history counts it as a read of every key in it.
   *
   * @param asked the moment of the request for the backup
   * @param namespace the only namespace that it must have; undefined: all of them
   * @returns the entries of the backup
   */
  judge(file: BackupFile, asked: AskedMoment, namespace: string | undefined): Entries {
    const cuts = this.#begun;
    const { entries, seq, shards, scope } = readBackup(file);
    demand(scope === namespace, `a backup of ${namespace} tells of ${scope}`);
    demand(shards === cuts.length, `a backup tells of ${shards} shards`);
    const expectedSeq = Math.max(...cuts.map((cut) => cut.seq));
    demand(seq === expectedSeq, `a backup has seq ${seq}, the cuts ${expectedSeq}`);
    const all = cuts.flatMap((cut) => [...cut.entries]);
    const isInScope = (name: string): boolean =>
      namespace === undefined || entryOfName(name).namespace === namespace;
    const held = new Map(all.filter(([name]) => isInScope(name)));
    const misfit = differenceOf(held, entries);
    demand(misfit === undefined, `a backup is not what the shards held: ${misfit}`);
    const look = Array.from(
      { length: this.#purses },
      (_, index) => entries.get(purseName(index))?.value,
    );
    const hasPurses = isInScope(purseName(0));
    const wrong =
      asked.told(momentOf(cuts, entries, asked.fromMs)) ??
      (hasPurses ? misfitOfPurses(look) : undefined);
    demand(wrong === undefined, `a backup is not one moment: ${wrong}`);
    return entries;
  }
}

/** The answers of a read at the moment of each cut. */
function momentOf(cuts: readonly Cut[], entries: Entries, askedMs: number): Moment {
  const cutOf = (key: string): Cut => {
    const cut = cuts[shardOfName(key, cuts.length)];
    if (cut === undefined) throw new Error('every key has its shard');
    return cut;
  };
  return {
    seqOf: (key) => cutOf(key).seq,
    entryOf: (key) => {
      const entry = entries.get(key);
      const { expiresAt = Infinity } = entry ?? {};
      if (expiresAt > cutOf(key).timestamp) return entry;
      // The moment of the cut lies between the request and the shard's answer.
      return expiresAt > askedMs ? 'unsure' : undefined;
    },
    values: new Set([...entries.values()].map(({ value }) => value)),
  };
}

function nameOfCut(shard: number, parcel: Parcel): string {
  return `${shard} ${JSON.stringify(parcel.content)}`;
}

function readBackup({ fileSystem, path }: BackupFile): {
  entries: Entries;
  seq: number;
  shards: number;
  scope: string | undefined;
} {
  const file = fileSystem.openReadOnly(path);
  const reader = new BackupReader(file, path);
  const entries = new Map<string, LoggedEntry>();
  for (const block of reader.blocks()) {
    for (const record of block.entries) {
      const { version, expiresAt } = record;
      const name = nameOf({ namespace: block.namespace, key: record.key });
      entries.set(name, { version, value: valueOfRecord(record), expiresAt });
    }
  }
  file.close();
  const { seq, shards, namespace: scope } = reader.header;
  return { entries, seq, shards, scope };
}

function differenceOf(expected: Entries, actual: Entries): string | undefined {
  for (const key of new Set([...expected.keys(), ...actual.keys()])) {
    const [before, now] = [expected.get(key), actual.get(key)].map((entry) =>
      JSON.stringify(entry),
    );
    if (before !== now) return `${key} has ${now ?? 'nothing'}, not ${before ?? 'nothing'}`;
  }
  return undefined;
}

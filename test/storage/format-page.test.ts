import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { programFolder } from '../../src/base/program-folder.ts';
import type { ShardChanges } from '../../src/protocol/shard-operation.ts';
import { liveEntriesOf } from '../../src/shard/streams/live-entries.ts';
import { proveShard } from '../../src/shard/recovery/recovery.ts';
import type { ShardPlace } from '../../src/shard/shard-place.ts';
import { OpenedShard } from '../../src/shard/opened-shard.ts';
import { BackupReader } from '../../src/storage/backup-reader.ts';
import { createShardFolder } from '../../src/storage/create-shard-folder.ts';
import { decodeJournalLine } from '../../src/storage/journal-format.ts';
import { valueOfRecord } from '../../src/storage/record.ts';
import { noChecksum, openLine, parseLine } from '../../src/storage/sealed-line.ts';
import { startOf } from '../support/stores/bare-shard-store.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { readJournal } from '../support/disk/shard-files.ts';
import { put } from '../support/stores/operations.ts';

const page = readFileSync(join(programFolder, 'src', 'storage', 'FORMAT.md'), 'utf8');
const [manifest, current, journal, firstPart, secondPart, backup, ...others] = [
  ...page.matchAll(/```ndjson\n(.*?)```/gs),
].map(([, block = '']) => block.trimEnd().split('\n'));

function textOf(lines: readonly string[] | undefined): string {
  return `${lines?.join('\n')}\n`;
}

describe('the examples of FORMAT.md', () => {
  test('are whole chains of lines with right checksums', () => {
    expect(others).toEqual([]);
    for (const lines of [manifest, current, journal, firstPart, secondPart, backup]) {
      let previous = noChecksum;
      for (const line of lines ?? []) {
        const opened = openLine(Buffer.from(line));
        expect([line, opened?.previous]).toEqual([line, previous]);
        previous = opened?.checksum ?? '';
      }
      expect(previous).not.toBe(noChecksum);
    }
  });

  test('show a journal that the program reads', () => {
    const kinds = journal?.map((line) => decodeJournalLine(parseLine(Buffer.from(line))).kind);
    expect(kinds).toEqual(['header', 'line', 'line', 'line']);
  });

  test('show a backup that the program reads', () => {
    const files = new MemoryFileSystem();
    files.put('/backup', Buffer.from(textOf(backup)));
    const reader = new BackupReader(files.openReadOnly('/backup'), 'backup');
    const keys = [...reader.blocks()].flatMap(({ entries }) => entries.map(({ key }) => key));
    expect(keys).toEqual(['city', 'raw']);
  });

  test('show a transaction as two shards write it, and a start finds its entries', () => {
    const files = new MemoryFileSystem();
    const places = [0, 1].map((shard) => placeOf(files, shard));
    writeTransaction(places);
    const written = places.map(({ folder }) =>
      readJournal(files, `${folder}/journal-000001.ndjson`).toString(),
    );
    expect(written).toEqual([textOf(firstPart), textOf(secondPart)]);
    const proved = places.map((place) => proveShard(place));
    const found = liveEntriesOf(places, proved).map((entries) =>
      Array.from(
        entries,
        ({ key, version, record }) => `${key}@${version}=${valueOfRecord(record)}`,
      ),
    );
    expect(found).toEqual([['alice@3=95', 'ben@3=5'], ['bob@1=110']]);
  });
});

function placeOf(fileSystem: MemoryFileSystem, shard: number): ShardPlace {
  const folder = `/data/layout-000001/shard-000${shard}`;
  const identity = { store: 'ec220cdb-2fe7-49e3-831e-e9bd08eb7379', shard };
  createShardFolder(fileSystem, folder, identity);
  return { fileSystem, folder, name: `shard-000${shard}`, identity };
}

function changesOf(key: string, value: string, version: number): ShardChanges {
  const changes = [
    { namespace: 'default', key, put: { value: Buffer.from(value), expiresAt: undefined } },
  ];
  return { changes, version, validUntil: Infinity };
}

/** Ends as a kill would: before the second shard has recorded the outcome. */
function writeTransaction(places: readonly ShardPlace[]): void {
  const at = 1764000000001;
  const shards = places.map((place) => {
    const opened = new OpenedShard({ ...place, fsync: 'always', clock: new ManualClock() });
    return opened.start(startOf(at));
  });
  const transaction = '2b1c6f5e-93f5-4a36-8a86-0f6a2f5f1a77';
  const prepare = { op: 'prepare', transaction, participants: [0, 1] } as const;
  const [first, second] = shards;
  first?.apply({ timestamp: at + 1, operations: [{ ...prepare, ...changesOf('alice', '90', 1) }] });
  second?.apply({ timestamp: at + 1, operations: [{ ...prepare, ...changesOf('bob', '110', 1) }] });
  first?.apply({ timestamp: at + 2, operations: [{ op: 'commit', transaction }] });
  const alone = { op: 'change', ...changesOf('alice', '95', 3) } as const;
  first?.apply({ timestamp: at + 3, operations: [put('ben', '5'), alone] });
}

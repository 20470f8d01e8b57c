import { describe, expect, test } from 'vitest';
import type { OpenFile } from '../../src/storage/file-system.ts';
import type { JournalHeader } from '../../src/storage/journal-format.ts';
import { JournalWriter } from '../../src/storage/journal-writer.ts';
import { shortenWrites } from '../support/disk/faults.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';

const header: JournalHeader = {
  store: '00000000-0000-4000-8000-000000000000',
  shard: 0,
  generation: 1,
  seq: 1,
  fsync: 'interval',
  at: 0,
  previous: null,
};

/** A file whose `syncSoon` ends when the test says so. */
function slowToSync(file: OpenFile): { file: OpenFile; calls: string[]; endSync: () => void } {
  const calls: string[] = [];
  const ends: (() => void)[] = [];
  const slow: OpenFile = {
    ...file,
    syncSoon: () => {
      calls.push('sync begins');
      return new Promise((resolve) => {
        ends.push(() => {
          calls.push('sync ends');
          resolve();
        });
      });
    },
    close: () => {
      calls.push('close');
      file.close();
    },
  };
  return { file: slow, calls, endSync: () => ends[0]?.() };
}

function newFile(): OpenFile {
  return new MemoryFileSystem().create('/journal');
}

describe('a journal writer', () => {
  test('does not close its file under a sync that is under way', async () => {
    const { file, calls, endSync } = slowToSync(newFile());
    const writer = JournalWriter.begin(file, header);
    writer.append(['{}'], 0);
    const synced = writer.syncSoon();
    writer.close();
    expect(calls).toEqual(['sync begins']);
    endSync();
    await synced;
    await Promise.resolve();
    expect(calls).toEqual(['sync begins', 'sync ends', 'close']);
  });

  test('counts as synced only the bytes written before the sync began', async () => {
    const { file, endSync } = slowToSync(newFile());
    const writer = JournalWriter.begin(file, header);
    writer.append(['{}'], 0);
    const { writtenBytes } = writer;
    const synced = writer.syncSoon();
    writer.append(['{}'], 0);
    endSync();
    await synced;
    expect(writer.syncedBytes).toBe(writtenBytes);
    expect(writer.writtenBytes).toBeGreaterThan(writtenBytes);
  });

  test('does not trust a sync that succeeds after another has failed', async () => {
    const { file, endSync } = slowToSync(newFile());
    const failing = {
      ...file,
      sync: () => {
        throw new Error('EIO');
      },
    };
    const writer = JournalWriter.begin(failing, header);
    writer.append(['{}'], 0);
    const synced = writer.syncSoon();
    expect(() => writer.sync()).toThrow('EIO');
    endSync();
    await synced;
    expect(writer.syncedBytes).toBe(0);
  });

  test('goes on after a short write until all of the line is written', () => {
    const files = new MemoryFileSystem();
    const writer = JournalWriter.begin(files.create('/journal'), header);
    const writes = shortenWrites(files, 7);
    writer.append(['{"op":"delete","key":"a"}'], 0);
    expect(writes.calls).toBeGreaterThan(20);
    const lines = files.read('/journal').toString().trimEnd().split('\n');
    expect(lines.map((line) => Object.keys(JSON.parse(line) as object).at(-1))).toEqual([
      'crc',
      'crc',
    ]);
  });
});

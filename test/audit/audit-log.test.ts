import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { AuditLog, type AuditLogOptions } from '../../src/audit/audit-log.ts';
import { MemoryAuditFolder } from '../support/audit/memory-audit-folder.ts';
import { recordOfTest } from '../support/audit/record-of-test.ts';

interface Timer {
  readonly ms: number;
  readonly work: () => void;
}

/** A log over a disk in memory, with timers that the test runs. */
function openLog(options: Partial<AuditLogOptions> = {}) {
  const folder = new MemoryAuditFolder();
  const timers: Timer[] = [];
  const told: string[] = [];
  const log = new AuditLog({
    folder,
    fileBytesMax: 1_000_000,
    filesMax: 10,
    onFull: 'refuse',
    nowMs: () => 1_764_000_000_000,
    logger: {
      error: (_facts: unknown, text?: string) => void told.push(`error: ${text}`),
      info: (_facts: unknown, text?: string) => void told.push(`info: ${text}`),
    },
    later: (ms, work) => void timers.push({ ms, work }),
    ...options,
  });
  /** Runs the timers that are due within so many milliseconds. */
  const pass = async (ms: number): Promise<void> => {
    const due = timers.filter((timer) => timer.ms <= ms);
    for (const timer of due) timers.splice(timers.indexOf(timer), 1);
    for (const { work } of due) work();
    await nextTurn();
  };
  const add = (...keys: string[]): void => {
    for (const key of keys) log.add(recordOfTest({ key }));
  };
  const keys = (): unknown[] => folder.records.map(({ key }) => key);
  return { log, folder, told, pass, add, keys };
}

describe('a record', () => {
  test('is on its way within 100 ms, and not before the request has gone on', async () => {
    const { folder, pass, add } = openLog();
    add('a');
    await nextTurn();
    expect(folder.text).toBe('');
    await pass(50);
    expect(folder.records).toEqual([
      {
        at: '2025-11-24T16:00:00.000Z',
        requestId: 'r-1',
        user: 'ann',
        action: 'put',
        key: 'a',
        outcome: 'applied',
      },
    ]);
  });

  test('shares a write with those that come at the same time, in their order', async () => {
    const { folder, pass, add, keys } = openLog();
    add('a', 'b', 'c');
    await pass(50);
    expect(keys()).toEqual(['a', 'b', 'c']);
    expect(folder.appends).toBe(1);
  });

  test('that comes during a write is written behind it', async () => {
    const { folder, pass, add, keys } = openLog();
    const release = folder.hold();
    add('a');
    await pass(50);
    add('b');
    release();
    await nextTurn();
    await pass(50);
    expect(keys()).toEqual(['a', 'b']);
  });

  test('is on stable storage a second later', async () => {
    const { folder, pass, add } = openLog();
    add('a');
    await pass(50);
    expect(folder.isSynced).toBe(false);
    await pass(1000);
    await pass(50);
    expect(folder.isSynced).toBe(true);
  });

  test('is one line, whatever its key has', async () => {
    const { pass, add, keys } = openLog();
    const hostile = ['a\nb', '"', '\\', '\u{2028}', '\0', 'é', '{"at":1}'];
    add(...hostile);
    await pass(50);
    expect(keys()).toEqual(hostile);
  });
});

describe('files', () => {
  test('are full at their size, and the oldest go', async () => {
    const { folder, pass, add, keys } = openLog({ fileBytesMax: 500, filesMax: 3 });
    for (let key = 0; key < 20; key += 1) {
      add(`key-${key}`);
      await pass(50);
    }
    const sizes = [...folder.files.values()].map(({ length }) => length);
    expect(sizes).toHaveLength(3);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
    expect([...folder.files.keys()]).toEqual(
      [...folder.files.keys()].toSorted((a, b) => (a < b ? -1 : 1)),
    );
    const kept = keys();
    expect(kept.at(-1)).toBe('key-19');
    expect(kept).toEqual(Array.from(kept, (_, at) => `key-${20 - kept.length + at}`));
  });

  test('stay within their size if many records come at once', async () => {
    const { folder, pass, add } = openLog({ fileBytesMax: 500, filesMax: 100 });
    add(...Array.from({ length: 50 }, (_, key) => `é-${key}`));
    await pass(50);
    expect(folder.records).toHaveLength(50);
    for (const { length } of folder.files.values()) expect(length).toBeLessThanOrEqual(500);
  });

  test('hold a record that is larger than a file may be', async () => {
    const { folder, pass, log, add } = openLog({ fileBytesMax: 500 });
    add('a');
    log.add(recordOfTest({ keys: Array.from({ length: 100 }, (_, key) => `key-${key}`) }));
    add('b');
    await pass(50);
    expect(folder.records).toHaveLength(3);
  });

  test('of the process before are gone on with', async () => {
    const { folder, pass, add } = openLog();
    folder.files.set('audit-000007.ndjson', Buffer.from('{"of":"before"}\n'));
    add('a');
    await pass(50);
    expect([...folder.files.keys()]).toEqual(['audit-000007.ndjson']);
    expect(folder.text).toMatch(/^\{"of":"before"\}\n\{"at":[^\n]*\}\n$/);
  });

  test('that a kill has cut within a line get a line break, and lose nothing', async () => {
    const { folder, pass, add } = openLog();
    folder.files.set('audit-000001.ndjson', Buffer.from('{"at":"2025'));
    add('a', 'b');
    await pass(50);
    expect(folder.text.split('\n').map((line) => line.slice(0, 11))).toEqual([
      '{"at":"2025',
      '{"at":"2025',
      '{"at":"2025',
      '',
    ]);
  });

  test('of other names are left alone', async () => {
    const { folder, pass, add } = openLog({ fileBytesMax: 200, filesMax: 1 });
    folder.files.set('notes.txt', Buffer.from('mine'));
    for (const key of ['a', 'b', 'c', 'd']) {
      add(key);
      await pass(50);
    }
    expect(folder.files.get('notes.txt')?.toString()).toBe('mine');
    expect(folder.files.size).toBe(2);
  });
});

describe('a full disk', () => {
  test('refuses requests, and loses no record of those that were let in', async () => {
    const { log, folder, pass, add, keys, told } = openLog();
    folder.freeBytes = 150;
    expect(log.refusal()).toBeUndefined();
    add('a', 'b');
    await pass(50);
    expect(log.isFull).toBe(true);
    expect(log.refusal()).toMatchObject({
      code: 'AUDIT_FULL',
      outcome: 'not-applied',
      retryable: true,
    });
    // It was let in before.
    add('c');
    await pass(1000);
    expect(log.isFull).toBe(true);
    folder.freeBytes = Infinity;
    await pass(1000);
    expect(log.refusal()).toBeUndefined();
    await pass(50);
    expect(keys()).toEqual(['a', 'b', 'c']);
    expect([log.records, log.dropped, log.refused]).toEqual([3, 0, 1]);
    expect(told).toEqual([
      'error: the audit log cannot be written: audited requests are refused',
      'info: the audit log is written again',
    ]);
  });

  test('that may drop records lets requests in, and counts', async () => {
    const { log, folder, pass, add, keys, told } = openLog({ onFull: 'drop' });
    folder.failure = 'ENOSPC';
    add('a');
    await pass(50);
    expect(log.refusal()).toBeUndefined();
    add('b', 'c');
    folder.failure = undefined;
    await pass(1000);
    add('d');
    await pass(50);
    expect(keys()).toEqual(['a', 'd']);
    expect([log.records, log.dropped, log.refused]).toEqual([2, 2, 0]);
    expect(told).toEqual([
      'error: the audit log cannot be written: requests leave no record',
      'info: the audit log is written again',
    ]);
  });

  test.each(['ENOSPC', 'EIO', 'EACCES', 'EROFS'])('is any that fails with %s', async (code) => {
    const { log, folder, pass, add } = openLog();
    folder.failure = code;
    add('a');
    await pass(50);
    expect(log.isFull).toBe(true);
  });

  test('that comes between files is waited for', async () => {
    const { log, folder, pass, add, keys } = openLog({ fileBytesMax: 200 });
    add('a');
    await pass(50);
    folder.failure = 'ENOSPC';
    add('b');
    await pass(50);
    expect(log.isFull).toBe(true);
    folder.failure = undefined;
    await pass(1000);
    expect(keys()).toEqual(['a', 'b']);
  });

  test('whose syncs fail is full, too', async () => {
    const { log, folder, pass, add } = openLog();
    add('a');
    await pass(50);
    folder.failure = 'EIO';
    await pass(1000);
    await pass(0);
    expect(log.isFull).toBe(true);
    folder.failure = undefined;
    await pass(1000);
    expect([log.isFull, folder.isSynced]).toEqual([false, true]);
  });

  // Each free byte more lets a write end at another place, within a line or between two.
  test('cuts no line, wherever it cuts a write', async () => {
    for (let freeBytes = 0; freeBytes < 400; freeBytes += 1) {
      const { folder, pass, add, keys } = openLog({ fileBytesMax: 250 });
      folder.freeBytes = freeBytes;
      add('a', 'b', 'c');
      await pass(50);
      folder.freeBytes = Infinity;
      await pass(1000);
      expect([freeBytes, ...keys()]).toEqual([freeBytes, 'a', 'b', 'c']);
    }
  });
});

describe('the records that wait', () => {
  test('leave at once if there are many', async () => {
    const { pass, log, folder } = openLog();
    const large = 'k'.repeat(1000);
    for (let at = 0; at < 900; at += 1) log.add(recordOfTest({ key: large }));
    await pass(0);
    expect(folder.records).toEqual([]);
    for (let at = 0; at < 200; at += 1) log.add(recordOfTest({ key: large }));
    await pass(0);
    expect(folder.records).toHaveLength(1100);
  });

  test('are bounded: past the bound requests are refused', async () => {
    const { log, folder, pass, add, keys } = openLog({ waitingMax: 300 });
    const release = folder.hold();
    add('a');
    await pass(50);
    add('b', 'c', 'd');
    expect(log.refusal()).toMatchObject({ code: 'AUDIT_FULL' });
    log.add(recordOfTest({ key: 'e', outcome: 'denied' }));
    expect(log.dropped).toBe(1);
    release();
    await nextTurn();
    expect(log.refusal()).toBeUndefined();
    expect(keys()).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('a stop', () => {
  test('writes and syncs all that waits, without a timer', async () => {
    const { log, folder, add, keys } = openLog();
    add('a', 'b');
    await log.close();
    expect(keys()).toEqual(['a', 'b']);
    expect(folder.isSynced).toBe(true);
  });

  test('waits for the write that is under way', async () => {
    const { log, folder, pass, add, keys } = openLog();
    const release = folder.hold();
    add('a');
    await pass(50);
    add('b');
    const closed = log.close();
    release();
    await closed;
    expect(keys()).toEqual(['a', 'b']);
    expect(folder.isSynced).toBe(true);
  });

  test('on a full disk says that records are lost, and ends', async () => {
    const { log, folder, add, told } = openLog();
    folder.failure = 'ENOSPC';
    add('a');
    await log.close();
    expect(told.at(-1)).toBe('error: the audit log could not be written to its end');
  });

  test('of a log without a record makes no file', async () => {
    const { log, folder } = openLog();
    await log.close();
    expect(folder.files.size).toBe(0);
  });
});

// Repairs of transactions over several shards, with lost lines and without.
import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/tools/finding.ts';
import {
  leaveTransaction,
  leftTransactions,
  servedByStart,
  transaction,
  type LeftStore,
} from '../support/disk/left-transactions.ts';
import type { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { repairFiles } from '../support/disk/repair-files.ts';
import { readEntries } from '../support/disk/sharded-files.ts';

const journal = (shard: number, generation = 1): string =>
  `/old/layout-000001/shard-000${shard}/journal-00000${generation}.ndjson`;

/** The changes are in shards 0 and 1. `f` and `k` are new. */
const changes = [
  ['b', '2'],
  ['f', '2'],
  ['c', '2'],
  ['k', '2'],
] as const;

const before = { a: '1@1', alice: '1@1', b: '1@2', c: '1@1' };
const after = { ...before, b: '2@3', f: '2@3', c: '2@2', k: '2@2' };

function made(leave: (store: LeftStore) => void): LeftStore {
  return leaveTransaction({ leave: (store) => leave(store as LeftStore) }, '/old');
}

/** Damages a byte of the first line that contains this text. */
function damageLine(
  files: MemoryFileSystem,
  path: string,
  needle: string,
  damage = (line: string): string => line.replace('"seq"', '"sep"'),
): void {
  const lines = files.read(path).toString('latin1').split('\n');
  const index = lines.findIndex((line) => line.includes(needle));
  const line = lines[index];
  if (line === undefined) throw new Error(`${needle} is in ${path}`);
  files.put(path, Buffer.from(lines.with(index, damage(line)).join('\n'), 'latin1'));
}

const keysListed = (findings: readonly Finding[]): string[] =>
  findings.flatMap((finding) => (finding.finding === 'key' ? [finding.key] : [])).toSorted();

function aboutTransactions(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ finding }) => finding === 'transaction');
}

describe('a store that is good', () => {
  test.each(leftTransactions)('is repaired to what the next start serves: $state', (left) => {
    const { fileSystem: files } = leaveTransaction(left, '/old');
    const served = servedByStart(files, '/old');
    const { findings, losses } = repairFiles(files);
    expect([findings, losses]).toEqual([[], 0]);
    expect(readEntries(files, '/new')).toEqual(served);
  });
});

describe('if another participant has recorded the outcome,', () => {
  test('a participant that has lost its own record commits, and changes behind it are not undone', () => {
    const store = made((self) => {
      self.prepare(transaction, changes);
      self.resolve(transaction, true, [0, 1]);
      self.write([
        ['b', '3'],
        ['f', undefined],
      ]);
    });
    damageLine(store.fileSystem, journal(0), '"op":"commit"');
    const { findings, kept } = repairFiles(store.fileSystem);
    expect(kept).toEqual({ a: '1@1', alice: '1@1', b: '3@5', c: '2@2', k: '2@2' });
    expect(aboutTransactions(findings)).toEqual([]);
    expect(findings).toContainEqual(expect.objectContaining({ finding: 'lost-changes', shard: 0 }));
  });

  test('lost prepared changes are reported as lost changes, and the others are committed', () => {
    const store = made((self) => {
      self.prepare(transaction, changes);
      self.resolve(transaction, true, [0]);
      self.write([['c', '3']]);
    });
    damageLine(store.fileSystem, journal(1), '"op":"prepare"');
    const { findings, kept } = repairFiles(store.fileSystem);
    expect(kept).toEqual({ a: '1@1', alice: '1@1', b: '2@3', f: '2@3', c: '3@3' });
    expect(aboutTransactions(findings)).toEqual([]);
    expect(findings).toContainEqual(
      expect.objectContaining({ finding: 'lost-changes', shard: 1, fromSeq: 2, toSeq: 2 }),
    );
    // The damaged bytes still name the key.
    expect(keysListed(findings)).toEqual(['k']);
  });

  test('and that is an abort, none of its changes is made', () => {
    const store = made((self) => {
      self.prepare(transaction, changes);
      self.resolve(transaction, false, [0, 1]);
      self.write([['c', '3']]);
    });
    damageLine(store.fileSystem, journal(1), '"op":"abort"');
    expect(repairFiles(store.fileSystem).kept).toEqual({ ...before, c: '3@4' });
  });
});

describe('if no outcome is left of a transaction and lines are lost,', () => {
  test('it is aborted if a prepare record is lost, and it is reported with all of its keys', () => {
    const store = made((self) => self.prepare(transaction, changes));
    store.write([['c', '3']]);
    damageLine(store.fileSystem, journal(1), '"op":"prepare"');
    const { findings, kept } = repairFiles(store.fileSystem);
    expect(kept).toEqual({ ...before, c: '3@3' });
    expect(aboutTransactions(findings)).toEqual([
      {
        finding: 'transaction',
        transaction,
        participants: [0, 1],
        prepared: [0],
        kept: 'nothing',
        what: expect.stringMatching(/it is aborted, so that no half of it is kept/),
      },
    ]);
    const listed = findings.filter((one) => one.finding === 'key' && one.shard === 0);
    expect(listed).toEqual([
      { finding: 'key', shard: 0, key: 'b', kept: 'value', version: 2, named: true },
      { finding: 'key', shard: 0, key: 'f', kept: 'nothing', version: null, named: true },
    ]);
  });

  test('it is committed if all have prepared it, and the report says that it may have been aborted', () => {
    const store = made((self) => {
      self.prepare(transaction, changes);
      self.resolve(transaction, false, [0]);
      self.write([['b', '3']]);
    });
    damageLine(store.fileSystem, journal(0), '"op":"abort"');
    const { findings, kept } = repairFiles(store.fileSystem);
    expect(kept).toEqual({ ...after, b: '3@5' });
    expect(aboutTransactions(findings)).toEqual([
      expect.objectContaining({
        prepared: [0, 1],
        kept: 'all',
        what: expect.stringMatching(/^lines are lost .* it is committed, as all /),
      }),
    ]);
    expect(keysListed(findings)).toEqual(['alice', 'b', 'c', 'f', 'k']);
  });

  test('it is aborted if a whole participant is lost', () => {
    const store = made((self) => self.prepare(transaction, changes));
    store.fileSystem.removeFolder('/old/layout-000001/shard-0001');
    const { findings, kept } = repairFiles(store.fileSystem);
    expect(kept).toEqual({ a: '1@1', alice: '1@1', b: '1@2' });
    expect(aboutTransactions(findings)).toEqual([
      expect.objectContaining({ prepared: [0], kept: 'nothing' }),
    ]);
  });

  test('it is not reported if none of its participants has lost a line', () => {
    const store = made((self) => {
      self.prepare(transaction, changes, [1]);
      self.write([['a', '2']]);
      self.write([['a', '3']]);
    });
    damageLine(store.fileSystem, journal(2), '"value":"2"');
    const { findings, kept } = repairFiles(store.fileSystem);
    expect(kept).toEqual({ ...before, a: '3@3' });
    expect(aboutTransactions(findings)).toEqual([]);
  });
});

function flush(self: LeftStore, commit: boolean, shards: readonly number[]): void {
  self.prepare(transaction, changes, undefined, ['default']);
  self.resolve(transaction, commit, shards);
}

describe('a transaction that clears a namespace', () => {
  test('does not undo later puts if an outcome record is lost', () => {
    const store = made((self) => {
      flush(self, true, [0, 1, 2]);
      self.write([['alice', '2']]);
    });
    damageLine(store.fileSystem, journal(0), '"op":"commit"');
    const { kept } = repairFiles(store.fileSystem);
    expect(kept).toEqual({ alice: '2@5', b: '2@3', f: '2@3', c: '2@2', k: '2@2' });
  });

  test('is aborted if a prepare record is lost, and the keys that it may have cleared are listed', () => {
    const store = made((self) => flush(self, true, []));
    store.write([['c', '3']]);
    damageLine(store.fileSystem, journal(1), '"op":"prepare"');
    const { findings, kept } = repairFiles(store.fileSystem);
    expect(kept).toEqual({ ...before, c: '3@3' });
    expect(aboutTransactions(findings)).toEqual([
      expect.objectContaining({ participants: [0, 1, 2], prepared: [0, 2], kept: 'nothing' }),
    ]);
    expect(keysListed(findings)).toEqual(['a', 'alice', 'b', 'f', 'k']);
  });
});

describe('a snapshot that is damaged', () => {
  test('does not bring back entries that changed after a commit whose record is lost', () => {
    const store = made((self) => {
      self.prepare(transaction, changes);
      self.resolve(transaction, true, [0, 1]);
      self.write([['f', undefined]]);
      self.write([['b', '3']]);
      self.forget(transaction, [0, 1]);
      self.compact(0);
    });
    damageLine(store.fileSystem, journal(0), '"op":"commit"');
    const snapshot = '/old/layout-000001/shard-0000/snapshot-000001.json';
    damageLine(store.fileSystem, snapshot, '"formatVersion"', (line) =>
      line.replace('"formatVersion"', '"x"'),
    );
    const { kept } = repairFiles(store.fileSystem);
    expect(kept).toEqual({ a: '1@1', alice: '1@1', b: '3@6', c: '2@2', k: '2@2' });
  });
});

test("a repair uses nothing of another shard's journal, not even outcomes and marks", () => {
  const store = made((self) => {
    self.prepare(transaction, changes);
    self.resolve(transaction, true, [0, 1]);
    self.write([['c', '3']]);
  });
  store.stop();
  // The header is damaged, so only the keys show that the journal belongs to another shard.
  store.fileSystem.put(journal(0), store.fileSystem.read(journal(1)));
  damageLine(store.fileSystem, journal(0), '"format"', (line) =>
    line.replace('"store"', '"stare"'),
  );
  const { findings, kept } = repairFiles(store.fileSystem);
  expect(kept).toEqual({ a: '1@1', c: '3@4', k: '2@2' });
  expect(findings).toContainEqual(
    expect.objectContaining({ finding: 'damage', what: 'it has keys of another shard' }),
  );
  expect(findings).toContainEqual(
    expect.objectContaining({ finding: 'lost-changes', shard: 0, fromSeq: 1, toSeq: null }),
  );
});

test('without its manifest a store keeps its transactions', () => {
  const store = made((self) => {
    self.prepare(transaction, changes);
    self.resolve(transaction, true, [0, 1]);
  });
  store.stop();
  const files = store.fileSystem;
  files.remove('/old/manifest.json');
  const { kept, losses } = repairFiles(files);
  expect([kept, losses]).toEqual([after, 0]);
});

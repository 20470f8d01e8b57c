// `holdfast reshard` as typed, on real files, and killed at random moments.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import { seededRandom } from '../support/random.ts';
import {
  makeTemporaryFolder,
  programFile,
  ProgramProcess,
  removeFolder,
  runToEnd,
  startServer,
} from '../support/processes/server-process.ts';
import { contentsOfFolder, ShardedFolder } from '../support/disk/sharded-folder.ts';
import { put } from '../support/stores/operations.ts';
import { withoutProgress } from '../support/without-progress.ts';

let folder: string;
beforeEach(async () => void (folder = await makeTemporaryFolder()));
afterEach(() => removeFolder(folder));

const contents = (): string[] => contentsOfFolder(nodeFileSystem, folder);

function fill(entries: number, shards: number): void {
  const store = new ShardedFolder(nodeFileSystem, shards, 'never', folder);
  for (let index = 0; index < entries; index++) {
    store.write(put(`ключ ${index}`, Buffer.alloc(100, index)));
  }
  store.compact(0);
  store.stop();
}

describe('holdfast reshard', () => {
  test('prints the result, and the server goes on with the new number of shards', async () => {
    fill(500, 3);
    const before = contents();
    const { code, stdout, stderr } = await runToEnd(['reshard', folder, '--shards', '2']);
    expect({ code, stdout, stderr: withoutProgress(stderr) }).toEqual({
      code: 0,
      stdout: `${folder} has 2 shards now, instead of 3: 500 entries\n`,
      stderr: '',
    });
    expect(contents()).toEqual(before);
    const { program, url } = await startServer(folder);
    try {
      const held = await runToEnd(['reshard', folder, '--shards', '4']);
      expect([held.code, held.stderr]).toEqual([3, expect.stringContaining('is locked by')]);
      const response = await fetch(`${url}/v1/keys/${encodeURIComponent('ключ 7')}`);
      expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 100]);
    } finally {
      program.kill('SIGTERM');
      await program.exited;
    }
    const again = await runToEnd(['reshard', folder, '--shards', '2']);
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('nothing is done')]);
  });

  test('prints its progress with a large store', { timeout: 60_000 }, async () => {
    const store = new ShardedFolder(nodeFileSystem, 2, 'never', folder);
    for (let round = 0; round < 150; round++) {
      const keys = Array.from({ length: 1000 }, (_, index) => `key ${round * 1000 + index}`);
      store.writeAll(keys.map((key) => put(key, `${key} `.repeat(50))));
    }
    store.compact(0);
    store.stop();
    const { code, stdout, stderr } = await runToEnd(['reshard', folder, '--shards', '3']);
    expect([code, stdout]).toEqual([0, expect.stringContaining('150000 entries')]);
    const works = ['checking', 'writing the new layout', 'reading back'];
    for (const line of stderr.trimEnd().split('\n')) {
      expect(line).toMatch(new RegExp(`^(${works.join('|')}): \\d+ % of \\d+\\.\\d MiB$`));
    }
  });

  test('is the command that the server names when it is asked for another number', async () => {
    fill(1, 3);
    const { code, stderr } = await runToEnd(['serve', '--data-dir', folder, '--shards', '4']);
    expect(code).toBe(3);
    expect(stderr).toContain(`holdfast reshard ${folder} --shards 4`);
  });

  test('refuses a damaged store with code 3, and changes nothing', async () => {
    fill(50, 2);
    const path = join(folder, 'layout-000001', 'shard-0001', 'current.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"shard":1', '"shard":7'));
    const { code, stdout, stderr } = await runToEnd(['reshard', folder, '--shards', '4']);
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(/layout-000001\/shard-0001\/current.json/);
    expect(await readdir(folder)).toEqual(['LOCK', 'layout-000001', 'manifest.json']);
  });

  test('finds no store in a folder without one, and makes nothing in it', async () => {
    const { code, stderr } = await runToEnd(['reshard', folder, '--shards', '4']);
    expect([code, stderr]).toEqual([1, expect.stringContaining('there is no store')]);
    expect(await readdir(folder)).toEqual([]);
  });

  test(
    'killed at random moments leaves the old layout or the new one',
    { timeout: 60_000 },
    async () => {
      const seed = Number(process.env['HOLDFAST_TEST_SEED'] ?? Date.now() % 1_000_000);
      process.stdout.write(`reshard kills: seed ${seed}\n`);
      const random = seededRandom(seed);
      fill(20_000, 2);
      const before = contents();
      let [shards, kills] = [2, 0];
      for (let round = 0; round < 8; round++) {
        const next = 1 + Math.floor(random() * 8);
        const args = [programFile, 'reshard', folder, '--shards', String(next)];
        const program = new ProgramProcess(process.execPath, args);
        const timer = setTimeout(() => program.kill('SIGKILL'), 100 + random() * 700);
        const { code } = await program.exited;
        clearTimeout(timer);
        if (code === null) kills += 1;
        else shards = next;
        const names = await readdir(folder);
        const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as {
          shards: number;
        };
        expect([seed, round, [shards, next]]).toEqual([
          seed,
          round,
          expect.arrayContaining([manifest.shards]),
        ]);
        shards = manifest.shards;
        expect([seed, round, names]).toEqual([
          seed,
          round,
          expect.arrayContaining(['manifest.json']),
        ]);
        expect([seed, round, contents()]).toEqual([seed, round, before]);
      }
      const { program } = await startServer(folder);
      program.kill('SIGTERM');
      await program.exited;
      const layouts = (await readdir(folder)).filter((name) => name.startsWith('layout'));
      expect(layouts).toHaveLength(1);
      expect(contents()).toEqual(before);
    },
  );
});

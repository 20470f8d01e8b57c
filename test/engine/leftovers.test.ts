// A start meets the leftovers of earlier runs in a data folder. It removes, keeps or refuses them.
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  makeTestFolder,
  openTestStore,
  type TestFolder,
} from '../support/stores/embedded-store.ts';
import { get, put } from '../support/stores/operations.ts';

let folder: TestFolder;
let log: string;
const logger = () => pino({ level: 'warn' }, { write: (line: string) => void (log += line) });

beforeEach(async () => {
  log = '';
  folder = await makeTestFolder();
  const store = await openTestStore(folder.path);
  await store.submit(put('a', 'kept'));
  await store.close();
});
afterEach(() => folder.remove());

async function addLayout(name: string): Promise<void> {
  await mkdir(join(folder.path, name, 'shard-0000'), { recursive: true });
  await writeFile(join(folder.path, name, 'shard-0000', 'snapshot-000001.json'), '{"header":');
}

const layouts = async (): Promise<string[]> =>
  (await readdir(folder.path)).filter((name) => name.startsWith('layout'));

describe('a start', () => {
  test('removes layouts that the manifest does not name, says so, and keeps the one it names', async () => {
    await addLayout('layout-000002');
    await addLayout('layout-000017');
    const store = await openTestStore(folder.path, { logger: logger() });
    expect(await layouts()).toEqual(['layout-000001']);
    expect(log.match(/"layout":"layout-0000(02|17)"/g)).toHaveLength(2);
    expect(await store.submit(get('a'))).toMatchObject({ value: Buffer.from('kept') });
    await store.close();
  });

  test('that is refused removes none, whether a shard is damaged or the manifest missing', async () => {
    await addLayout('layout-000002');
    const current = join(folder.path, 'layout-000001', 'shard-0001', 'current.json');
    await rename(current, `${current}.away`);
    await expect(openTestStore(folder.path)).rejects.toThrow(/current.json/);
    await rename(`${current}.away`, current);
    await rm(join(folder.path, 'manifest.json'));
    await expect(openTestStore(folder.path)).rejects.toThrow(/manifest.json/);
    expect(await layouts()).toEqual(['layout-000001', 'layout-000002']);
  });

  test('that follows an unfinished creation creates the store, and says so', async () => {
    await folder.remove();
    await mkdir(join(folder.path, 'layout-000001', 'shard-0000'), { recursive: true });
    await writeFile(join(folder.path, 'layout-000001', 'shard-0000', 'journal-000001.ndjson'), '');
    await writeFile(join(folder.path, 'manifest.json.tmp'), '{');
    const store = await openTestStore(folder.path, { logger: logger() });
    expect(log).toContain('ended before it had created the store');
    expect(await store.submit(get('a'))).toEqual({ kind: 'missing' });
    await store.close();
  });

  test('in a folder with files of others makes nothing, not even the lock file', async () => {
    await folder.remove();
    await mkdir(folder.path);
    await writeFile(join(folder.path, 'notes.txt'), 'mine');
    await expect(openTestStore(folder.path)).rejects.toMatchObject({
      code: 'STORE_MISMATCH',
      message: expect.stringMatching(/it holds notes\.txt: a new store .*Nothing has been changed/),
    });
    expect(await readdir(folder.path)).toEqual(['notes.txt']);
  });

  test('refuses a folder that has data, but only a draft of the manifest', async () => {
    const manifest = join(folder.path, 'manifest.json');
    await rename(manifest, `${manifest}.tmp`);
    await expect(openTestStore(folder.path)).rejects.toThrow(/layout-000001 holds data/);
    await rename(`${manifest}.tmp`, `${manifest}.filling.tmp`);
    await expect(openTestStore(folder.path)).rejects.toThrow(/restore or repair .* was cut short/);
    await rename(`${manifest}.filling.tmp`, manifest);
    const store = await openTestStore(folder.path);
    expect(await store.submit(get('a'))).toMatchObject({ kind: 'entry' });
    await store.close();
  });
});

// Renewals as programs make them: files renamed over, written in place, and folders swapped by a
// symbolic link. The test looks when it wants to.
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { PairWatcher } from '../../../src/http/tls/pair-watcher.ts';
import { pemFile, pemPair } from '../../support/http/pem-pairs.ts';
import { makeTemporaryFolder, removeFolder } from '../../support/processes/server-process.ts';

type Name = 'one' | 'other';

let folder: string;
/** Subjects of new pairs, and faults, in the order in which the watcher told them. */
let told: string[];
let watcher: PairWatcher;

const pathOf = (name: string): string => join(folder, name);

beforeEach(async () => {
  folder = await makeTemporaryFolder();
  onTestFinished(() => removeFolder(folder));
  told = [];
});

function watch(): void {
  watcher = new PairWatcher({
    files: { certFile: pathOf('cert.pem'), keyFile: pathOf('key.pem') },
    pair: pemPair('one'),
    onPair: ({ subject }) => told.push(subject),
    onFault: (fault) => told.push(fault),
  });
}

/** Looks once, and returns everything that the watcher has told meanwhile. */
async function look(): Promise<string[]> {
  await watcher.look();
  return told.splice(0);
}

async function renameOver(name: Name, part: 'cert' | 'key'): Promise<void> {
  await copyFile(pemFile(`${name}-${part}`), pathOf('new.pem'));
  await rename(pathOf('new.pem'), pathOf(`${part}.pem`));
}

const newPair = ['CN=Holdfast test other'];
const misfit = [expect.stringMatching(/^tlsKey .*key\.pem: does not fit tlsCert .*cert\.pem; /)];

describe('files in one place', () => {
  beforeEach(async () => {
    await renameOver('one', 'cert');
    await renameOver('one', 'key');
    watch();
  });

  test('that stay as they are cause nothing', async () => {
    expect([await look(), await look()]).toEqual([[], []]);
  });

  test('that are renamed over are taken once both are there', async () => {
    expect(await look()).toEqual([]);
    await renameOver('other', 'cert');
    expect(await look()).toEqual(misfit);
    await renameOver('other', 'key');
    expect([await look(), await look()]).toEqual([newPair, []]);
  });

  test('that are written in place are taken, however small the change', async () => {
    await writeFile(pathOf('key.pem'), pemPair('other').key);
    expect(await look()).toEqual(misfit);
    await writeFile(pathOf('cert.pem'), pemPair('other').cert.subarray(0, 100));
    expect(await look()).toEqual([expect.stringMatching(/^tlsCert .*: cannot be used: /)]);
    await writeFile(pathOf('cert.pem'), pemPair('other').cert);
    expect([await look(), await look()]).toEqual([newPair, []]);
  });

  test('with a fault are told of once, and again if the fault is another one', async () => {
    await renameOver('other', 'cert');
    expect([await look(), await look(), await look()]).toEqual([misfit, [], []]);
    await rm(pathOf('key.pem'));
    const lost = [expect.stringMatching(/^tlsKey .*key\.pem: cannot be read: ENOENT/)];
    expect([await look(), await look()]).toEqual([lost, []]);
    await copyFile(pemFile('one-key-encrypted'), pathOf('key.pem'));
    expect(await look()).toEqual([expect.stringMatching(/^tlsKey .*: is encrypted; /)]);
    await renameOver('one', 'key');
    expect(await look()).toEqual(misfit);
  });

  test('that come back as they were need no new pair, and are watched on', async () => {
    await rm(pathOf('cert.pem'));
    expect(await look()).toEqual([expect.stringMatching(/^tlsCert .*: cannot be read: ENOENT/)]);
    await renameOver('one', 'cert');
    expect(await look()).toEqual([]);
    await utimes(pathOf('cert.pem'), 1, 1);
    expect(await look()).toEqual([]);
    await renameOver('other', 'cert');
    await renameOver('other', 'key');
    expect(await look()).toEqual(newPair);
  });

  test('that change while they are read are not taken from that read', async () => {
    await rm(pathOf('cert.pem'));
    await renameOver('other', 'key');
    // The read of a FIFO waits for the test.
    execFileSync('mkfifo', [pathOf('cert.pem')]);
    const looked = look();
    await writeFile(pathOf('cert.pem'), pemPair('other').cert);
    expect(await looked).toEqual([]);
    await renameOver('other', 'cert');
    expect(await look()).toEqual(newPair);
  });

  test('are looked at once at a time', async () => {
    await renameOver('other', 'cert');
    await Promise.all([watcher.look(), watcher.look()]);
    expect(told).toEqual(misfit);
  });
});

test('a folder that a symbolic link swaps is taken whole', async () => {
  for (const name of ['one', 'other'] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one folder after the other
    await mkdir(pathOf(name));
    for (const part of ['cert', 'key']) {
      // oxlint-disable-next-line no-await-in-loop -- as above
      await copyFile(pemFile(`${name}-${part}`), join(pathOf(name), `${part}.pem`));
    }
  }
  await symlink('one', pathOf('..data'));
  for (const part of ['cert', 'key']) {
    // oxlint-disable-next-line no-await-in-loop -- as above
    await symlink(join('..data', `${part}.pem`), pathOf(`${part}.pem`));
  }
  watch();
  expect(await look()).toEqual([]);
  await symlink('other', pathOf('..data_tmp'));
  await rename(pathOf('..data_tmp'), pathOf('..data'));
  expect([await look(), await look()]).toEqual([newPair, []]);
});

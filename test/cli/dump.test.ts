// `holdfast dump --namespace` as typed, on real files.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import { ShardedFolder } from '../support/disk/sharded-folder.ts';
import {
  makeTemporaryFolder,
  removeFolder,
  runToEnd,
} from '../support/processes/server-process.ts';
import { put } from '../support/stores/operations.ts';
import { withoutProgress } from '../support/without-progress.ts';

let full: string;
let empty: string;
beforeAll(async () => {
  [full, empty] = [await makeTemporaryFolder(), await makeTemporaryFolder()];
  const folder = new ShardedFolder(nodeFileSystem, 2, 'always', full);
  const inNamespace = (namespace: string, key: string) =>
    folder.write({ ...put(key, `${key} of ${namespace}`), namespace });
  for (const key of ['a', 'b', 'c']) inNamespace('app', key);
  for (const key of ['a', 'b']) inNamespace('App.2', key);
  folder.compact(0);
  folder.compact(1);
  inNamespace('app', 'd');
  inNamespace('~program', 'secret');
  folder.write({ ...put('brief', 'x', { ttlMs: 1 }), namespace: 'brief' });
  folder.stop();
  new ShardedFolder(nodeFileSystem, 2, 'always', empty).stop();
});
afterAll(() => Promise.all([full, empty].map(removeFolder)));

async function dump(folder: string, ...flags: readonly string[]) {
  const { code, stdout, stderr } = await runToEnd(['dump', folder, ...flags]);
  return { code, stdout, stderr: withoutProgress(stderr) };
}

describe('holdfast dump --namespace', () => {
  test('prints the entries of that namespace, and of no other', async () => {
    const { code, stdout, stderr } = await dump(full, '--namespace', 'app');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
      ['a', 'b', 'c', 'd'].map((key) => ({
        namespace: 'app',
        key,
        value: `${key} of app`,
        version: expect.any(Number),
      })),
    );
  });

  test('fails for a namespace without entries, and names those that have some', async () => {
    expect(await dump(full, '--namespace', 'APP')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `holdfast: ${full} has no entry in the namespace APP; ` +
        'these have some: App.2, app, brief\n',
    });
    expect(await dump(empty, '--namespace', 'app')).toEqual({
      code: 1,
      stdout: '',
      stderr: `holdfast: ${empty} has no entry in the namespace app; no namespace has any\n`,
    });
  });

  test('prints nothing for one whose entries have expired, and for an empty default', async () => {
    const nothing = { code: 0, stdout: '', stderr: '' };
    expect(await dump(full, '--namespace', 'brief')).toEqual(nothing);
    expect(await dump(full, '--namespace', 'default')).toEqual(nothing);
    expect(await dump(empty, '--namespace', 'default')).toEqual(nothing);
  });

  test.each(['', '.app', 'a/b', '~program'])('refuses the name %j', async (name) => {
    const { code, stdout, stderr } = await dump(full, `--namespace=${name}`);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`--namespace is "${name}"; a namespace has 1 to 64 characters`);
  });
});

// Types `holdfast restore --namespace` against servers that behave well and servers that do not.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { NamespacedServer, sendProblem } from '../support/http/namespaced-server.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { backupOf, ShardedFolder } from '../support/disk/sharded-folder.ts';
import {
  makeTemporaryFolder,
  programFile,
  ProgramProcess,
  removeFolder,
  runToEnd,
} from '../support/processes/server-process.ts';
import type { ModelStore } from '../support/stores/model-store.ts';
import { put } from '../support/stores/operations.ts';
import { withoutProgress } from '../support/without-progress.ts';

const inAYear = Date.now() + 31_536_000_000;

/** Entries in three namespaces, of which `app` has 2,502. Deadlines count from timestamp 1,000,000. */
function filled(): ShardedFolder {
  const folder = new ShardedFolder(source, 3);
  const keys = Array.from({ length: 2500 }, (_, index) => `key ${index}`);
  folder.writeAll(keys.map((key) => ({ ...put(key, `value of ${key}`), namespace: 'app' })));
  const ttlMs = inAYear - folder.timestamp;
  folder.write({ ...put('bytes', Buffer.from([255, 0]), { ttlMs }), namespace: 'app' });
  folder.write({ ...put('expired', 'x', { ttlMs: 1 }), namespace: 'app' });
  folder.write(put('a', 'of default'));
  folder.write({ ...put('b', 'of zoo'), namespace: 'zoo' });
  folder.write({ ...put('c', 'secret'), namespace: '~program' });
  return folder;
}

const source = new MemoryFileSystem();
const cut = filled().cut();
const whole = backupOf(source, cut);

let folder: string;
let file: string;
let server: NamespacedServer;
beforeEach(async () => {
  folder = await makeTemporaryFolder();
  file = join(folder, 'backup.ndjson');
  await writeFile(file, whole);
  server = await NamespacedServer.open();
});
afterEach(() => removeFolder(folder));

async function restore(flags: readonly string[], env: Record<string, string> = {}) {
  const args = ['restore', file, '--url', server.url, ...flags];
  const { code, stdout, stderr } = await runToEnd(args, { env });
  return { code, stdout, stderr: withoutProgress(stderr) };
}

function valuesOf({ entries }: ModelStore): Map<string, string> {
  return new Map(
    Array.from(entries, ([name, { value }]) => [
      name.replace('default\n', ''),
      Buffer.from(value).toString('latin1'),
    ]),
  );
}

const writes = (): string[] =>
  server.requests.filter(({ method }) => method !== 'GET').map(({ path }) => path);

describe('holdfast restore --namespace', () => {
  test('makes a missing namespace with its entries and deadlines, and no other', async () => {
    expect(await restore(['--namespace', 'app'])).toEqual({
      code: 0,
      stdout:
        `the namespace app of ${server.url} holds the backup now: 2501 entries; ` +
        '1 had expired and are left out\n',
      stderr: '',
    });
    const model = server.modelOf('app');
    const values = valuesOf(model);
    expect(values.size).toBe(2501);
    expect([values.get('key 42'), values.get('bytes')]).toEqual(['value of key 42', '\u00ff\0']);
    expect(model.entries.get('default\nbytes')?.expiresAt).toBe(inAYear);
    expect(model.entries.get('default\nkey 0')?.expiresAt).toBeUndefined();
    expect([server.has('default'), server.has('zoo')]).toEqual([false, false]);
    expect(writes()).toEqual(['/v1/batch', '/upstash/pipeline', '/v1/batch', '/v1/batch']);
  });

  test('gives it another name in the server, and takes the file from --from, too', async () => {
    const args = ['restore', '--from', file, '--url', `${server.url}/`];
    const restored = await runToEnd([...args, '--namespace', 'zoo', '--as', 'Zoo.2']);
    expect([restored.code, restored.stderr]).toEqual([0, '']);
    expect(valuesOf(server.modelOf('Zoo.2'))).toEqual(new Map([['b', 'of zoo']]));
    expect(server.has('zoo')).toBe(false);
  });

  test('takes a backup of the namespace alone, with or without entries', async () => {
    await writeFile(file, backupOf(source, { ...cut, namespace: 'zoo' }));
    expect((await restore(['--namespace', 'zoo'])).code).toBe(0);
    expect(valuesOf(server.modelOf('zoo'))).toEqual(new Map([['b', 'of zoo']]));
    await writeFile(file, backupOf(source, { ...cut, namespace: 'empty' }));
    const emptied = await restore(['--namespace', 'empty', '--as', 'zoo', '--replace']);
    expect([emptied.code, emptied.stdout]).toEqual([0, expect.stringContaining(': 0 entries\n')]);
    expect(server.modelOf('zoo').entries.size).toBe(0);
  });

  test('refuses a namespace that has entries, and changes nothing', async () => {
    const model = await server.make('app');
    await model.submit(put('mine', 'x'));
    expect(await restore(['--namespace', 'app'])).toEqual({
      code: 3,
      stdout: '',
      stderr:
        `holdfast: the namespace app of ${server.url} has entries; allowed: one without entries, ` +
        'or --replace, which deletes them first. Nothing has been changed\n',
    });
    expect(valuesOf(model)).toEqual(new Map([['mine', 'x']]));
    expect(writes()).toEqual([]);
  });

  test('with --replace deletes what is there first', async () => {
    const model = await server.make('app');
    await model.submit(put('mine', 'x'));
    await model.submit(put('key 1', 'y'));
    expect((await restore(['--namespace', 'app', '--replace'])).code).toBe(0);
    const values = valuesOf(model);
    expect([values.size, values.get('mine'), values.get('key 1')]).toEqual([
      2501,
      undefined,
      'value of key 1',
    ]);
    expect(writes()[0]).toBe('/upstash');
  });

  test('fails for a namespace that the backup lacks, and names those that it has', async () => {
    expect(await restore(['--namespace', 'App', '--replace'])).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `holdfast: ${file} has no entry in the namespace App; these have some: app, default, zoo. ` +
        'Nothing has been changed\n',
    });
    expect(server.requests).toEqual([]);
  });

  test('sends nothing of a backup that is not whole', async () => {
    const damaged = Buffer.from(whole).fill('?', whole.length - 100, whole.length - 99);
    for (const bytes of [whole.subarray(0, -1), damaged, Buffer.alloc(0)]) {
      await writeFile(file, bytes);
      const { code, stderr } = await restore(['--namespace', 'app', '--replace']);
      expect(code).toBe(3);
      expect(stderr).toMatch(
        /line \d+, offset \d+: .*not a whole backup\. Nothing has been changed\n$/,
      );
    }
    expect(server.requests).toEqual([]);
  });

  test('refuses a pipe, which it could not prove first', async () => {
    const script = 'cat "$1" | "$2" "$3" restore - --url "$4" --namespace app';
    const args = ['sh', file, process.execPath, programFile, server.url];
    const program = new ProgramProcess('sh', ['-c', script, ...args]);
    onTestFinished(() => program.end());
    expect(await program.exited).toMatchObject({ code: 2 });
    expect(program.stderr).toContain('standard input is a pipe, which can be read only once');
    expect(server.requests).toEqual([]);
  });

  test('sends its token with every request, and prints it nowhere', async () => {
    const restored = await restore(['--namespace', 'zoo'], { HOLDFAST_TOKEN: 's3cret-token' });
    expect(restored.code).toBe(0);
    expect(new Set(server.requests.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer s3cret-token']),
    );
    server.intercept = (_, reply) => sendProblem(reply, 401, 'UNAUTHENTICATED', 'Send a token.');
    const refused = await restore(['--namespace', 'zoo', '--token', 's3cret-other']);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      `holdfast: the namespace zoo of ${server.url}: refused with 401: Send a token. ` +
        'Nothing has been changed\n',
    ]);
    expect(restored.stdout + refused.stdout).not.toContain('s3cret');
  });

  test('says that nothing has changed if the first write is refused', async () => {
    server.intercept = ({ method }, reply) =>
      method === 'POST' && sendProblem(reply, 403, 'FORBIDDEN', 'This is not allowed.');
    const message = 'refused with 403: This is not allowed. Nothing has been changed\n';
    const { code, stderr } = await restore(['--namespace', 'app']);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    const model = await server.make('zoo');
    await model.submit(put('mine', 'x'));
    const replacing = await restore(['--namespace', 'zoo', '--replace']);
    expect([replacing.code, replacing.stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  test('says how far it came, and a second run with --replace is whole', async () => {
    let batches = 0;
    server.intercept = ({ path }, reply) => {
      if (path !== '/v1/batch' || ++batches !== 2) return false;
      return sendProblem(reply, 507, 'DISK_FULL', 'The disk has no room for the write.');
    };
    expect(await restore(['--namespace', 'app'])).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `holdfast: the namespace app of ${server.url}: refused with 507: The disk has no room for ` +
        'the write. At least 1000 of 2502 entries are in app now. To begin again, which is safe: ' +
        'run the command with --replace\n',
    });
    expect((await restore(['--namespace', 'app'])).code).toBe(3);
    batches = 2;
    expect((await restore(['--namespace', 'app', '--replace'])).code).toBe(0);
    expect(server.modelOf('app').entries.size).toBe(2501);
    batches = 1;
    const { stderr } = await restore(['--namespace', 'app', '--replace']);
    expect(stderr).toContain('The earlier entries of app are deleted. At least 0 of 2502 entries');
  });

  test('goes on after a busy server and a cut connection', async () => {
    let refusals = 0;
    server.intercept = ({ path }, reply) => {
      if (path !== '/v1/batch' || refusals === 2) return false;
      refusals += 1;
      if (refusals === 1) return sendProblem(reply, 503, 'OVERLOADED', 'It is full.');
      reply.destroy();
      return true;
    };
    const { code, stderr } = await restore(['--namespace', 'app']);
    expect([code, stderr]).toEqual([0, '']);
    expect(server.modelOf('app').entries.size).toBe(2501);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'interrupted by %s says how far it came',
    async (signal) => {
      let [arrived, batches] = [(): void => undefined, 0];
      const second = new Promise<void>((resolve) => (arrived = resolve));
      server.intercept = ({ path }) => {
        if (path !== '/v1/batch' || ++batches !== 2) return false;
        arrived();
        return true;
      };
      const args = [programFile, 'restore', file, '--url', server.url, '--namespace', 'app'];
      const program = new ProgramProcess(process.execPath, args);
      onTestFinished(() => program.end());
      await second;
      program.kill(signal);
      expect(await program.exited).toEqual({ code: 1, signal: null });
      expect(withoutProgress(program.stderr)).toMatch(
        /^holdfast: interrupted\. At least 1000 of 2502 entries are in app now\. To begin again/,
      );
    },
  );

  test.each<[string, readonly string[], RegExp]>([
    ['no target', [], /has no target; allowed: --data-dir, or --url with --namespace/],
    ['no namespace', ['--url', 'http://x'], /--url needs --namespace/],
    [
      'two files',
      ['--from', 'x', '--data-dir', '/d'],
      /allowed: a file as the argument or as --from/,
    ],
    [
      'two targets',
      ['--url', 'http://x', '--data-dir', '/d'],
      /--data-dir is not allowed beside --url/,
    ],
    [
      'shards of a server',
      ['--url', 'http://x', '--shards', '2'],
      /--shards is not allowed beside/,
    ],
    ['an open server', ['--url', 'http://x', '--open'], /--open is not allowed beside --url/],
    [
      'revoked tokens of a server',
      ['--url', 'http://x', '--revoke-tokens'],
      /--revoke-tokens is not/,
    ],
    [
      'a namespace of a folder',
      ['--data-dir', '/d', '--namespace', 'a'],
      /--namespace is not allowed/,
    ],
    [
      'a token for a folder',
      ['--data-dir', '/d', '--token-file', 'x'],
      /--token-file is not allowed/,
    ],
    [
      'no name of a namespace',
      ['--namespace', '~access'],
      /--namespace is "~access"; a namespace has 1/,
    ],
    ['no other name', ['--as', '.x'], /--as is "\.x"; a namespace has 1 to 64 characters/],
    ['no address', ['--url', 'x', '--namespace', 'a'], /--url is "x"; allowed: an address like/],
  ])('with %s is wrong usage', async (_what, flags, message) => {
    const { code, stdout, stderr } = await runToEnd(['restore', file, ...flags]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^holdfast: [^\n]+\n$/);
  });

  test('without a file is wrong usage', async () => {
    const { code, stderr } = await runToEnd(['restore', '--data-dir', folder]);
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('restore reads one backup; allowed'),
    ]);
  });
});

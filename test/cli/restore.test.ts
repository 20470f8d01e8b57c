// `holdfast restore` as typed, on real files.
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import {
  makeTemporaryFolder,
  programFile,
  ProgramProcess,
  removeFolder,
  runToEnd,
  startServer,
} from '../support/processes/server-process.ts';
import { backupOf, contentsOfFolder, ShardedFolder } from '../support/disk/sharded-folder.ts';
import { put } from '../support/stores/operations.ts';
import { withoutProgress } from '../support/without-progress.ts';

let folder: string;
let file: string;
let dataDir: string;
const source = new MemoryFileSystem();
const store = new ShardedFolder(source, 3);
for (let index = 0; index < 100; index++) store.write(put(`key ${index}`, `value ${index}`));
const backup = backupOf(source, store.cut());

/** The rule that access needs a token, which the backup does not have. */
const rule = `~access {access}rule 1 - ${Buffer.from('{"tokenRequired":true}').toString('base64')}`;
const contents = [...contentsOfFolder(source), rule];

beforeEach(async () => {
  folder = await makeTemporaryFolder();
  [file, dataDir] = [join(folder, 'backup.ndjson'), join(folder, 'deep', 'data')];
  await writeFile(file, backup);
});
afterEach(() => removeFolder(folder));

async function restoreBy(script: string) {
  const args = ['sh', file, process.execPath, programFile, dataDir];
  const program = new ProgramProcess('sh', ['-c', script, ...args]);
  onTestFinished(() => program.end());
  const { code } = await program.exited;
  return { code, stdout: program.stdout, stderr: withoutProgress(program.stderr) };
}

describe('holdfast restore', () => {
  test('makes a store that serves the entries with their versions', async () => {
    const { code, stdout, stderr } = await runToEnd(
      ['restore', file, '--data-dir', dataDir, '--shards', '2', '--open'],
    ); // prettier-ignore
    const line =
      `${dataDir} holds the backup now: 100 entries, 2 shards\n` +
      'a server on it needs no token\n';
    expect({ code, stdout, stderr: withoutProgress(stderr) }).toEqual({
      code: 0,
      stdout: line,
      stderr: '',
    });
    expect(contentsOfFolder(nodeFileSystem, dataDir)).toEqual(contentsOfFolder(source));
    const { program, url } = await startServer(dataDir);
    try {
      const response = await fetch(`${url}/v1/keys/key%2042`);
      expect(await response.text()).toBe('value 42');
      expect(Number(response.headers.get('etag')?.replaceAll('"', ''))).toBeLessThan(101);
      const written = await fetch(`${url}/v1/keys/new`, { method: 'PUT', body: 'x' });
      expect(Number(written.headers.get('etag')?.replaceAll('"', ''))).toBeGreaterThan(2 ** 40);
    } finally {
      program.kill('SIGTERM');
      await program.exited;
    }
    const again = await runToEnd(['restore', file, '--data-dir', dataDir]);
    expect([again.code, again.stderr]).toEqual([3, expect.stringContaining('is not empty')]);
  });

  const pipes: readonly (readonly [string, string])[] = [
    ['standard input', 'cat "$1" | "$2" "$3" restore - --data-dir "$4"'],
    ['/dev/stdin', 'cat "$1" | "$2" "$3" restore /dev/stdin --data-dir "$4"'],
    ['/dev/fd/3', 'exec 4<"$1"; cat <&4 | "$2" "$3" restore /dev/fd/3 --data-dir "$4" 3<&0'],
    ['a FIFO', 'mkfifo "$1.p"; cat "$1" >"$1.p" & "$2" "$3" restore "$1.p" --data-dir "$4"'],
    [
      'a slow pipe',
      '(head -c 700 "$1"; sleep 0.3; tail -c +701 "$1") | "$2" "$3" restore - --data-dir "$4"',
    ],
    ['a file as standard input', '"$2" "$3" restore - --data-dir "$4" <"$1"'],
  ];

  test.each(pipes)('takes a backup from %s', async (_what, script) => {
    expect(await restoreBy(script)).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        / holds the backup now: 100 entries, \d+ shards\na server on it needs HOLD/,
      ),
      stderr: '',
    });
    expect(contentsOfFolder(nodeFileSystem, dataDir)).toEqual(contents);
  });

  test.each(pipes)('makes nothing of half a backup from %s', async (_what, script) => {
    await writeFile(file, backup.subarray(0, -100));
    const { code, stdout, stderr } = await restoreBy(script);
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(/^holdfast: [^\n]*, line \d+, offset \d+: [^\n]*not a whole backup\n$/);
    expect(await readdir(folder)).not.toContain('deep');
  });

  test.each(['-', '/dev/stdin'])('takes a backup from a socket as %s', (path) => {
    const args = [programFile, 'restore', path, '--data-dir', dataDir];
    const { status, stderr } = spawnSync(process.execPath, args, { input: backup });
    expect([status, withoutProgress(String(stderr))]).toEqual([0, '']);
    expect(contentsOfFolder(nodeFileSystem, dataDir)).toEqual(contents);
  });

  test('refuses a pipe without a byte, a folder, and a terminal', async () => {
    const empty = await restoreBy('"$2" "$3" restore - --data-dir "$4" </dev/null');
    expect([empty.code, empty.stderr]).toEqual([
      3,
      expect.stringContaining('standard input, line 1, offset 0: it is empty; '),
    ]);
    const aFolder = await runToEnd(['restore', folder, '--data-dir', dataDir]);
    expect([aFolder.code, aFolder.stderr]).toEqual([1, expect.stringContaining('is a folder')]);
    const terminal = await restoreBy('script -qec "$2 $3 restore - --data-dir $4" /dev/null');
    expect([terminal.code, terminal.stdout]).toEqual([2, expect.stringContaining('is a terminal')]);
    expect(await readdir(folder)).toEqual(['backup.ndjson']);
  });

  test('takes the backup that curl has fetched from a running server', async () => {
    const { program, url } = await startServer(join(folder, 'first'), ['--shards', '2']);
    onTestFinished(() => program.end());
    await fetch(`${url}/v1/keys/kept`, { method: 'PUT', body: 'value' });
    const restored = await restoreBy(
      `curl -sS ${url}/v1/backup | "$2" "$3" restore - --data-dir "$4" --open`,
    );
    expect([restored.code, restored.stderr]).toEqual([0, '']);
    const again = await startServer(dataDir);
    onTestFinished(() => again.program.end());
    expect(await (await fetch(`${again.url}/v1/keys/kept`)).text()).toBe('value');
  });

  test('refuses a backup that is not whole, naming the place, and makes no folder', async () => {
    await writeFile(file, backup.subarray(0, -1));
    const { code, stderr } = await runToEnd(['restore', file, '--data-dir', dataDir]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/backup.ndjson, line \d+, offset \d+: .*not a whole backup\n$/);
    expect(await readdir(folder)).toEqual(['backup.ndjson']);
  });

  test('refuses a data folder that is a file', async () => {
    const { code, stderr } = await runToEnd(['restore', file, '--data-dir', file]);
    expect([code, stderr]).toEqual([
      2,
      `holdfast: --data-dir ${file} is not a folder; allowed: a new or empty one\n`,
    ]);
  });

  test('refuses a folder with anything in it, and a file that is not there', async () => {
    await mkdir(dataDir, { recursive: true });
    await writeFile(join(dataDir, 'notes.txt'), 'mine');
    const full = await runToEnd(['restore', file, '--data-dir', dataDir]);
    expect([full.code, full.stderr]).toEqual([3, expect.stringContaining('it holds notes.txt')]);
    expect(await readFile(join(dataDir, 'notes.txt'), 'utf8')).toBe('mine');
    expect(await readdir(dataDir)).toEqual(['notes.txt']);
    const missing = await runToEnd(['restore', `${file}x`, '--data-dir', join(folder, 'other')]);
    expect([missing.code, missing.stderr]).toEqual([
      1,
      `holdfast: the backup ${file}x cannot be read (ENOENT)\n`,
    ]);
    expect(await readdir(folder)).toEqual(['backup.ndjson', 'deep']);
  });
});

/** Makes a backup of a server with one token. */
async function adminToken(): Promise<string> {
  const made = join(folder, 'made');
  const { program, url } = await startServer(made, ['--shards', '2']);
  onTestFinished(() => program.end());
  await runToEnd(['user', 'add', 'root', '--url', url]);
  const add = ['token', 'add', 'root', '--name', 'first', '--grant', '*:admin', '--url', url];
  const { stdout } = await runToEnd(add);
  const token = stdout.trim();
  const env = { HOLDFAST_TOKEN: token };
  const backedUp = await runToEnd(['backup', '--url', url, '--to', `${file}.users`], { env });
  expect(backedUp.code).toBe(0);
  return token;
}

const restoreWith = (...flags: readonly string[]) =>
  runToEnd(['restore', `${file}.users`, '--data-dir', dataDir, '--shards', '2', ...flags]);

const statusOf = async (url: string, token?: string): Promise<number> => {
  const headers: Record<string, string> = {};
  if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
  return (await fetch(`${url}/v1/keys`, { headers })).status;
};

async function serve(): Promise<string> {
  const { program, url } = await startServer(dataDir);
  onTestFinished(() => program.end());
  return url;
}

describe('the users and tokens of a backup', () => {
  test('come back, and the tokens are listed without their secrets', async () => {
    const token = await adminToken();
    const { code, stdout, stderr } = await restoreWith();
    expect([code, withoutProgress(stderr)]).toEqual([0, '']);
    expect(stdout).toMatch(
      /\na server on it needs a token: that of HOLDFAST_TOKEN, or one of these:\nID .*\n[a-z0-9]{12}  root  first  never    \*:admin\n$/,
    );
    const secret = token.slice(token.lastIndexOf('_'));
    expect(stdout + stderr).not.toContain(secret);
    const url = await serve();
    expect([await statusOf(url), await statusOf(url, token)]).toEqual([401, 200]);
  });

  test('may be revoked: no server starts without a token then, and says the ways out', async () => {
    const token = await adminToken();
    const { code, stdout } = await restoreWith('--revoke-tokens');
    expect([code, stdout]).toEqual([0, expect.stringContaining('all tokens are revoked: 1\n')]);
    const refused = await runToEnd(['serve', '--port', '0', '--data-dir', dataDir]);
    expect([refused.code, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr.trimEnd().split('\n').at(-1)).toBe(
      `holdfast: the store in ${dataDir} needs a token, it has no valid one, and HOLDFAST_TOKEN is not ` +
        'set; allowed: set HOLDFAST_TOKEN, or let callers without a token in by: ' +
        `holdfast access open ${dataDir}`,
    );
    const env = { HOLDFAST_TOKEN: 'a-token-of-the-operator' };
    const { program, url } = await startServer(dataDir, [], { env });
    onTestFinished(() => program.end());
    expect([await statusOf(url, token), await statusOf(url, env.HOLDFAST_TOKEN)]).toEqual([
      401, 200,
    ]);
    const users = await runToEnd(['user', 'list', '--url', url], { env });
    expect(users.stdout).toContain('root  enabled');
  });

  test('do not close a store that is restored with --open', async () => {
    await adminToken();
    const { stdout } = await restoreWith('--open');
    expect(stdout).toContain(
      'a server on it needs no token. These tokens count again once another',
    );
    expect(await statusOf(await serve())).toBe(200);
  });
});

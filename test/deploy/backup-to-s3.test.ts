// The script of backups to S3, with the real command `holdfast` and a stand-in for `aws`.
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { programFolder } from '../../src/base/program-folder.ts';
import { putKept, runInTest, serveInTest } from '../support/processes/server-of-test.ts';
import {
  makeTemporaryFolder,
  programFile,
  removeFolder,
  runToEnd,
} from '../support/processes/server-process.ts';

const script = join(programFolder, 'deploy', 'backup-to-s3.sh');

let folder: string;
let programs: string;
let bucket: string;
let temporary: string;
beforeEach(async () => {
  folder = await makeTemporaryFolder();
  [programs, bucket, temporary] = ['bin', 'bucket', 'tmp'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [programs, bucket, temporary]) await mkdir(path);
  await command('holdfast', `exec '${process.execPath}' '${programFile}' "$@"`);
  // Writes its arguments down, and copies the file that is before the last one.
  await command(
    'aws',
    `echo "$@" >> '${folder}/asked'; stat -c %a "$4" > '${folder}/mode'; cp "$4" '${bucket}/'`,
  );
});
afterEach(() => removeFolder(folder));

async function command(name: string, body: string): Promise<void> {
  await writeFile(join(programs, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
}

async function runScript(...args: readonly string[]) {
  const env = { PATH: `${programs}:${process.env['PATH'] ?? ''}`, TMPDIR: temporary };
  const program = runInTest('sh', [script, ...args], { env });
  const { code } = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

test('copies a whole backup under a name with the time, and leaves no file', async () => {
  const { url } = await serveInTest(join(folder, 'data'));
  await putKept(url);
  const { code, stdout } = await runScript(url, 's3://bucket/holdfast/');
  expect(code).toBe(0);
  const [name = '', ...others] = await readdir(bucket);
  expect(others).toEqual([]);
  expect(name).toMatch(/^holdfast-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.backup$/);
  expect(stdout).toContain(`s3://bucket/holdfast/${name}\n`);
  const asked = await readFile(join(folder, 'asked'), 'utf8');
  expect(asked).toMatch(/^s3 cp --only-show-errors \S+ s3:\/\/bucket\/holdfast\/holdfast-\S+\n$/);
  expect(await readFile(join(folder, 'mode'), 'utf8')).toBe('600\n');
  expect(await readdir(temporary)).toEqual([]);
  const restored = join(folder, 'restored');
  const { code: done } = await runToEnd(['restore', join(bucket, name), '--data-dir', restored]);
  expect(done).toBe(0);
  expect((await runToEnd(['dump', restored])).stdout).toContain('"key":"kept","value":"kept"');
});

test('copies nothing if there is no whole backup, and fails', async () => {
  await command('holdfast', 'echo half > "$5"; exit 1');
  const { code } = await runScript('http://127.0.0.1:1', 's3://bucket');
  expect(code).toBe(1);
  expect(await readdir(bucket)).toEqual([]);
  expect(await readdir(temporary)).toEqual([]);
});

test('fails if the copy fails, and leaves no file', async () => {
  const { url } = await serveInTest(join(folder, 'data'));
  await command('aws', 'echo denied >&2; exit 3');
  const { code, stderr } = await runScript(url, 's3://bucket');
  expect([code, stderr]).toEqual([3, expect.stringContaining('denied') as string]);
  expect(await readdir(temporary)).toEqual([]);
});

test('says how it is used', async () => {
  expect(await runScript('http://127.0.0.1:1')).toEqual({
    code: 2,
    stdout: '',
    stderr: 'usage: backup-to-s3.sh URL S3-ADDRESS\n',
  });
  expect((await stat(script)).mode & 0o111).toBe(0o111);
});

// The log is on the disk of the data. If the disk is full, the log loses lines, and nothing else
// breaks.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { Disk, removeStaleDisks } from '../support/faults/mounted-disk.ts';
import { skipWithout } from '../support/faults/needs.ts';
import {
  programFile,
  ProgramProcess,
  runToEnd,
  urlOf,
} from '../support/processes/server-process.ts';

let disk: Disk | undefined;
let program: ProgramProcess | undefined;

beforeAll(removeStaleDisks);
beforeEach(() => void ([disk, program] = [undefined, undefined]));
afterEach(async () => {
  await program?.end();
  disk?.remove();
});

test('a server whose log disk is full goes on, and reports later how many lines it lost', async (context) => {
  skipWithout(context, 'root', 'mount');
  disk = Disk.tmpfs('4m');
  const [log, dataDir] = [join(disk.path, 'log'), join(disk.path, 'data')];
  // Fill whole pages, so that the next line needs another one.
  await writeFile(log, '-'.repeat(8192));
  const serve = ['serve', '--port', '0', '--data-dir', dataDir, '--shards', '1'];
  const command = [process.execPath, programFile, ...serve];
  program = new ProgramProcess('sh', ['-c', `exec "$@" 2>>"${log}"`, 'sh', ...command]);
  const url = await urlOf(program);
  const put = async (key: string): Promise<number> =>
    (await fetch(`${url}/v1/keys/${key}`, { method: 'PUT', body: 'x'.repeat(60_000) })).status;
  let keys = 0;
  while ((await put(`key-${keys}`)) === 201) keys += 1;
  expect(await put('one-more')).toBe(507);
  expect((await fetch(`${url}/v1/keys/key-0`)).status).toBe(200);
  const linesLost = async (): Promise<number> => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(/^holdfast_log_lines_lost_total (\d+)$/m.exec(text)?.[1]);
  };
  // Fill the disk to the last byte. Otherwise space from compactions would be room for a line.
  const ballast = join(disk.path, 'ballast');
  await expect(writeFile(ballast, Buffer.alloc(8 * 2 ** 20))).rejects.toThrow('ENOSPC');
  await expect
    .poll(
      async () => {
        program?.kill('SIGHUP');
        return linesLost();
      },
      { timeout: 20_000 },
    )
    .toBeGreaterThan(0);
  expect((await fetch(`${url}/v1/keys/key-0`)).status).toBe(200);
  await rm(ballast);
  for (let key = 0; key < keys; key++) {
    await fetch(`${url}/v1/keys/key-${key}`, { method: 'DELETE' });
  }
  // Deletes spend the reserve, and compactions then free space.
  await expect.poll(() => put('room-again'), { timeout: 20_000 }).toBe(201);
  const logAgain = (): Promise<string> => {
    program?.kill('SIGHUP');
    return readFile(log, 'utf8');
  };
  await expect
    .poll(logAgain, { timeout: 20_000 })
    .toMatch(/"linesLost":\d+,"msg":"log lines could/);
  program.kill('SIGTERM');
  expect(await program.exited).toEqual({ code: 0, signal: null });
  const lines = (await readFile(log, 'utf8')).replace(/^-+/, '').trimEnd().split('\n');
  expect(lines.at(-1)).toContain('"msg":"stopped"');
  expect((await runToEnd(['verify', dataDir])).code).toBe(0);
});

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  makeTemporaryFolder,
  ProgramProcess,
  programFile,
  removeFolder,
} from '../support/processes/server-process.ts';

/** V8 makes this number from its version, the processor and its flags. */
const printAtExit =
  'data:text/javascript,import v8 from "node:v8"; import fs from "node:fs";' +
  'process.on("exit", () => fs.writeSync(1, `tag ${v8.cachedDataVersionTag()}\\n`));';

let folder: string;
beforeEach(async () => void (folder = await makeTemporaryFolder()));
afterEach(() => removeFolder(folder));

/** The number that a process has at its end. */
async function tagOf(command: readonly string[], flags: readonly string[] = []): Promise<string> {
  const args = [...flags, '--import', printAtExit, programFile, ...command];
  const program = new ProgramProcess(process.execPath, args);
  await program.exited;
  const { stdout } = program;
  const [, tag] = /^tag (\d+)$/m.exec(stdout) ?? [];
  if (tag === undefined) throw new Error(`no tag in ${JSON.stringify(stdout)}`);
  return tag;
}

test('a server has the flag of V8 that turns pretenuring off, and other commands do not', async () => {
  const file = join(folder, 'no-folder');
  await writeFile(file, '');
  // A file is no data folder: the process ends by itself, after it has set its flags.
  const serving = await tagOf(['serve', '--data-dir', file]);
  const untuned = await tagOf(['serve', '--help']);
  const flag = '--no-allocation-site-pretenuring';
  expect(serving).toBe(await tagOf(['serve', '--help'], [flag]));
  expect(serving).not.toBe(untuned);
});

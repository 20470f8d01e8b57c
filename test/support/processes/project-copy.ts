// Copies the project, so that a test can build and start it by npm as from a fresh clone. Other
// tests use dist/ meanwhile. The installed packages are linked, not copied.
import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { programFolder } from '../../../src/base/program-folder.ts';
import { makeTemporaryFolder } from './server-process.ts';

const cloned = ['package.json', 'tsconfig.json', 'bundle.js', 'src', 'workers', 'config'];

/** @returns the folder, for the test to remove */
export async function copyProject(): Promise<string> {
  const folder = await makeTemporaryFolder();
  for (const name of cloned) {
    await cp(join(programFolder, name), join(folder, name), { recursive: true });
  }
  await symlink(join(programFolder, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

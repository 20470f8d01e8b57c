// Builds a commit of this repository in a folder of its own. Knows git and npm, and no contender.
import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { programFolder } from '../../src/base/program-folder.ts';
import type { Belongings } from './belongings.ts';

/** It stands for the files as they are, which the script has built already. */
export const workingTree = '.';

export interface RefBuild {
  /** With a build in dist/. */
  readonly folder: string;
  /** For people: the short hash and the subject. */
  readonly description: string;
}

/** @throws Error if this repository has no such commit */
async function describe(ref: string, belongings: Belongings): Promise<string> {
  const command = ['git', 'log', '-1', '--format=%h %s', '--end-of-options', ref];
  try {
    return (await belongings.run(command, { cwd: programFolder })).trim();
  } catch {
    const allowed = 'a commit of this repository, or . for the working tree';
    throw new Error(`"${ref}" is no commit; allowed: ${allowed}. Nothing was measured.`);
  }
}

function worktree(...words: string[]): string[] {
  return ['git', '-C', programFolder, 'worktree', ...words];
}

/** A worktree leaves its name behind in the repository, so its end removes that, too. */
async function makeWorktree(ref: string, belongings: Belongings): Promise<string> {
  const folder = join(await belongings.folder(), 'tree');
  belongings.add(() => {
    const [program = '', ...args] = worktree('remove', '--force', folder);
    spawnSync(program, args);
    return Promise.resolve();
  });
  await belongings.run(worktree('add', '--detach', '--quiet', folder, ref));
  return folder;
}

function lockOf(folder: string): string {
  return readFileSync(join(folder, 'package-lock.json'), 'utf8');
}

/** Packages are shared if both commits ask for the same ones. */
async function installPackages(folder: string, belongings: Belongings): Promise<void> {
  if (lockOf(folder) === lockOf(programFolder)) {
    symlinkSync(join(programFolder, 'node_modules'), join(folder, 'node_modules'));
    return;
  }
  await belongings.run(['npm', 'ci', '--no-audit', '--no-fund', '--no-progress'], { cwd: folder });
}

/** @param ref a commit as git names it, or `.` */
export async function buildRef(ref: string, belongings: Belongings): Promise<RefBuild> {
  if (ref === workingTree) return { folder: programFolder, description: 'the working tree' };
  const description = await describe(ref, belongings);
  const folder = await makeWorktree(ref, belongings);
  await installPackages(folder, belongings);
  await belongings.run(['npm', 'run', '--silent', 'build'], { cwd: folder });
  return { folder, description };
}

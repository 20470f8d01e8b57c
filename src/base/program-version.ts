// Reads the version of this program from its package.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from './assert.ts';
import { programFolder } from './program-folder.ts';

function readVersion(): string {
  const text = readFileSync(join(programFolder, 'package.json'), 'utf8');
  const { version } = JSON.parse(text) as { readonly version?: unknown };
  assert(typeof version === 'string', 'package.json has a version');
  return version;
}

export const programVersion = readVersion();

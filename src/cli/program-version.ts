// Reads the version of this program from its package.json.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { programFolder } from '../base/program-folder.ts';

function readVersion(): string {
  const text = readFileSync(join(programFolder, 'package.json'), 'utf8');
  return Value.Parse(Type.Object({ version: Type.String() }), JSON.parse(text)).version;
}

export const programVersion = readVersion();

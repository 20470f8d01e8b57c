// Finds the folder in which this program is installed, the same from source and from dist/. So the
// program finds config/ and the compiled worker entry points from any current directory.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

function folderWithPackageJson(from: string): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error('package.json of holdfast not found above the program');
  return folderWithPackageJson(parent);
}

export const programFolder = folderWithPackageJson(import.meta.dirname);

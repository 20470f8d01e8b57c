// The certificates and keys of test/fixtures/tls, which has the list.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { programFolder } from '../../../src/base/program-folder.ts';
import type { PemPair } from '../../../src/http/tls/tls-pair.ts';

const folder = join(programFolder, 'test', 'fixtures', 'tls');

/** @param name such as `one-cert` */
export function pemFile(name: string): string {
  return join(folder, `${name}.pem`);
}

export function pemPair(name: 'one' | 'other'): PemPair {
  return {
    cert: readFileSync(pemFile(`${name}-cert`)),
    key: readFileSync(pemFile(`${name}-key`)),
  };
}

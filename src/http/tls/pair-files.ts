// Reads the two files of a pair, and tells whether they have changed. Judges no content.
import { readFileSync, type BigIntStats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { systemErrorCode } from '../../base/errors.ts';
import { TlsPairError, type PemPair, type TlsFiles } from './tls-pair.ts';

/** @throws TlsPairError if a file cannot be read */
export function readPairAtStart({ certFile, keyFile }: TlsFiles): PemPair {
  return { cert: readAtStart('tlsCert', certFile), key: readAtStart('tlsKey', keyFile) };
}

/** @throws TlsPairError if a file cannot be read */
export async function readPair({ certFile, keyFile }: TlsFiles): Promise<PemPair> {
  const cert = await readFile(certFile).catch((error: unknown) => {
    throw unreadable('tlsCert', certFile, error);
  });
  const key = await readFile(keyFile).catch((error: unknown) => {
    throw unreadable('tlsKey', keyFile, error);
  });
  return { cert, key };
}

/**
 * @returns a text that differs after a file was written, replaced, or reached by another symbolic
 * link; two calls with the same text and a read between them mean that the read saw one state
 */
export async function stateOfFiles({ certFile, keyFile }: TlsFiles): Promise<string> {
  return `${await stateOf(certFile)} ${await stateOf(keyFile)}`;
}

async function stateOf(file: string): Promise<string> {
  try {
    return describe(await stat(file, { bigint: true }));
  } catch (error) {
    return systemErrorCode(error) ?? String(error);
  }
}

function describe({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(':');
}

function readAtStart(setting: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw unreadable(setting, file, error);
  }
}

function unreadable(setting: string, file: string, error: unknown): TlsPairError {
  const why = error instanceof Error ? error.message : String(error);
  return new TlsPairError(`${setting} ${file}: cannot be read: ${why}`);
}

// Reads the files of an audit log, oldest first, for a person or a program that looks for something. Needs
// no lock: it reads beside a server that writes and removes files. Changes nothing.
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../base/errors.ts';
import { auditFileName, auditFolderName, numbersOfAuditFiles } from './audit-file-names.ts';
import { recordOfLine, type StoredAuditRecord } from './audit-record.ts';

/** Absent members match every record. */
export interface AuditFilter {
  readonly user?: string | undefined;
  /** Of a record with several keys, any. */
  readonly key?: string | undefined;
  readonly namespace?: string | undefined;
  /** Unix milliseconds. */
  readonly sinceMs?: number | undefined;
}

export interface FoundRecord {
  readonly record: StoredAuditRecord;
  /** As it stands in the file, without its line break. */
  readonly line: string;
}

const lineEnd = 0x0a;

/**
 * @param onBroken called for each line that is no record: a kill may cut a line short
 * @returns undefined if the data folder has no audit log
 * @throws system errors
 */
export async function readAudit(
  dataDir: string,
  filter: AuditFilter,
  onBroken: () => void,
): Promise<AsyncGenerator<FoundRecord> | undefined> {
  const folder = join(dataDir, auditFolderName);
  const numbers = numbersOfAuditFiles(await namesIn(folder));
  return numbers.length === 0 ? undefined : recordsOf(folder, numbers, filter, onBroken);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

async function* recordsOf(
  folder: string,
  numbers: readonly number[],
  filter: AuditFilter,
  onBroken: () => void,
): AsyncGenerator<FoundRecord> {
  for (const number of numbers) {
    for await (const line of linesOf(join(folder, auditFileName(number)))) {
      const record = recordOfLine(line);
      if (record === undefined) onBroken();
      else if (matches(record, filter)) yield { record, line };
    }
  }
}

/** The last line may lack its line break: a server may be writing it, or was killed. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(lineEnd); end !== -1; end = chunk.indexOf(lineEnd, start)) {
        pieces.push(chunk.subarray(start, end));
        yield Buffer.concat(pieces).toString('utf8');
        pieces = [];
        start = end + 1;
      }
      if (start < chunk.length) pieces.push(chunk.subarray(start));
    }
  } catch (error) {
    // The server has removed the oldest file meanwhile.
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
  if (pieces.length > 0) yield Buffer.concat(pieces).toString('utf8');
}

function matches(
  { at, user, key, keys, namespace }: StoredAuditRecord,
  wanted: AuditFilter,
): boolean {
  return (
    (wanted.user === undefined || user === wanted.user) &&
    (wanted.namespace === undefined || namespace === wanted.namespace) &&
    (wanted.sinceMs === undefined || Date.parse(at) >= wanted.sinceMs) &&
    (wanted.key === undefined || key === wanted.key || keys?.includes(wanted.key) === true)
  );
}

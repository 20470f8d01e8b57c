// Blocks: lines of about 64 KiB with entries of one namespace. Snapshots and backups share them.
// Knows neither of the two.
import { isEntryRecord, type EntryRecord } from './record.ts';

export interface EntryBlock {
  readonly namespace: string;
  /** In key order. */
  readonly entries: readonly EntryRecord[];
}

/** @param entries encoded entries (record.ts) */
export function encodeBlock(namespace: string, entries: readonly string[]): string {
  return `{"namespace":${JSON.stringify(namespace)},"entries":[${entries.join(',')}]`;
}

/** @returns undefined if the line is of another kind */
export function decodeBlock(parsed: unknown): EntryBlock | undefined {
  const { namespace, entries } = parsed as Record<string, unknown>;
  if (typeof namespace !== 'string' || !Array.isArray(entries)) return undefined;
  return entries.every(isEntryRecord) ? { namespace, entries } : undefined;
}

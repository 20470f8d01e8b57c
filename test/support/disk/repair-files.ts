// Repairs a store in memory, from `/old` into `/new`.
import { expect } from 'vitest';
import type { Finding } from '../../../src/tools/finding.ts';
import { repairStore } from '../../../src/tools/repair-store.ts';
import type { MemoryFileSystem } from './memory-file-system.ts';
import { readEntries } from './sharded-files.ts';

export interface Repaired {
  readonly findings: readonly Finding[];
  /** In the form of `shownEntries`. */
  readonly kept: Readonly<Record<string, string>>;
  readonly losses: number;
}

/** Throws the error of the repair. Fails if the repair leaves a file open. */
export function repairFiles(files: MemoryFileSystem): Repaired {
  const findings: Finding[] = [];
  const open = files.openFiles;
  files.makeFolder('/new');
  const report = (finding: Finding): void => void findings.push(finding);
  const options = { fileSystem: files, dataDir: '/old', newDir: '/new', now: 7, report };
  const { losses } = repairStore(options);
  const kept = shownEntries(files, '/new');
  expect(files.openFiles).toBe(open);
  return { findings, kept, losses };
}

/** The entries that a start would serve, by key: `value@version`. */
export function shownEntries(files: MemoryFileSystem, dataDir: string): Record<string, string> {
  const shown = Array.from(readEntries(files, dataDir), ([key, { value, version }]) => {
    return [key, `${value}@${version}`] as const;
  });
  return Object.fromEntries(shown);
}

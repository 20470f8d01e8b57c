// Finds the memory that the process may use: the machine's, or less in a control group with a
// limit. A container is such a group. Knows the files in which Linux states it. Must not know the
// use of the memory.
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** Gives a file's text, or undefined if the file cannot be read. */
export type ReadText = (path: string) => string | undefined;

export interface MemorySources {
  readonly readText: ReadText;
  /** The machine's memory, in bytes. */
  readonly totalBytes: number;
  /** The runtime's figure, in bytes. If there is no limit: 0, or more than the machine has. */
  readonly constrainedBytes: number;
}

const groupsRoot = '/sys/fs/cgroup';

interface Group {
  /** Mount point of the groups of this kind. */
  readonly mount: string;
  readonly path: string;
  /** The files that hold a limit in bytes, or a word if there is no limit. */
  readonly files: readonly string[];
}

/**
 * The control groups, of either version, that limit this process's memory, from
 * `/proc/self/cgroup`.
 */
function groupsOf(text: string): Group[] {
  return text.split('\n').flatMap((line): Group[] => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    if (controllers === '') {
      return [{ mount: groupsRoot, path, files: ['memory.max', 'memory.high'] }];
    }
    if (!controllers.split(',').includes('memory')) return [];
    return [{ mount: `${groupsRoot}/memory`, path, files: ['memory.limit_in_bytes'] }];
  });
}

/** A group's folder and those around it, the mount last. A limit in any of them applies. */
function foldersOf({ mount, path }: Group): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return [...parts.map((_, index) => `/${parts.slice(0, parts.length - index).join('/')}`), ''].map(
    (below) => mount + below,
  );
}

function limitsOf(group: Group, readText: ReadText): number[] {
  return foldersOf(group).flatMap((folder) =>
    group.files.flatMap((file) => {
      const text = readText(`${folder}/${file}`)?.trim() ?? '';
      return /^\d+$/.test(text) && Number(text) > 0 ? [Number(text)] : [];
    }),
  );
}

/** Memory that the process may use, in bytes. */
export function availableMemory(sources: MemorySources = systemSources()): number {
  const { readText, totalBytes, constrainedBytes } = sources;
  const groups = groupsOf(readText('/proc/self/cgroup') ?? '');
  const limits = groups.flatMap((group) => limitsOf(group, readText));
  if (constrainedBytes > 0) limits.push(constrainedBytes);
  return Math.min(totalBytes, ...limits);
}

function systemSources(): MemorySources {
  return {
    readText: (path) => {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    },
    totalBytes: totalmem(),
    constrainedBytes: process.constrainedMemory() ?? 0,
  };
}

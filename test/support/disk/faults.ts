// Faults of a disk in memory, as tests stage them: calls that fail once, always or from some call on,
// writes that are cut short, and a record of the calls that were made. A disk has one fault at a
// time: each function here replaces the one before. Knows nothing of stores.
import type { Call, Fault, MemoryFileSystem } from './memory-file-system.ts';

/** Which calls a fault concerns (all of them, unless it says otherwise), and how they fail. */
export interface FaultyCalls {
  readonly call?: Call | readonly Call[];
  readonly path?: RegExp;
  /** Only writes of more bytes than this. */
  readonly longerThan?: number;
  /** As Node has it: `EIO`, unless it says otherwise. */
  readonly code?: string;
}

/** How many of the calls that a fault concerns were made since it was staged, the failed included. */
export interface CallCount {
  calls: number;
}

/** Each of these calls fails. */
export function failEach(files: MemoryFileSystem, which: FaultyCalls = {}): void {
  failWhere(files, which, () => true);
}

/** The nth of these calls fails, from 1; those behind it succeed. */
export function failAt(files: MemoryFileSystem, nth: number, which: FaultyCalls = {}): CallCount {
  return failWhere(files, which, (call) => call === nth);
}

/** The nth of these calls fails, from 1, and so does each behind it. */
export function failFrom(files: MemoryFileSystem, nth: number, which: FaultyCalls): CallCount {
  return failWhere(files, which, (call) => call >= nth);
}

/** As a kill at the nth call, from 1: neither it nor any call behind it is made; they throw `cut`. */
export function cutAt(files: MemoryFileSystem, nth: number): CallCount {
  return failWhere(files, {}, (call) => call >= nth, 'cut');
}

/** For each of so many calls, a fresh disk that is cut at that call; `nth` is its number, from 1. */
export function* cutAtEach(
  calls: number,
  freshDisk: () => MemoryFileSystem,
): Generator<readonly [nth: number, files: MemoryFileSystem], void, void> {
  for (let nth = 1; nth <= calls; nth++) {
    const files = freshDisk();
    cutAt(files, nth);
    yield [nth, files];
  }
}

/** Each write takes at most so many bytes. */
export function shortenWrites(files: MemoryFileSystem, bytesMax: number): CallCount {
  const count = { calls: 0 };
  files.fault = (call, _, bytes) => {
    if (call !== 'write') return undefined;
    count.calls += 1;
    return Math.min(bytes, bytesMax);
  };
  return count;
}

/**
 * Writes take so many bytes in all, the last of them in part, and fail with ENOSPC from then on.
 * Other than `capacityBytes` of the disk, this counts bytes that are written over others, too.
 */
export function limitWrites(files: MemoryFileSystem, bytesMax: number): void {
  let left = bytesMax;
  files.fault = (call, _, bytes) => {
    if (call !== 'write') return undefined;
    if (left === 0) throw systemError('ENOSPC');
    const written = Math.min(left, bytes);
    left -= written;
    return written;
  };
}

/** The names of the calls from now on, none of which fails. */
export function recordCalls(files: MemoryFileSystem): readonly Call[] {
  const calls: Call[] = [];
  watchCalls(files, (call) => void calls.push(call));
  return calls;
}

/** Tells of each call just before it reaches the disk; none fails. */
export function watchCalls(
  files: MemoryFileSystem,
  seen: (call: Call, path: string) => void,
): void {
  files.fault = (call, path) => {
    seen(call, path);
    return undefined;
  };
}

/** From now on no call fails. */
export function heal(files: MemoryFileSystem): void {
  files.fault = () => undefined;
}

function failWhere(
  files: MemoryFileSystem,
  which: FaultyCalls,
  fails: (nth: number) => boolean,
  message?: string,
): CallCount {
  const count = { calls: 0 };
  files.fault = (call, path, bytes) => {
    if (!concerns(which, call, path, bytes)) return undefined;
    count.calls += 1;
    if (fails(count.calls)) throw systemError(which.code ?? 'EIO', message);
    return undefined;
  };
  return count;
}

function concerns(which: FaultyCalls, ...[call, path, bytes]: Parameters<Fault>): boolean {
  if (which.call !== undefined && ![which.call].flat().includes(call)) return false;
  if (which.path !== undefined && !which.path.test(path)) return false;
  return which.longerThan === undefined || (call === 'write' && bytes > which.longerThan);
}

function systemError(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}

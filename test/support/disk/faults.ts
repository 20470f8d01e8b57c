// Faults of a disk in memory. Calls fail once, always or from some call on, and writes are cut
// short. Also records calls. A disk has one fault at a time: each function here replaces the fault
// before. Knows nothing of stores.
import type { Call, Fault, MemoryFileSystem } from './memory-file-system.ts';

/** The calls that a fault strikes, and their error. By default it strikes all calls. */
export interface FaultyCalls {
  readonly call?: Call | readonly Call[];
  readonly path?: RegExp;
  /** Only writes of more bytes than this. */
  readonly longerThan?: number;
  /** Node's error code; `EIO` by default. */
  readonly code?: string;
}

/** The number of matching calls since the test staged the fault, including the failed ones. */
export interface CallCount {
  calls: number;
}

/** Each of these calls fails. */
export function failEach(files: MemoryFileSystem, which: FaultyCalls = {}): void {
  failWhere(files, which, () => true);
}

/** The nth of these calls fails, counted from 1. Later ones succeed. */
export function failAt(files: MemoryFileSystem, nth: number, which: FaultyCalls = {}): CallCount {
  return failWhere(files, which, (call) => call === nth);
}

/** The nth of these calls fails, counted from 1, and so do all later ones. */
export function failFrom(files: MemoryFileSystem, nth: number, which: FaultyCalls): CallCount {
  return failWhere(files, which, (call) => call >= nth);
}

/** Acts as a kill at the nth call, counted from 1: that call and all later ones throw `cut` instead. */
export function cutAt(files: MemoryFileSystem, nth: number): CallCount {
  return failWhere(files, {}, (call) => call >= nth, 'cut');
}

/** For each of so many calls, gives a fresh disk that is cut at that call. `nth` counts from 1. */
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
 * Writes take so many bytes in sum, the last one in part. Then they fail with ENOSPC. Unlike
 * `capacityBytes` of the disk, this also counts bytes that replace others.
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

/** Records the names of all calls from now on, none of which fails. */
export function recordCalls(files: MemoryFileSystem): readonly Call[] {
  const calls: Call[] = [];
  watchCalls(files, (call) => void calls.push(call));
  return calls;
}

/** Reports each call just before it reaches the disk. No call fails. */
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

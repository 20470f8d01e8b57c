// Describes the machine: a figure means nothing without the machine that it was measured on.
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { median } from './median.ts';

/** The median time of a 100-byte append and its fdatasync, in milliseconds. */
function measureSyncMs(folder: string): number {
  const path = join(folder, 'sync-probe');
  const file = openSync(path, 'w');
  const line = Buffer.alloc(100, 'x');
  const times = Array.from({ length: 500 }, () => {
    const begun = performance.now();
    writeSync(file, line);
    fdatasyncSync(file);
    return performance.now() - begun;
  });
  closeSync(file);
  rmSync(path);
  return median(times);
}

/** @param folder the folder of the data, whose disk is measured */
export function machineFacts(folder: string): string {
  const [cpu] = cpus();
  return [
    `${cpus().length} x ${cpu?.model.trim() ?? 'unknown processor'}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Linux ${release()}`,
    `Node ${process.version}`,
    `fdatasync ${measureSyncMs(folder).toFixed(2)} ms`,
  ].join(', ');
}

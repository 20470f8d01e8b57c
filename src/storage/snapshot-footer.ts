// Reads the footer of a snapshot, and nothing in front of it. current.json has the footer's checksum,
// so the footer is known to be the right one. Knows no block.
import type { SnapshotReference } from './current.ts';
import { damaged, unreadable } from './damage.ts';
import type { ReadableFile } from './file-system.ts';
import { openLine, parseLine } from './sealed-line.ts';
import {
  decodeSnapshotFooter,
  footerClosing,
  footerOpening,
  innerOfLine,
  type SnapshotFooter,
} from './snapshot-format.ts';

export interface PlacedFooter {
  readonly footer: SnapshotFooter;
  /** Start of the footer's line in the file, in bytes. */
  readonly offset: number;
  /** Checksum of the line before the footer. */
  readonly previous: string;
}

/** The footer of a snapshot with few namespaces is shorter. */
const tailBytesMin = 4096;
const newline = 0x0a;

/**
 * @param name for errors, relative to the data folder
 * @param reference as current.json names the snapshot
 * @throws StoreError STORE_DAMAGED or STORE_MISMATCH if the footer is not valid
 */
export function readSnapshotFooter(
  file: ReadableFile,
  name: string,
  reference: SnapshotReference,
): PlacedFooter {
  const size = file.size();
  if (size !== reference.bytes) throw isNotNamed(name, undefined);
  const { bytes, offset } = lastLineOf(file, name, size);
  const sealed = innerOfLine(bytes, footerOpening, footerClosing);
  const opened = sealed === undefined ? undefined : openLine(sealed);
  if (sealed === undefined || opened?.checksum !== reference.crc) throw isNotNamed(name, offset);
  const footer = decodeSnapshotFooter(parseLine(sealed));
  if (footer === undefined) {
    throw unreadable({ file: name, offset }, 'the footer is of an unknown kind');
  }
  return { footer, offset, previous: opened.previous };
}

export function isNotNamed(name: string, offset: number | undefined): Error {
  return damaged({ file: name, offset }, 'it is not the file that current.json names');
}

/** Without its newline. */
function lastLineOf(
  file: ReadableFile,
  name: string,
  size: number,
): { readonly bytes: Buffer; readonly offset: number } {
  for (let length = tailBytesMin; ; length *= 2) {
    const start = Math.max(0, size - length);
    const tail = readTail(file, start, size);
    if (tail.at(-1) !== newline) throw damaged({ file: name }, 'the last line has no end');
    const before = tail.lastIndexOf(newline, tail.length - 2);
    if (before === -1 && start > 0) continue;
    return { bytes: tail.subarray(before + 1, -1), offset: start + before + 1 };
  }
}

/** Up to the end, or less if the file has become shorter. */
function readTail(file: ReadableFile, start: number, size: number): Buffer {
  const bytes = Buffer.alloc(size - start);
  let filled = 0;
  while (filled < bytes.length) {
    const count = file.read(bytes.subarray(filled), start + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

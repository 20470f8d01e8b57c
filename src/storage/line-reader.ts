// Reads a file line by line, in large pieces. Memory: the longest line, for a file of any size.
// Knows no format.
import type { ReadableFile } from './file-system.ts';

export interface Line {
  /** Without the newline. Valid until the caller asks for the next line. */
  readonly bytes: Buffer;
  /** The line's start in the file, in bytes. */
  readonly offset: number;
  /** Counted from 1. */
  readonly number: number;
  /** False if no newline follows: then these are the last bytes of the file. */
  readonly complete: boolean;
}

const newline = 0x0a;
const pieceBytesMax = 4 * 1024 * 1024;

/** @param end reads no further than this offset */
export function* readLines(file: ReadableFile, end = Infinity): Generator<Line, void, void> {
  // One byte more than a small file has: a single read then meets its end.
  let buffer = Buffer.allocUnsafe(Math.min(pieceBytesMax, file.size() + 1));
  let start = 0; // start of the current line, in buffer
  let filled = 0;
  let offset = 0; // offset of buffer[0] in the file
  let number = 1;
  let searched = 0;
  for (;;) {
    const at = buffer.subarray(0, filled).indexOf(newline, searched);
    if (at !== -1) {
      const bytes = buffer.subarray(start, at);
      yield { bytes, offset: offset + start, number: number++, complete: true };
      start = at + 1;
      searched = start;
      continue;
    }
    buffer.copyWithin(0, start, filled);
    offset += start;
    filled -= start;
    start = 0;
    searched = filled;
    if (filled === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2);
    const room = Math.min(buffer.length - filled, end - offset - filled);
    const count = room > 0 ? file.read(buffer.subarray(filled, filled + room), offset + filled) : 0;
    if (count === 0) break;
    filled += count;
  }
  if (filled > 0) yield { bytes: buffer.subarray(0, filled), offset, number, complete: false };
}

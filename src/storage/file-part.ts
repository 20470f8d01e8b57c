// Presents a part of a file as a file, so that a reader cannot read more of it. Knows no format.
import type { ReadableFile } from './file-system.ts';

/**
 * The bytes from `start` up to, not including, `end`. Closing the part does not close the file.
 */
export function partOfFile(file: ReadableFile, start: number, end: number): ReadableFile {
  const size = end - start;
  return {
    read: (target, offset) => {
      const part = target.subarray(0, Math.max(0, size - offset));
      return part.length === 0 ? 0 : file.read(part, start + offset);
    },
    size: () => size,
    close: () => undefined,
  };
}

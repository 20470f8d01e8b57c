// Reads the lines of a damaged file. If the newline between two lines is damaged, splits the two
// at the seal. Knows no kind of file: the caller judges each line.
import { byteStringOfText } from '../base/byte-string.ts';
import type { EntryPosition } from '../shard/streams/entry-stream.ts';
import type { ReadableFile } from '../storage/file-system.ts';
import { isBlank } from '../storage/journal-format.ts';
import { readLines, type Line } from '../storage/line-reader.ts';
import { defaultNamespace } from '../base/default-namespace.ts';

/** A line that does not match its own checksum. */
export interface UnprovenLine {
  readonly line: number;
  readonly offset: number;
  readonly bytes: number;
  /** Entries that the line's bytes seem to name. */
  readonly named: readonly EntryPosition[];
}

/**
 * Hands each line to the caller. If the caller refuses a line, hands over its parts: the lines that
 * a damaged newline may have joined.
 *
 * @param take returns false if the line does not match its own checksum
 * @returns the lines, or parts of lines, that `take` refused
 */
export function salvageLines(
  file: ReadableFile,
  take: (line: Line) => boolean,
  end = Infinity,
): UnprovenLine[] {
  const bad: UnprovenLine[] = [];
  for (const line of readLines(file, end)) {
    if (isBlank(line.bytes) || take(line)) continue;
    for (const part of partsOf(line)) {
      if (part.bytes.length === line.bytes.length || !take(part)) bad.push(badLine(part));
    }
  }
  return bad;
}

const sealEnd = /"crc":"[0-9a-f]{8}"\}/g;

/** Splits a line after each seal. Drops the byte behind a seal if it may be the damaged newline. */
function partsOf({ bytes, offset, number, complete }: Line): Line[] {
  const parts: Line[] = [];
  let start = 0;
  for (const match of bytes.toString('latin1').matchAll(sealEnd)) {
    const end = match.index + match[0].length;
    parts.push({
      bytes: bytes.subarray(start, end),
      offset: offset + start,
      number,
      complete: true,
    });
    start = bytes[end] === 0x7b ? end : end + 1;
  }
  if (start < bytes.length) {
    parts.push({ bytes: bytes.subarray(start), offset: offset + start, number, complete });
  }
  return parts;
}

function badLine({ number, offset, bytes }: Line): UnprovenLine {
  return { line: number, offset, bytes: bytes.length, named: namedIn(bytes) };
}

const namePattern = /(?:"namespace":("(?:[^"\\]|\\.)*"),)?"key":("(?:[^"\\]|\\.)*")/g;

/** Finds entries whose names are still legible in the bytes, damaged or not. */
function namedIn(bytes: Buffer): EntryPosition[] {
  const named: EntryPosition[] = [];
  for (const [, namespace, key] of bytes.toString('utf8').matchAll(namePattern)) {
    try {
      named.push({
        namespace: namespace === undefined ? defaultNamespace : String(JSON.parse(namespace)),
        key: byteStringOfText(String(JSON.parse(key ?? ''))),
      });
    } catch {
      // Bytes that are not JSON text name no entry.
    }
  }
  return named;
}

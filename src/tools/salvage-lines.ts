// The lines of a damaged file. Where the newline between two is what is damaged, they are still two.
import { byteStringOfText } from '../base/byte-string.ts';
import type { EntryPosition } from '../shard/entry-stream.ts';
import type { OpenFile } from '../storage/file-system.ts';
import { readLines, type Line } from '../storage/line-reader.ts';
import { defaultNamespace } from '../base/default-namespace.ts';

/** A line that does not prove itself. */
export interface BadLine {
  readonly line: number;
  readonly offset: number;
  readonly bytes: number;
  /** Entries that its bytes seem to name. */
  readonly named: readonly EntryPosition[];
}

/**
 * Hands over each line; where it is not taken, tries the lines that seem to be in it.
 *
 * @param take false where the line does not prove itself
 * @returns what was not taken
 */
export function salvageLines(
  file: OpenFile,
  take: (line: Line) => boolean,
  end = Infinity,
): BadLine[] {
  const bad: BadLine[] = [];
  for (const line of readLines(file, end)) {
    if (isBlank(line.bytes) || take(line)) continue;
    for (const part of partsOf(line)) {
      if (part.bytes.length === line.bytes.length || !take(part)) bad.push(badLine(part));
    }
  }
  return bad;
}

/** Room that was made ahead. */
function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20);
}

const sealEnd = /"crc":"[0-9a-f]{8}"\}/g;

/** Cut where a seal ends, with or without the byte that was the newline. */
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

function badLine({ number, offset, bytes }: Line): BadLine {
  return { line: number, offset, bytes: bytes.length, named: namedIn(bytes) };
}

const namePattern = /(?:"namespace":("(?:[^"\\]|\\.)*"),)?"key":("(?:[^"\\]|\\.)*")/g;

/** What still reads like the name of an entry, damaged or not. */
function namedIn(bytes: Buffer): EntryPosition[] {
  const named: EntryPosition[] = [];
  for (const [, namespace, key] of bytes.toString('utf8').matchAll(namePattern)) {
    try {
      named.push({
        namespace: namespace === undefined ? defaultNamespace : String(JSON.parse(namespace)),
        key: byteStringOfText(String(JSON.parse(key ?? ''))),
      });
    } catch {
      // Bytes that are no JSON text name nothing.
    }
  }
  return named;
}

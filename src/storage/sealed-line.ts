// Sealed lines: a JSON object on one line that proves its content and its place. Its last two
// members are checksums: "p" of the line before, and "crc" of this line's bytes up to that member.
// All files of a store consist of such lines. Only this file knows how a line is sealed.
//
//   {"seq":1,"p":"00000000","crc":"c0ffee11"}
//
// A checksum is a CRC-32 (ISO 3309, as in gzip), 8 lower-case hexadecimal digits. It notices every
// change of up to 32 neighbouring bits. It misses one in 2^32 of all other changes.
import { crc32 } from 'node:zlib';

/** The first line of a chain has this as the checksum of the line before. */
export const noChecksum = '00000000';

const chainLength = ',"p":"00000000"'.length;
const sealLength = ',"crc":"00000000"}'.length;
const sealPattern = /^,"p":"([0-9a-f]{8})","crc":"([0-9a-f]{8})"\}$/;

export interface SealedText {
  /** The bytes of the line, without a newline. */
  readonly bytes: Buffer;
  readonly checksum: string;
}

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0');
}

/**
 * @param open the text of a JSON object with at least one member, without its closing brace
 * @param previous the checksum of the line before, or `noChecksum`
 */
export function sealLine(open: string, previous: string): SealedText {
  const head = `${open},"p":"${previous}"`;
  const headLength = Buffer.byteLength(head, 'utf8');
  const bytes = Buffer.allocUnsafe(headLength + sealLength);
  bytes.write(head, 0, headLength === head.length ? 'latin1' : 'utf8');
  const checksum = hex(crc32(bytes.subarray(0, headLength)));
  bytes.write(`,"crc":"${checksum}"}`, headLength, 'latin1');
  return { bytes, checksum };
}

export interface OpenedLine {
  /** Checksum of the line before, as this line states it. */
  readonly previous: string;
  readonly checksum: string;
}

/**
 * Checks a line, given without its newline, against its own checksum.
 *
 * @returns undefined if they do not match
 */
export function openLine(bytes: Buffer): OpenedLine | undefined {
  const sealedAt = bytes.length - sealLength;
  if (sealedAt <= chainLength) return undefined;
  const match = sealPattern.exec(bytes.toString('latin1', sealedAt - chainLength));
  const [, previous, checksum] = match ?? [];
  if (previous === undefined || checksum === undefined) return undefined;
  return hex(crc32(bytes.subarray(0, sealedAt))) === checksum ? { previous, checksum } : undefined;
}

/**
 * Parses a line, `p` and `crc` included. A line with a right checksum is JSON, unless a person has
 * forged the checksum.
 *
 * @returns undefined if the line is no JSON
 */
export function parseLine(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

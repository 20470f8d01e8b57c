// Writes and reads a chain of sealed lines: each line carries the checksum of the line before.
// Knows no content of a line, and no file.
import type { ParseLine } from './large-values.ts';
import { noChecksum, openLine, parseLine, sealLine } from './sealed-line.ts';

export class ChainWriter {
  #crc = noChecksum;

  /** Checksum of the last line, which vouches for all lines before it. */
  get crc(): string {
    return this.#crc;
  }

  /** @param open the text of a JSON object without its closing brace */
  seal(open: string): Buffer {
    const { bytes, checksum } = sealLine(open, this.#crc);
    this.#crc = checksum;
    return bytes;
  }
}

export class ChainReader {
  readonly #damage: (what: string) => Error;
  readonly #parse: ParseLine;
  #crc = noChecksum;

  /** @param damage makes the error for a line that breaks the chain */
  constructor(damage: (what: string) => Error, parse: ParseLine = parseLine) {
    this.#damage = damage;
    this.#parse = parse;
  }

  /** Checksum of the last line. */
  get crc(): string {
    return this.#crc;
  }

  /**
   * Checks the next line's checksum and that it follows the line before.
   *
   * @returns the object of the line
   */
  open(bytes: Buffer): unknown {
    const opened = openLine(bytes);
    if (opened === undefined) throw this.#damage('the line does not match its checksum');
    if (opened.previous !== this.#crc) {
      throw this.#damage('the line does not follow the one before');
    }
    this.#crc = opened.checksum;
    return this.#parse(bytes);
  }
}

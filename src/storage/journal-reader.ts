// Reads one journal from its start and hands over each batch in order. Finds the end of the valid
// part, and how many bytes must be valid. A bad line may be damage or the torn tail of a crash: the
// caller decides (src/shard/recovery/recovery.ts). Knows no other file of the shard.
import type { ReadableFile } from './file-system.ts';
import type { FormatVersion } from './format-version.ts';
import {
  decodeJournalLine,
  isBlank,
  type JournalHeader,
  type JournalLine,
} from './journal-format.ts';
import type { ParseLine } from './large-values.ts';
import { readLines, type Line } from './line-reader.ts';
import { noChecksum, openLine, parseLine, type OpenedLine } from './sealed-line.ts';

export interface BadLine {
  readonly offset: number;
  readonly line: number;
  readonly reason: string;
}

export interface JournalReading {
  readonly header: JournalHeader | undefined;
  /** Length of the valid part in bytes. If no line is bad, only blanks follow it. */
  readonly bytes: number;
  readonly crc: string;
  /** The seq that the next record takes. */
  readonly nextSeq: number;
  /** The highest timestamp in the valid part, Unix milliseconds. */
  readonly at: number;
  /** True if the valid part ends with the mark of a clean stop. */
  readonly isStopped: boolean;
  /** The first line that is not valid; undefined if all are. */
  readonly bad: BadLine | undefined;
  /** The highest `d` of any line whose checksum is right, even behind a bad line. */
  readonly durableBytes: number;
  /** True if the checksum of a line is right, but this version does not know its shape. */
  readonly isUnknown: boolean;
}

function headerMisfit(header: JournalHeader, opened: OpenedLine): string | undefined {
  const previous = header.previous?.crc ?? noChecksum;
  return opened.previous === previous ? undefined : 'the header contradicts itself';
}

export class JournalReader {
  readonly #file: ReadableFile;
  readonly #onLine: (line: JournalLine) => void;
  readonly #parse: ParseLine;
  #header: JournalHeader | undefined;
  #version: FormatVersion | undefined;
  #bytes = 0;
  #crc: string | undefined;
  #nextSeq = 0;
  #at = 0;
  #isStopped = false;
  #bad: BadLine | undefined;
  #isBlankBehind = false;
  #durableBytes = 0;
  #isUnknown = false;

  /** @param onLine called with each valid batch line, in order */
  constructor(
    file: ReadableFile,
    onLine: (line: JournalLine) => void,
    parse: ParseLine = parseLine,
  ) {
    this.#file = file;
    this.#onLine = onLine;
    this.#parse = parse;
  }

  /** @param end reads no further than this offset: the shard has disowned the bytes behind it */
  read(end = Infinity): JournalReading {
    for (const line of readLines(this.#file, end)) {
      if (this.#bad === undefined) {
        const reason = this.#take(line);
        if (reason === undefined) continue;
        this.#bad = { offset: line.offset, line: line.number, reason };
      }
      this.#noteMark(line.bytes);
    }
    return {
      header: this.#header,
      bytes: this.#bytes,
      crc: this.#crc ?? noChecksum,
      nextSeq: this.#nextSeq,
      at: this.#at,
      isStopped: this.#isStopped,
      bad: this.#bad,
      durableBytes: this.#durableBytes,
      isUnknown: this.#isUnknown,
    };
  }

  /**
   * Takes over a valid line.
   *
   * @returns why the line is not valid, having changed nothing; undefined if it is valid
   */
  #take(line: Line): string | undefined {
    if (isBlank(line.bytes)) {
      this.#isBlankBehind = true;
      return undefined;
    }
    if (this.#isBlankBehind) return 'the line stands behind blanks';
    if (!line.complete) return 'the line has no end';
    const opened = openLine(line.bytes);
    if (opened === undefined) return 'the line does not match its checksum';
    if (this.#crc !== undefined && opened.previous !== this.#crc) {
      return 'the line does not follow the one before it';
    }
    const decoded = decodeJournalLine(this.#parse(line.bytes), this.#version);
    if (decoded.kind === 'unknown') {
      this.#isUnknown = true;
      return 'the line is of an unknown kind';
    }
    if ((decoded.kind === 'header') !== (line.number === 1)) return 'the line is out of place';
    const reason =
      decoded.kind === 'header'
        ? headerMisfit(decoded.header, opened)
        : this.#misfit(decoded.line, line.offset);
    if (reason !== undefined) return reason;
    if (decoded.kind === 'header') this.#takeHeader(decoded.header, decoded.version);
    else this.#takeLine(decoded.line);
    this.#crc = opened.checksum;
    this.#bytes = line.offset + line.bytes.length + 1;
    return undefined;
  }

  #misfit(line: JournalLine, offset: number): string | undefined {
    if (line.seq !== this.#nextSeq) return `seq ${this.#nextSeq} expected, ${line.seq} found`;
    return line.d > offset ? 'bytes are missing before the line' : undefined;
  }

  #takeHeader(header: JournalHeader, version: FormatVersion): void {
    this.#version = version;
    this.#header = header;
    this.#nextSeq = header.seq;
    this.#at = header.at;
  }

  #takeLine(line: JournalLine): void {
    this.#nextSeq += line.records.length;
    this.#at = Math.max(this.#at, line.at);
    this.#isStopped = line.mark === 'stop';
    this.#durableBytes = Math.max(this.#durableBytes, line.d);
    if (line.mark === undefined) this.#onLine(line);
  }

  /** A line behind a bad one does not count. Its `d` still says how many bytes must be valid. */
  #noteMark(bytes: Buffer): void {
    if (openLine(bytes) === undefined) return;
    const decoded = decodeJournalLine(parseLine(bytes), this.#version);
    if (decoded.kind !== 'line') return;
    this.#durableBytes = Math.max(this.#durableBytes, decoded.line.d);
  }
}

// Reads one journal from its start. Hands over each batch in order, and says where the valid part
// ends and how much of the file must be valid. Does not judge a bad line: the caller does
// (src/shard/recovery/recovery.ts).
import type { OpenFile } from './file-system.ts';
import type { FormatVersion } from './format-version.ts';
import {
  decodeJournalLine,
  isBlank,
  type JournalHeader,
  type JournalLine,
} from './journal-format.ts';
import { readLines, type Line } from './line-reader.ts';
import { noChecksum, openLine, parseLine, type OpenedLine } from './sealed-line.ts';

export interface BadLine {
  readonly offset: number;
  readonly line: number;
  readonly reason: string;
}

export interface JournalReading {
  readonly header: JournalHeader | undefined;
  /** Length of the valid part in bytes. Where no line is bad, only blanks lie behind it. */
  readonly bytes: number;
  readonly crc: string;
  /** The seq that the next change would take. */
  readonly nextSeq: number;
  /** The highest timestamp in the valid part. */
  readonly at: number;
  /** The valid part's last line is the mark of a clean stop. */
  readonly isStopped: boolean;
  /** The first line that is not valid; undefined where all are. */
  readonly bad: BadLine | undefined;
  /** Highest `d` in any line that proves itself, valid or behind a bad one. */
  readonly durableBytes: number;
  /** A line that proves itself but that this version does not understand. */
  readonly isUnknown: boolean;
}

function headerMisfit(header: JournalHeader, opened: OpenedLine): string | undefined {
  const previous = header.previous?.crc ?? noChecksum;
  return opened.previous === previous ? undefined : 'the header contradicts itself';
}

export class JournalReader {
  readonly #file: OpenFile;
  readonly #onLine: (line: JournalLine) => void;
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

  /** @param onLine called for each valid batch line, in order */
  constructor(file: OpenFile, onLine: (line: JournalLine) => void) {
    this.#file = file;
    this.#onLine = onLine;
  }

  /** @param end read no further than this offset: what lies behind it is disowned */
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

  /** Takes a line over if it is valid; otherwise says why not, and has changed nothing. */
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
    const decoded = decodeJournalLine(parseLine(line.bytes), this.#version);
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

  /** Behind a bad line nothing is taken, but what proves itself still says what must be there. */
  #noteMark(bytes: Buffer): void {
    if (openLine(bytes) === undefined) return;
    const decoded = decodeJournalLine(parseLine(bytes), this.#version);
    if (decoded.kind !== 'line') return;
    this.#durableBytes = Math.max(this.#durableBytes, decoded.line.d);
  }
}

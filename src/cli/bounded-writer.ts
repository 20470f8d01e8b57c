// Writes text to a standard stream that may be full, slow, gone or broken. Never throws. Keeps text
// up to a bound while the stream takes nothing. Text beyond the bound, or after an error, is lost
// and counted. Knows no file descriptor: standard-streams.ts decides whether a write can block.
import { systemErrorCode } from '../base/errors.ts';

export interface BoundedWriterOptions {
  /** Writes some of the bytes and returns how many. Throws the system error; EAGAIN: not now. */
  readonly write: (bytes: Uint8Array) => number;
  /** Most bytes that are kept. */
  readonly bytesMax: number;
  /** Does the work a little later, if the program still runs then. */
  readonly later: (work: () => void) => void;
  /** Blocks for this long, in milliseconds. */
  readonly sleep: (ms: number) => void;
}

interface Piece {
  rest: Uint8Array;
  readonly lines: number;
  hasBegun: boolean;
}

const sleepMs = 5;

export class BoundedWriter {
  readonly #options: BoundedWriterOptions;
  #kept: Piece[] = [];
  #keptBytes = 0;
  #waits = false;
  /** True if the stream has the begin of a line without its end. */
  #isTorn = false;
  #linesLost = 0;
  #linesTold = 0;
  #tell: (linesLost: number) => void = () => undefined;

  constructor(options: BoundedWriterOptions) {
    this.#options = options;
  }

  /** Since the start. */
  get linesLost(): number {
    return this.#linesLost;
  }

  /** Calls `tell` with all lines lost since the start, once writing works. `tell` may write. */
  onLossEnded(tell: (linesLost: number) => void): void {
    this.#tell = tell;
  }

  /** @param text whole lines */
  write(text: string): void {
    const piece = this.#pieceOf(text);
    if (this.#keptBytes + piece.rest.length > this.#options.bytesMax) {
      this.#lose([piece]);
      return;
    }
    this.#kept.push(piece);
    this.#keptBytes += piece.rest.length;
    if (!this.#waits) this.#flush();
  }

  /** Waits for a slow reader no longer than this: for last words. */
  finish(waitMs: number): void {
    this.#flush();
    for (let waitedMs = 0; waitedMs < waitMs && this.#kept.length > 0; waitedMs += sleepMs) {
      this.#options.sleep(sleepMs);
      this.#flush();
    }
  }

  #pieceOf(text: string): Piece {
    // After half a line, the next line must begin on a line of its own.
    const rest = Buffer.from(this.#isTorn ? `\n${text}` : text);
    return { rest, lines: text.split('\n').length - 1, hasBegun: false };
  }

  #flush(): void {
    for (let piece = this.#kept[0]; piece !== undefined; piece = this.#kept[0]) {
      if (!this.#writeSome(piece)) return;
      if (piece.rest.length === 0) this.#kept.shift();
    }
    if (this.#linesTold === this.#linesLost) return;
    this.#linesTold = this.#linesLost;
    this.#tell(this.#linesLost);
  }

  /** @returns whether to go on */
  #writeSome(piece: Piece): boolean {
    try {
      const count = this.#options.write(piece.rest);
      if (count > 0) this.#isTorn = false;
      piece.hasBegun ||= count > 0;
      piece.rest = piece.rest.subarray(count);
      this.#keptBytes -= count;
      return true;
    } catch (error) {
      if (systemErrorCode(error) === 'EAGAIN') this.#tryLater();
      else this.#loseAll();
      return false;
    }
  }

  #tryLater(): void {
    if (this.#waits) return;
    this.#waits = true;
    this.#options.later(() => {
      this.#waits = false;
      this.#flush();
    });
  }

  #loseAll(): void {
    const pieces = this.#kept;
    this.#kept = [];
    this.#keptBytes = 0;
    this.#isTorn ||= pieces[0]?.hasBegun ?? false;
    this.#lose(pieces);
  }

  #lose(pieces: readonly Piece[]): void {
    for (const { lines } of pieces) this.#linesLost += lines;
  }
}

// Prints the progress of long work once in a while. Knows no stream and no clock of its own.

export interface ProgressOptions {
  /** Takes one line without its newline. */
  readonly print: (line: string) => void;
  readonly monotonicMs: () => number;
  /** Milliseconds before the first line, and the least between two lines. */
  readonly everyMs?: number;
}

const defaultEveryMs = 1000;

export class Progress {
  readonly #options: ProgressOptions;
  #work = '';
  #doneBytes = 0;
  #totalBytes: number | undefined = 0;
  #saidAt: number;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#saidAt = options.monotonicMs();
  }

  /**
   * Begins a piece of work.
   *
   * @param work the words with which each line begins
   * @param totalBytes undefined if the size is unknown
   */
  begin(work: string, totalBytes: number | undefined): void {
    this.#work = work;
    this.#doneBytes = 0;
    this.#totalBytes = totalBytes;
  }

  advance(bytes: number): void {
    this.#doneBytes += bytes;
    const { monotonicMs, print, everyMs = defaultEveryMs } = this.#options;
    const now = monotonicMs();
    if (now - this.#saidAt < everyMs) return;
    this.#saidAt = now;
    print(`${this.#work}: ${this.#share()}`);
  }

  #share(): string {
    if (this.#totalBytes === undefined) return `${mebibytes(this.#doneBytes)} MiB`;
    const done = Math.min(this.#doneBytes, this.#totalBytes);
    const percent = this.#totalBytes === 0 ? 100 : Math.floor((100 * done) / this.#totalBytes);
    return `${percent} % of ${mebibytes(this.#totalBytes)} MiB`;
  }
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

// Writes standard output for the commands that end by themselves. Waits for the reader, and notices
// if a write fails. A server uses standard-streams.ts instead.
import { once } from 'node:events';
import { systemErrorCode } from '../base/errors.ts';
import { CommandError, exitCodes } from './command-error.ts';

class StandardOutput {
  #isOpen = false;
  #failure: Error | undefined;

  /**
   * @returns false once the reader has gone, as `| head` does
   * @throws CommandError if writing fails for another reason
   */
  async write(text: string): Promise<boolean> {
    const { stdout } = this.#opened();
    if (!stdout.write(text)) {
      // `once` rejects if the stream fails. The listener in `#opened` keeps the error.
      await once(stdout, 'drain').catch(() => undefined);
    }
    return this.#isRead();
  }

  /** Without waiting, for few lines; `finish` says whether they have been written. */
  print(text: string): void {
    if (this.#failure === undefined) this.#opened().stdout.write(text);
  }

  /** Like `write`, after all text is written. */
  async finish(): Promise<boolean> {
    if (this.#isOpen && this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        process.stdout.write('', () => resolve());
      });
    }
    return this.#isRead();
  }

  /** Only when something is to be written: a server must be the first to touch its streams. */
  #opened(): typeof process {
    if (!this.#isOpen) process.stdout.on('error', (error: Error) => (this.#failure ??= error));
    this.#isOpen = true;
    return process;
  }

  #isRead(): boolean {
    if (this.#failure === undefined) return true;
    const code = systemErrorCode(this.#failure);
    if (code === 'EPIPE') return false;
    const message = `standard output cannot be written (${code ?? String(this.#failure)})`;
    throw new CommandError(exitCodes.failed, message, this.#failure);
  }
}

export const standardOutput = new StandardOutput();

// Standard output for much text: waits for who reads it, and notices when nobody does any more.
import { once } from 'node:events';
import { systemErrorCode } from '../base/errors.ts';

export class StandardOutput {
  #failure: Error | undefined;

  constructor() {
    process.stdout.on('error', (error: Error) => (this.#failure = error));
  }

  /**
   * @returns false once the reader has gone, as `| head` does
   * @throws the system error where it can not be written otherwise
   */
  async write(text: string): Promise<boolean> {
    const { stdout } = process;
    if (!stdout.write(text)) {
      // Rejects by itself when the stream fails; what failed is kept above.
      await once(stdout, 'drain').catch(() => undefined);
    }
    return this.#isRead();
  }

  /** Without waiting, for few lines; `finish` says whether they have been written. */
  print(line: string): void {
    if (this.#failure === undefined) process.stdout.write(`${line}\n`);
  }

  /** As `write` does, once all is written. */
  async finish(): Promise<boolean> {
    if (this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        process.stdout.write('', () => resolve());
      });
    }
    return this.#isRead();
  }

  #isRead(): boolean {
    if (this.#failure === undefined) return true;
    if (systemErrorCode(this.#failure) === 'EPIPE') return false;
    throw this.#failure;
  }
}

// The port by which batches go to a shard's thread, one framed buffer each way. Both ends are here: the
// thread answers batches in the order in which they came. Knows no frame, and no other task.
import type { MessagePort } from 'node:worker_threads';
import type { BatchAnswer } from './shard-task.ts';

type Frame = Uint8Array<ArrayBuffer>;

/** The answer to a batch, bare if there are no news, or the error that the thread's work has thrown. */
type Message = BatchAnswer | Frame | Error;

/**
 * Answers batches for as long as the thread lives.
 *
 * @param answer takes the frame of a batch
 * @returns a promise that stays open until the other end closes the port
 */
export function answerBatches(
  port: MessagePort,
  answer: (frame: Frame) => BatchAnswer,
): Promise<void> {
  port.on('message', (frame: Frame) => {
    let reply: BatchAnswer;
    try {
      reply = answer(frame);
    } catch (error) {
      // The sender gives the thread up, as it does if a task throws.
      port.postMessage(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    port.postMessage(reply.news === undefined ? reply.frame : reply, [reply.frame.buffer]);
  });
  return new Promise((resolve) => void port.once('close', () => resolve()));
}

interface Waiting {
  readonly resolve: (answer: BatchAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** The sender's end of the port. */
export class BatchPort {
  readonly #port: MessagePort;
  readonly #waiting: Waiting[] = [];
  #end: { readonly error: unknown } | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (message: Message) => {
      const first = this.#waiting.shift();
      if (message instanceof Error) first?.reject(message);
      else if ('frame' in message) first?.resolve(message);
      else first?.resolve({ frame: message, news: undefined });
    });
  }

  /**
   * Moves the frame to the thread. Rejects if the thread dies or its work throws: the fate of the
   * batch is unknown then.
   */
  send(frame: Frame): Promise<BatchAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) {
        reject(this.#end.error);
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#port.postMessage(frame, [frame.buffer]);
    });
  }

  /**
   * Rejects all batches that wait, and all later ones.
   *
   * @returns the number of those that waited
   */
  end(error: unknown): number {
    this.#end ??= { error };
    this.#port.close();
    const waiting = this.#waiting.splice(0);
    for (const { reject } of waiting) reject(error);
    return waiting.length;
  }
}

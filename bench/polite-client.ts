// A client that asks for one thing at a time, beside others that ask for much.
import { Agent, request as httpRequest } from 'node:http';

export interface PoliteReply {
  /** Undefined if no reply came. */
  readonly status: number | undefined;
  readonly latencyMs: number;
}

/** Sends one request at a time, on a connection of its own. */
export class PoliteClient {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly replies: PoliteReply[] = [];
  #asksOn = true;

  /** @param url of the key that it puts */
  constructor(url: string) {
    this.#url = url;
  }

  async ask(): Promise<PoliteReply> {
    const startedAtMs = performance.now();
    const status = await this.#put();
    return { status, latencyMs: performance.now() - startedAtMs };
  }

  /** Asks again and again, until `stop`. */
  async askOn(pauseMs = 20): Promise<void> {
    while (this.#asksOn) {
      // oxlint-disable-next-line no-await-in-loop -- one request at a time
      this.replies.push(await this.ask());
      // oxlint-disable-next-line no-await-in-loop
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  stop(): void {
    this.#asksOn = false;
  }

  close(): void {
    this.#agent.destroy();
  }

  #put(): Promise<number | undefined> {
    return new Promise((resolve) => {
      const request = httpRequest(this.#url, { method: 'PUT', agent: this.#agent }, (reply) => {
        reply.resume().once('end', () => resolve(reply.statusCode));
      });
      request.once('error', () => resolve(undefined)).end('v');
    });
  }
}

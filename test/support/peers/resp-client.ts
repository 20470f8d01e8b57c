// Speaks RESP 2 over a bare socket. Gives replies in the types of src/commands.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Reply } from '../../../src/commands/reply.ts';
import { parseReply } from './resp-parser.ts';

interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (reason: Error) => void;
}

function requestOf(words: readonly string[]): string {
  const lines = words.map((word) => `$${word.length}\r\n${word}\r\n`);
  return `*${words.length}\r\n${lines.join('')}`;
}

export class RespClient {
  readonly #socket: Socket;
  #received = '';
  #waiting: Waiting[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => this.#take(chunk));
    socket.on('close', () => this.#fail(new Error('Redis closed the connection')));
    socket.on('error', (reason) => this.#fail(reason));
  }

  static async connect(port: number): Promise<RespClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new RespClient(socket);
  }

  /** @param words byte strings */
  async call(words: readonly string[]): Promise<Reply> {
    const [reply] = await this.callAll([words]);
    if (reply === undefined) throw new Error('a command has one reply');
    return reply;
  }

  /** Sends all commands before it waits for the first reply. */
  callAll(commands: readonly (readonly string[])[]): Promise<Reply[]> {
    const replies = commands.map(
      () => new Promise<Reply>((resolve, reject) => this.#waiting.push({ resolve, reject })),
    );
    this.#socket.write(commands.map(requestOf).join(''), 'latin1');
    return Promise.all(replies);
  }

  close(): void {
    this.#waiting = [];
    this.#socket.destroy();
  }

  #fail(reason: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }

  #take(chunk: string): void {
    this.#received += chunk;
    let end = 0;
    for (;;) {
      const parsed = parseReply(this.#received, end);
      if (parsed === undefined) break;
      end = parsed.end;
      this.#waiting.shift()?.resolve(parsed.reply);
    }
    this.#received = this.#received.slice(end);
  }
}

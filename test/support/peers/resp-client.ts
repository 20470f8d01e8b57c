// Speaks RESP 2 over a bare socket, a command at a time. Gives replies in the terms of src/commands.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { bulk, integer, status, type Reply } from '../../../src/commands/reply.ts';

interface Parsed {
  readonly reply: Reply;
  readonly end: number;
}

/** The reply at `start`, or undefined where it has not arrived whole. */
function parseReply(text: string, start: number): Parsed | undefined {
  const lineEnd = text.indexOf('\r\n', start);
  if (lineEnd === -1) return undefined;
  const [type, line, end] = [text[start], text.slice(start + 1, lineEnd), lineEnd + 2];
  switch (type) {
    case '+':
      return { reply: status(line), end };
    case '-':
      return { reply: { kind: 'error', message: line }, end };
    case ':':
      return { reply: integer(BigInt(line)), end };
    case '$':
      return parseBulk(text, Number(line), end);
    case '*':
      return parseArray(text, Number(line), end);
    default:
      throw new Error(`not RESP: ${JSON.stringify(text.slice(start, start + 20))}`);
  }
}

function parseBulk(text: string, length: number, start: number): Parsed | undefined {
  if (length === -1) return { reply: bulk(null), end: start };
  const end = start + length;
  return text.length < end + 2 ? undefined : { reply: bulk(text.slice(start, end)), end: end + 2 };
}

function parseArray(text: string, length: number, start: number): Parsed | undefined {
  if (length === -1) return { reply: { kind: 'array', items: null }, end: start };
  const items: Reply[] = [];
  let end = start;
  while (items.length < length) {
    const parsed = parseReply(text, end);
    if (parsed === undefined) return undefined;
    items.push(parsed.reply);
    end = parsed.end;
  }
  return { reply: { kind: 'array', items }, end };
}

export class RespClient {
  readonly #socket: Socket;
  #received = '';
  #waiting: ((reply: Reply) => void) | undefined;
  #failing: ((reason: Error) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => this.#take(chunk));
    socket.on('close', () => this.#failing?.(new Error('Redis closed the connection')));
    socket.on('error', (reason) => this.#failing?.(reason));
  }

  static async connect(port: number): Promise<RespClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    return new RespClient(socket);
  }

  /** @param words byte strings */
  call(words: readonly string[]): Promise<Reply> {
    const lines = words.map((word) => `$${word.length}\r\n${word}\r\n`);
    return new Promise((resolve, reject) => {
      this.#waiting = resolve;
      this.#failing = reject;
      this.#socket.write(`*${words.length}\r\n${lines.join('')}`, 'latin1');
    });
  }

  close(): void {
    this.#failing = undefined;
    this.#socket.destroy();
  }

  #take(chunk: string): void {
    this.#received += chunk;
    const parsed = parseReply(this.#received, 0);
    if (parsed === undefined) return;
    this.#received = this.#received.slice(parsed.end);
    this.#waiting?.(parsed.reply);
  }
}

// One kept-alive connection to a server, one request at a time. Never sends anything twice. A
// request without a whole reply fails, and the error says whether it was sent at all.
import { Agent, request, type IncomingHttpHeaders } from 'node:http';

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export class NoReplyError extends Error {
  /** True if no server accepted the connection. */
  readonly wasRefused: boolean;
  readonly code: string;

  constructor(cause: Error & { code?: string }) {
    super(cause.message, { cause });
    this.code = cause.code ?? cause.name;
    this.wasRefused = cause.code === 'ECONNREFUSED';
  }
}

const replyDeadlineMs = 20_000;

export class HttpConnection {
  readonly #url: URL;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(url: string) {
    this.#url = new URL(url);
  }

  /** @throws NoReplyError */
  send({ method, path, headers = {}, body }: HttpRequest): Promise<HttpReply> {
    const { hostname: host, port } = this.#url;
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(replyDeadlineMs);
      const fail = (error: Error): void => reject(new NoReplyError(error));
      const sent = request({ host, port, method, path, headers, signal, agent: this.#agent });
      sent.on('error', fail).on('response', (reply) => {
        const pieces: Buffer[] = [];
        reply.on('data', (piece: Buffer) => pieces.push(piece)).on('error', fail);
        reply.on('end', () => {
          if (!reply.complete) fail(new Error('the reply was cut short'));
          const status = reply.statusCode ?? 0;
          resolve({ status, headers: reply.headers, body: Buffer.concat(pieces).toString() });
        });
      });
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

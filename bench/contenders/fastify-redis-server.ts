// `node fastify-redis-server.js PORT`: values over HTTP, kept in the Redis on this port. Commands of one
// turn of the event loop go in one write, as clients with automatic pipelining send them.
import { fastify } from 'fastify';
import { RespClient } from '../../test/support/peers/resp-client.ts';
import type { Reply } from '../../src/commands/reply.ts';

interface Waiting {
  readonly words: readonly string[];
  readonly resolve: (reply: Reply) => void;
  readonly reject: (reason: unknown) => void;
}

class PipelinedRedis {
  readonly #client: RespClient;
  #waiting: Waiting[] = [];

  constructor(client: RespClient) {
    this.#client = client;
  }

  call(words: readonly string[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#send());
      this.#waiting.push({ words, resolve, reject });
    });
  }

  #send(): void {
    const sent = this.#waiting;
    this.#waiting = [];
    this.#client.callAll(sent.map(({ words }) => words)).then(
      (replies) => replies.forEach((reply, index) => sent[index]?.resolve(reply)),
      (reason: unknown) => sent.forEach(({ reject }) => reject(reason)),
    );
  }
}

const redis = new PipelinedRedis(await RespClient.connect(Number(process.argv[2])));
const app = fastify({ bodyLimit: 64 * 1024 * 1024 });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

interface KeyRoute {
  readonly Params: { readonly '*': string };
}

app.get<KeyRoute>('/v1/keys/*', async (request, reply) => {
  const value = await redis.call(['GET', request.params['*']]);
  if (value.kind !== 'bulk' || value.value === null) return reply.code(404).send();
  return reply.type('application/octet-stream').send(Buffer.from(value.value, 'latin1'));
});

app.put<KeyRoute>('/v1/keys/*', async (request, reply) => {
  const body = Buffer.isBuffer(request.body) ? request.body.toString('latin1') : '';
  const { kind } = await redis.call(['SET', request.params['*'], body]);
  return reply.code(kind === 'status' ? 200 : 500).send();
});

const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`fastify before Redis listens on ${url}\n`);

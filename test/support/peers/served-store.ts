// A Holdfast for one test: the real engine with several shards behind the real HTTP layer, on a
// free port. Also a client that speaks the protocol of Upstash.
import { Client } from 'undici';
import { systemClock } from '../../../src/base/clock.ts';
import type { Reply } from '../../../src/commands/reply.ts';
import { buildApp } from '../../../src/http/app.ts';
import { drain, listen } from '../../../src/http/server.ts';
import { accessOver } from '../http/open-app.ts';
import { makeTestFolder, openTestStore } from '../stores/embedded-store.ts';
import type { SentCommand } from './random-sent-commands.ts';
import { parseReplies } from './resp-parser.ts';
import { jsonOfCommand, percentEncode, queryOf } from './upstash-wire.ts';

export interface ServedStore {
  readonly client: UpstashClient;
  readonly stop: () => Promise<void>;
}

const shards = 3;

/** Starts an empty server with values of up to so many bytes. */
export async function serveStore(valueBytesMax: number): Promise<ServedStore> {
  const folder = await makeTestFolder();
  // Both servers must have the same time, because tests compare deadlines.
  const store = await openTestStore(folder.path, { shards, clock: systemClock });
  const app = await buildApp({
    store,
    clock: systemClock,
    version: '0.0.0-test',
    logger: false,
    access: await accessOver(store),
    limits: {
      keyBytesMax: 1024,
      valueBytesMax,
      batchOperationsMax: 1000,
      batchBytesMax: 16 * 1024 * 1024,
      bodyBytesInFlightMax: 64 * 1024 * 1024,
      replyBytesMax: 256 * 1024 * 1024,
      requestTimeoutMs: 30_000,
      headersTimeoutMs: 10_000,
      keepAliveTimeoutMs: 65_000,
      connectionsMax: 100,
      waitersMax: 100,
      idempotencyWindowMs: 60_000,
      idempotencyRecordsMax: 100,
    },
  });
  const { url } = await listen(app, { host: '127.0.0.1', port: 0 });
  const client = new UpstashClient(url);
  const stop = async () => {
    await client.close();
    await drain(app, { deadlineMs: 0 });
    await store.close();
    await folder.remove();
  };
  return { client, stop };
}

interface Request {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

const asResp2 = { 'upstash-response-format': 'resp2' };

function bytesOfText(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** The server must not take this for a word of the command. */
const token = '_token=secret';

/** All methods mean the same for a command in the path. GET has no body. */
function requestOf(command: SentCommand): Request {
  const { words, form, hasNumbers } = command;
  const [name = '', key = '', value = '', ...options] = words;
  switch (form) {
    case 'path': {
      const path = `/upstash/${words.map(percentEncode).join('/')}?${token}`;
      return { method: hasNumbers ? 'POST' : 'GET', path, headers: asResp2 };
    }
    case 'body': {
      const path = `/upstash/${percentEncode(name)}/${percentEncode(key)}`;
      const query = `?${options.length === 0 ? '' : `${queryOf(options)}&`}${token}`;
      const method = hasNumbers ? 'POST' : 'PUT';
      return { method, path: path + query, headers: asResp2, body: value };
    }
    case 'base64':
    case 'json': {
      const headers: Record<string, string> = {};
      if (form === 'base64') headers['upstash-encoding'] = 'base64';
      const body = bytesOfText(jsonOfCommand(command));
      return { method: 'POST', path: '/upstash', headers, body };
    }
    case 'pipeline':
    case 'transaction':
      throw new Error('it is asked as a whole');
    default:
      return form satisfies never;
  }
}

/** Sends one request at a time. */
export class UpstashClient {
  readonly #client: Client;

  constructor(url: string) {
    this.#client = new Client(url);
  }

  /** Sends one command in the form that it states. */
  alone(command: SentCommand): Promise<HttpAnswer> {
    return this.#ask(requestOf(command));
  }

  /** Sends all commands in one request, whatever forms they state. */
  async pipeline(commands: readonly SentCommand[]): Promise<Reply[]> {
    const answer = await this.#askMany('/upstash/pipeline', commands, asResp2);
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`);
    return parseReplies(answer.body);
  }

  /** Sends all commands as one transaction. Strings of the reply are in base64. */
  transaction(commands: readonly SentCommand[]): Promise<HttpAnswer> {
    return this.#askMany('/upstash/multi-exec', commands, { 'upstash-encoding': 'base64' });
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #askMany(
    path: string,
    commands: readonly SentCommand[],
    headers: Record<string, string>,
  ): Promise<HttpAnswer> {
    const body = bytesOfText(`[${commands.map(jsonOfCommand).join(',')}]`);
    return this.#ask({ method: 'POST', path: `${path}?${token}`, headers, body });
  }

  async #ask({ body, ...request }: Request): Promise<HttpAnswer> {
    const bytes = body === undefined ? null : Buffer.from(body, 'latin1');
    const reply = await this.#client.request({ ...request, body: bytes });
    const answer = Buffer.from(await reply.body.arrayBuffer()).toString('latin1');
    return { status: reply.statusCode, body: answer };
  }
}

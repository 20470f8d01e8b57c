// Measures requests from their bytes to the bytes of their replies, without sockets: the fast lane, the
// gates, the handlers and the store below them. A stand-in takes the place of each socket. The difference
// to a row of npm run bench is the kernel's work, and that of node's streams.
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { pino } from 'pino';
import { systemClock } from '../src/base/clock.ts';
import { openServer } from '../src/server/open-server.ts';
import { combineSettings, givenByMembers } from '../src/settings/combine-settings.ts';
import type { Layer } from './layer.ts';
import type { Belongings } from './measuring/belongings.ts';
import { seededValue } from './rows/values.ts';
import { keyOf, randomStream } from './workload.ts';

const keys = 10_000;
const valueBytes = 100;
const connections = 64;
const pipelineLength = 100;
const closeMs = 10_000;

const random = randomStream(2);
const drawIndex = (): number => Math.floor(random() * keys);

/** Takes replies at once. Has the parts of a socket that the lane uses. */
class StandInSocket extends EventEmitter {
  readonly remoteAddress = '127.0.0.1';
  readonly writableLength = 0;
  readonly readableEnded = false;
  isFailed = false;
  #isCorked = false;
  #onReply: () => void = () => undefined;

  /** Sends a request. `onReply` is called once its reply is written. */
  ask(request: Buffer, onReply: () => void): void {
    this.#onReply = onReply;
    this.emit('data', request);
  }

  write(text: string | Uint8Array): boolean {
    if (typeof text === 'string' && !text.startsWith('HTTP/1.1 20')) this.isFailed = true;
    if (!this.#isCorked) this.#onReply();
    return true;
  }

  cork(): void {
    this.#isCorked = true;
  }

  uncork(): void {
    this.#isCorked = false;
    this.#onReply();
  }

  destroy(): void {
    this.isFailed = true;
    this.emit('close');
  }

  destroySoon(): void {
    this.destroy();
  }

  readonly pause = (): this => this;
  readonly resume = (): this => this;
  readonly setTimeout = (): this => this;
  readonly setNoDelay = (): this => this;
}

function requestOf(line: string, body?: string): Buffer {
  const length = body === undefined ? '' : `content-length: ${body.length}\r\n`;
  return Buffer.from(`${line} HTTP/1.1\r\nhost: localhost\r\n${length}\r\n${body ?? ''}`);
}

const value = seededValue(0, 0, valueBytes);
const get = (): Buffer => requestOf(`GET /v1/keys/${keyOf(drawIndex())}`);
const put = (): Buffer => requestOf(`PUT /v1/keys/${keyOf(drawIndex())}`, value);

function pipeline(command: (key: string) => readonly string[]): Buffer {
  const from = drawIndex();
  const commands = Array.from({ length: pipelineLength }, (_, n) =>
    command(keyOf((from + n) % keys)),
  );
  return requestOf('POST /upstash/pipeline', JSON.stringify(commands));
}

const pipelineOfGets = (): Buffer => pipeline((key) => ['GET', key]);
const pipelineOfSets = (): Buffer => pipeline((key) => ['SET', key, value]);

/** Making requests must cost nothing. */
function made(make: () => Buffer): readonly Buffer[] {
  return Array.from({ length: 1000 }, make);
}

/** @returns layers whose operations are requests, or the commands of pipelines */
export async function laneLayers(belongings: Belongings): Promise<Layer[]> {
  const dataDir = join(await belongings.folder(), 'data');
  const settings = combineSettings([
    givenByMembers({ dataDir, port: 0, fsync: 'interval', shards: 2 }, 'the bench'),
  ]);
  const logger = pino({ level: 'silent' });
  const server = await openServer({ settings, logger, clock: systemClock });
  if (server === undefined) throw new Error('the server did not start');
  belongings.add(() => server.close(closeMs));
  const sockets = Array.from({ length: connections }, () => new StandInSocket());
  for (const socket of sockets) server.app.server.emit('connection', socket);

  /** Each connection asks once. */
  function layer(name: string, make: () => Buffer, operations = 1): Layer {
    const requests = made(make);
    let next = 0;
    const step = (): Promise<number> =>
      new Promise((resolve, reject) => {
        let left = connections;
        const onReply = (): void => {
          left -= 1;
          if (left > 0) return;
          if (sockets.some(({ isFailed }) => isFailed)) reject(new Error(`${name}: a bad reply`));
          else resolve(connections * operations);
        };
        for (const socket of sockets) {
          const request = requests[next++ % requests.length];
          if (request !== undefined) socket.ask(request, onReply);
        }
      });
    return { name, step };
  }

  const fill = layer('fill', pipelineOfSets);
  for (let round = 0; round < (10 * keys) / pipelineLength / connections; round++)
    await fill.step();
  return [
    layer('lane, GET', get),
    layer('lane, PUT, not synced', put),
    layer('lane, GET in a pipeline of 100', pipelineOfGets, pipelineLength),
    layer('lane, SET in a pipeline of 100', pipelineOfSets, pipelineLength),
  ];
}

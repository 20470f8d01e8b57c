// A redis-server that stands behind contenders, with the durability of a row: `appendfsync always` for
// fsync always, `everysec` for fsync interval. Fills it and reads it by its own protocol.
import { setTimeout as delay } from 'node:timers/promises';
import { RespClient } from '../../test/support/peers/resp-client.ts';
import { freePort } from '../../test/support/processes/process-facts.ts';
import { pinned } from '../measuring/cpu-pins.ts';
import type { Row } from '../rows/row.ts';
import { seededValue } from '../rows/values.ts';
import { keyOf } from '../workload.ts';
import type { Place } from './contender.ts';

export interface StartedRedis {
  readonly port: number;
  readonly pid: number;
  readonly settings: string;
  /** @param nameOf the key with a number */
  fill(
    from: number,
    to: number,
    valueBytes: number,
    nameOf?: (index: number) => string,
  ): Promise<void>;
  read(key: string): Promise<string | undefined>;
}

const startTries = 200;
const commandsAtOnce = 1000;
const bytesAtOnce = 4 * 1024 * 1024;

async function connectSoon(port: number): Promise<RespClient> {
  for (let tries = 0; tries < startTries; tries++) {
    const client = await RespClient.connect(port).catch(() => undefined);
    if (client !== undefined) return client;
    await delay(25);
  }
  throw new Error(`redis-server does not listen on port ${port}`);
}

async function fill(
  client: RespClient,
  [from, to]: readonly [number, number],
  valueBytes: number,
  nameOf: (index: number) => string,
): Promise<void> {
  const each = Math.ceil(Math.min(commandsAtOnce, bytesAtOnce / valueBytes));
  for (let at = from; at < to; at += each) {
    const commands = Array.from({ length: Math.min(each, to - at) }, (_, offset) => [
      'SET',
      nameOf(at + offset),
      seededValue(at + offset, 0, valueBytes),
    ]);
    const replies = await client.callAll(commands);
    const refused = replies.find(({ kind }) => kind === 'error');
    if (refused !== undefined) throw new Error(`Redis refused a SET: ${JSON.stringify(refused)}`);
  }
}

export async function startRedis(
  { fsync }: Pick<Row, 'fsync'>,
  { belongings, pins }: Place,
): Promise<StartedRedis> {
  const [folder, port] = [await belongings.folder(), await freePort()];
  const appendfsync = fsync === 'always' ? 'always' : 'everysec';
  const own = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  const durable = ['--appendonly', 'yes', '--appendfsync', appendfsync];
  const command = pinned(pins.servers, ['redis-server', ...own, ...durable]);
  const program = belongings.start(command);
  const client = await connectSoon(port);
  belongings.add(() => Promise.resolve(client.close()));
  return {
    port,
    pid: program.pid,
    settings: `appendonly yes, appendfsync ${appendfsync}`,
    fill: (from, to, valueBytes, nameOf = keyOf) => fill(client, [from, to], valueBytes, nameOf),
    read: async (key) => {
      const reply = await client.call(['GET', key]);
      if (reply.kind === 'error') throw new Error(`Redis refused a GET: ${reply.message}`);
      return reply.kind === 'bulk' ? (reply.value ?? undefined) : undefined;
    },
  };
}

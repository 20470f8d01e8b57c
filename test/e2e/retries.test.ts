// Clients retry with an Idempotency-Key while the program is killed again and again. In the end
// every request has happened exactly once, over one shard or several.
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  makeTemporaryFolder,
  type ProgramProcess,
  removeFolder,
  startServer,
} from '../support/processes/server-process.ts';

const clients = 6;
const requestsEach = 40;
const lives = 4;

let folder: string;
let program: ProgramProcess | undefined;
/** Address of the running server; between two servers, that of the last one. */
let url: string;

beforeEach(async () => void (folder = await makeTemporaryFolder()));
afterEach(async () => {
  await program?.end();
  await removeFolder(folder);
});

async function start(): Promise<void> {
  const server = await startServer(folder, ['--shards', '4']);
  ({ program, url } = server);
}

interface Answer {
  readonly text: string;
  readonly isReplayed: boolean;
}

/** Sends the request again until an answer comes. */
async function sendUntilAnswered(path: string, key: string, body: string): Promise<Answer> {
  for (;;) {
    try {
      const headers = { 'idempotency-key': key };
      // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
      const reply = await fetch(`${url}${path}`, { method: 'POST', headers, body });
      // oxlint-disable-next-line no-await-in-loop
      const text = await reply.text();
      if (reply.status === 200) {
        return { text, isReplayed: reply.headers.get('idempotent-replayed') === 'true' };
      }
      if (reply.status !== 503 && reply.status !== 409) throw new Error(text);
    } catch (error) {
      // The connection is cut, or no server listens.
      if (!(error instanceof TypeError)) throw error;
    }
    // oxlint-disable-next-line no-await-in-loop
    await delay(5);
  }
}

/** Adds one to several shards by a transaction, and one by a pipeline. */
async function count(client: number): Promise<number> {
  let replayed = 0;
  for (let request = 0; request < requestsEach; request++) {
    const keys = ['all', `client/${client}`, `request/${request % 7}`];
    const operations = keys.map((key) => ({ op: 'increment', key }));
    const body = JSON.stringify({ operations });
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const answer = await sendUntilAnswered('/v1/transactions', `${client}/${request}`, body);
    const { results } = JSON.parse(answer.text) as { results: { value: string }[] };
    // No other client counts here, so a late answer must be that of the first attempt.
    expect(results[1]?.value).toBe(String(request + 1));
    const pipeline = JSON.stringify([['INCR', `pipeline/${client}`]]);
    // oxlint-disable-next-line no-await-in-loop
    const piped = await sendUntilAnswered('/upstash/pipeline', `${client}/${request}`, pipeline);
    expect(piped.text).toBe(`[{"result":${request + 1}}]`);
    replayed += Number(answer.isReplayed) + Number(piped.isReplayed);
  }
  return replayed;
}

test('a request that is retried until its answer has happened once, through kills at any moment', async () => {
  await start();
  const counting = Promise.all(Array.from({ length: clients }, (_, client) => count(client)));
  for (let life = 0; life < lives; life++) {
    // oxlint-disable no-await-in-loop -- one life after the other
    await delay(150 + 60 * life);
    await program?.end();
    await start();
    // oxlint-enable no-await-in-loop
  }
  await counting;
  const names = ['all', ...Array.from({ length: clients }, (_, client) => `pipeline/${client}`)];
  const read = await fetch(`${url}/upstash/mget/${names.map(encodeURIComponent).join('/')}`);
  const { result } = (await read.json()) as { result: string[] };
  expect(result).toEqual([
    String(clients * requestsEach),
    ...Array.from({ length: clients }, () => String(requestsEach)),
  ]);
}, 120_000);

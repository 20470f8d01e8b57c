// etcd by its HTTP gateway, as a contender. It syncs every write, so it takes rows with fsync always
// alone. Its gateway speaks JSON with Base64.
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { freePort } from '../../test/support/processes/process-facts.ts';
import { pinned } from '../measuring/cpu-pins.ts';
import { base64, expand, type Dialect, type RequestTemplate } from '../rows/request-template.ts';
import { isPlain } from '../rows/row.ts';
import { send } from '../send.ts';
import type { BenchRequest } from '../workload.ts';
import type { Contender, Running } from './contender.ts';
import { textAt } from './http-values.ts';
import { firstMissing, versionOf } from './installed.ts';

const range: RequestTemplate = {
  method: 'POST',
  path: '/v3/kv/range',
  body: '{"key":"$key64"}',
  // The text value- in Base64.
  replyHolds: '"value":"dmFsdWUt',
};
const put: RequestTemplate = {
  method: 'POST',
  path: '/v3/kv/put',
  body: '{"key":"$key64","value":"$value64"}',
};
const putIn = (key: string, value: string): string =>
  `{"requestPut":{"key":"${key}","value":"${value}"}}`;
const transaction: RequestTemplate = {
  method: 'POST',
  path: '/v3/kv/txn',
  body: `{"success":[${putIn('$key64', '$value64')},${putIn('$other64', '$otherValue64')}]}`,
  replyHolds: '"succeeded":true',
};
const dialect: Dialect = { get: range, put, transaction };

/** It is filled by one request a key, and more would take long. */
const keysMax = 10_000;
const valueBytesMax = 1024;
const startTries = 400;

async function waitFor(url: string): Promise<void> {
  for (let tries = 0; tries < startTries; tries++) {
    const reply = await fetch(`${url}/health`).catch(() => undefined);
    if (reply?.ok === true) return;
    await delay(25);
  }
  throw new Error(`etcd does not answer at ${url}`);
}

async function read(url: string, key: string): Promise<string | undefined> {
  const body = `{"key":"${base64(key)}"}`;
  const text = await textAt(url + range.path, { method: 'POST', body });
  const { kvs }: { kvs?: { value: string }[] } = JSON.parse(text ?? '{}');
  return kvs?.[0] === undefined
    ? undefined
    : Buffer.from(kvs[0].value, 'base64').toString('latin1');
}

function fillRequest(index: number, valueBytes: number): BenchRequest {
  const body = expand(put.body ?? '', { index, seed: 0, valueBytes, keys: index + 1 });
  return { method: 'POST', path: put.path, body };
}

export const etcd: Contender = {
  name: 'etcd',
  missing: () => firstMissing('etcd'),
  versions: () => `etcd ${versionOf('etcd', '--version', /Version: (\S+)/)}`,
  takes: ({ work, fsync, keys, valueBytes }) =>
    (isPlain(work) || work === 'transaction') &&
    fsync === 'always' &&
    keys <= keysMax &&
    valueBytes <= valueBytesMax,
  start: async (_row, { belongings, pins }): Promise<Running> => {
    const [port, peerPort] = [await freePort(), await freePort()];
    const [url, peerUrl] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
    const flags = Object.entries({
      '--data-dir': join(await belongings.folder(), 'data'),
      '--listen-client-urls': url,
      '--advertise-client-urls': url,
      '--listen-peer-urls': peerUrl,
      '--initial-advertise-peer-urls': peerUrl,
      '--initial-cluster': `default=${peerUrl}`,
      '--logger': 'zap',
      '--log-level': 'error',
    }).flat();
    const program = belongings.start(pinned(pins.servers, ['etcd', ...flags]));
    await waitFor(url);
    return {
      url,
      pids: [program.pid],
      settings: 'syncs every write',
      dialect,
      fill: async (from, to, valueBytes) => {
        const indexes = Array.from({ length: to - from }, (_, offset) => from + offset);
        await send(
          url,
          indexes.map((index) => fillRequest(index, valueBytes)),
        );
      },
      read: (key) => read(url, key),
    };
  },
};

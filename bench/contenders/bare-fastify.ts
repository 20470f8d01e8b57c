// A fastify server that stores nothing, as a contender: the cost of HTTP alone. It repeats replies that
// Holdfast has given to the same requests (bare-server.ts).
import { join } from 'node:path';
import { programFolder } from '../../src/base/program-folder.ts';
import { urlOf } from '../../test/support/processes/server-process.ts';
import { pinned } from '../measuring/cpu-pins.ts';
import { recordReply, type RecordedReplies } from '../recorded-reply.ts';
import { restDialect } from '../rows/request-template.ts';
import { isPlain, type Row } from '../rows/row.ts';
import { seededValue } from '../rows/values.ts';
import { keyOf } from '../workload.ts';
import type { Contender, Place, Running } from './contender.ts';
import { startHoldfast } from './holdfast.ts';
import { packageVersionIn } from './installed.ts';

async function record(row: Row, place: Place): Promise<RecordedReplies> {
  const { program, url } = await startHoldfast(undefined, row, place);
  const value = seededValue(1, 0, row.valueBytes);
  const path = `/v1/keys/${keyOf(1)}`;
  const put = { method: 'PUT', path, body: value } as const;
  const operations = [{ op: 'put', key: keyOf(1), value }];
  const batch = {
    method: 'POST',
    path: '/v1/batch',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ operations }),
  } as const;
  // The first put makes the entry, and later ones are answered otherwise.
  await recordReply(url, put);
  const replies = {
    get: await recordReply(url, { method: 'GET', path }),
    put: await recordReply(url, put),
    batch: await recordReply(url, batch),
  };
  await program.end();
  return replies;
}

export const bareFastify: Contender = {
  name: 'bare',
  missing: () => undefined,
  versions: () => `fastify ${packageVersionIn(programFolder, 'fastify')}`,
  takes: ({ work }) => isPlain(work),
  start: async (row, place): Promise<Running> => {
    const env = { BARE_REPLIES: JSON.stringify(await record(row, place)) };
    const program = join(import.meta.dirname, '..', 'bare-server.js');
    const command = pinned(place.pins.servers, [process.execPath, program]);
    const server = place.belongings.start(command, { env });
    return {
      url: await urlOf(server),
      pids: [server.pid],
      settings: 'stores nothing',
      dialect: restDialect,
      fill: undefined,
      read: () => Promise.resolve(undefined),
    };
  },
};

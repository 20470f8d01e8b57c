// Holdfast as a contender, from any folder that has a build of it.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { urlOf, type ProgramProcess } from '../../test/support/processes/server-process.ts';
import { programFolder } from '../../src/base/program-folder.ts';
import { pinned } from '../measuring/cpu-pins.ts';
import { restDialect } from '../rows/request-template.ts';
import type { Row } from '../rows/row.ts';
import { seededValue } from '../rows/values.ts';
import { sendOne } from '../send.ts';
import { keyOf, type BenchRequest } from '../workload.ts';
import { startCaddy } from './caddy.ts';
import type { Contender, Place, Running } from './contender.ts';
import { textAt } from './http-values.ts';
import { openIdle } from './idle-connections.ts';

const requestBytes = 1024 * 1024;
const requestOperationsMax = 2000;
const batchesAtOnce = 4;

function fillRequest(from: number, to: number, valueBytes: number): BenchRequest {
  const operations = Array.from({ length: to - from }, (_, offset) => ({
    op: 'put',
    key: keyOf(from + offset),
    value: seededValue(from + offset, 0, valueBytes),
  }));
  const headers = { 'content-type': 'application/json' };
  return { method: 'POST', path: '/v1/batch', headers, body: JSON.stringify({ operations }) };
}

function headersWith(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function withToken(request: BenchRequest, token: string | undefined): BenchRequest {
  return { ...request, headers: { ...request.headers, ...headersWith(token) } };
}

/** Writes the values of these keys with seed 0. */
export async function fillHoldfast(
  url: string,
  from: number,
  to: number,
  valueBytes: number,
  token?: string,
): Promise<void> {
  const each = Math.min(requestOperationsMax, Math.ceil(requestBytes / valueBytes));
  let next = from;
  const sendRest = async (): Promise<void> => {
    while (next < to) {
      const at = next;
      next = Math.min(to, at + each);
      await sendOne(url, withToken(fillRequest(at, next, valueBytes), token));
    }
  };
  await Promise.all(Array.from({ length: batchesAtOnce }, sendRest));
}

/** The conditions of a row that change the start of a server. */
export type Settings = Pick<Row, 'fsync' | 'flags' | 'isAuthenticated'>;

interface StartedHoldfast {
  readonly program: ProgramProcess;
  readonly url: string;
  readonly settings: string;
  readonly token: string | undefined;
}

/** As its package.json names it: older commits have it elsewhere. */
function programFileIn(folder: string): string {
  const text = readFileSync(join(folder, 'package.json'), 'utf8');
  const { bin } = JSON.parse(text) as { readonly bin: { readonly holdfast: string } };
  return join(folder, bin.holdfast);
}

/**
 * Starts a build of Holdfast with the settings of a row.
 *
 * @param folder with the build in dist/; undefined for this project's own
 */
export async function startHoldfast(
  folder: string | undefined,
  row: Settings,
  { belongings, pins }: Place,
): Promise<StartedHoldfast> {
  const flags = ['--fsync', row.fsync, ...(row.flags ?? [])];
  const own = ['--port', '0', '--data-dir', join(await belongings.folder(), 'data')];
  const main = programFileIn(folder ?? programFolder);
  const command = [process.execPath, main, 'serve', ...own, ...flags];
  const token = row.isAuthenticated === true ? randomBytes(24).toString('hex') : undefined;
  // Not a flag: other users of the machine can see a command line.
  const env: Record<string, string> = token === undefined ? {} : { HOLDFAST_TOKEN: token };
  const program = belongings.start(pinned(pins.servers, command), { env });
  const settings = token === undefined ? flags : [...flags, 'a token is needed'];
  return { program, url: await urlOf(program), settings: settings.join(' '), token };
}

/** @param folder with a build in dist/ */
export function holdfast(name: string, folder: string = programFolder): Contender {
  return {
    name,
    missing: () => undefined,
    versions: () => `Node ${process.version}`,
    takes: () => true,
    start: async (row, place): Promise<Running> => {
      const { program, url, settings, token } = await startHoldfast(folder, row, place);
      const proxy = row.proxy === undefined ? undefined : await startCaddy(url, place);
      const { idleConnections = 0 } = row;
      const headers = headersWith(token);
      if (idleConnections > 0) await openIdle(url, idleConnections, place.belongings);
      return {
        url: proxy?.url ?? url,
        settings: [settings, ...(proxy === undefined ? [] : [proxy.version])].join('; '),
        pids: [program.pid, ...(proxy === undefined ? [] : [proxy.pid])],
        dialect: restDialect,
        fill: (from, to, valueBytes) => fillHoldfast(url, from, to, valueBytes, token),
        read: (key) => textAt(`${url}/v1/keys/${key}`, { headers }),
        ...(token !== undefined && { token }),
      };
    },
  };
}

// Measures the cost of authentication and authorization. The same GETs of 100-byte values, from the
// read cache, go to three servers: an open one; one with a single user; one with 10,000 users, a
// token each, and 1,000 namespaces. All run all the time, and short rounds of load alternate between
// them. The figures are requests a second and the server's CPU a request, each as the median of the
// ratios to the open server in the same round. Then it measures how long the stores take to start.
//
//   npm run bench:access -- --rounds 15 --seconds 2
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { wholeNumber } from '../test/support/arguments/whole-number.ts';
import {
  makeTemporaryFolder,
  removeFolder,
  startServer,
  type ServerProcess,
} from '../test/support/processes/server-process.ts';
import { loadRound, type Plan } from './load-round.ts';
import { machineFacts } from './machine-facts.ts';
import { median } from './median.ts';
import { send } from './send.ts';
import { fillRequests, keyCount, type BenchRequest } from './workload.ts';

interface Side {
  readonly name: string;
  readonly folder: string;
  readonly server: ServerProcess;
  /** Undefined for the open server. */
  readonly token: string | undefined;
}

interface Figures {
  readonly requestsPerSecond: number;
  /** Microseconds of the server's CPU, of all its threads. */
  readonly cpuMicroseconds: number;
}

const namespace = 'app';

/** Seconds of CPU that a process has taken so far. The system counts in hundredths. */
function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function answerOf(url: string, token: string | undefined, request: BenchRequest) {
  const { path, ...init } = request;
  const headers = new Headers(token === undefined ? {} : { authorization: `Bearer ${token}` });
  const reply = await fetch(url + path, { ...init, headers });
  if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
  return await reply.text();
}

const put = (path: string): BenchRequest => ({ method: 'PUT', path });

/** @returns the new token */
async function addToken(url: string, admin: string | undefined, user: string, grant: object) {
  await answerOf(url, admin, put(`/v1/admin/users/${user}`));
  const body = JSON.stringify({ name: 'bench', grants: [grant] });
  const path = `/v1/admin/users/${user}/tokens`;
  const made = await answerOf(url, admin, { method: 'POST', path, body });
  return (JSON.parse(made) as { token: string }).token;
}

const atOnce = 32;

async function times(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const rest = async (): Promise<void> => {
    // oxlint-disable-next-line no-await-in-loop -- so many at once, and no more
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, rest));
}

/** An open server, or one with so many users and namespaces. The last user is the one that asks. */
async function openSide(name: string, users: number, namespaces: number): Promise<Side> {
  const folder = await makeTemporaryFolder();
  const server = await startServer(join(folder, 'data'));
  const { url } = server;
  await send(url, fillRequests(0, keyCount, 1000));
  await answerOf(url, undefined, put(`/v1/admin/namespaces/${namespace}`));
  for (const one of fillRequests(0, keyCount, 1000)) {
    // oxlint-disable-next-line no-await-in-loop -- a few large requests
    await answerOf(url, undefined, { ...one, path: `/ns/${namespace}${one.path}` });
  }
  if (users === 0) return { name, folder, server, token: undefined };
  const admin = await addToken(url, undefined, 'root', { namespace: '*', role: 'admin' });
  await times(namespaces, (index) =>
    answerOf(url, admin, put(`/v1/admin/namespaces/other-${index}`)),
  );
  await times(users - 1, (index) =>
    addToken(url, admin, `user-${index}`, {
      namespace: `other-${index % namespaces}`,
      role: 'write',
      prefixes: ['a:', 'b:'],
    }),
  );
  const grant = { namespace, role: 'read', prefixes: ['key-', 'log-'] };
  return { name, folder, server, token: await addToken(url, admin, 'reader', grant) };
}

async function roundOf({ server, token }: Side, seconds: number, seed: number): Promise<Figures> {
  const { program, url } = server;
  const before = cpuSecondsOf(program.pid);
  const { requestsPerSecond } = await loadRound(url, 'get', seconds, seed, token);
  const cpu = cpuSecondsOf(program.pid) - before;
  return { requestsPerSecond, cpuMicroseconds: (cpu * 1e6) / (requestsPerSecond * seconds) };
}

function shown(ratios: readonly number[]): string {
  const [least] = ratios;
  return `${median(ratios).toFixed(3)} (${least?.toFixed(2)} to ${ratios.at(-1)?.toFixed(2)})`;
}

function lineOf(name: string, own: readonly Figures[], open: readonly Figures[]): string {
  const medianOf = (figure: (one: Figures) => number) => median(own.map(figure));
  const ratiosOf = (figure: (one: Figures) => number) =>
    own.map((one, round) => figure(one) / figure(open[round] ?? one)).toSorted((a, b) => a - b);
  return [
    name.padEnd(34),
    Math.round(medianOf((one) => one.requestsPerSecond))
      .toString()
      .padStart(7),
    shown(ratiosOf((one) => one.requestsPerSecond)).padStart(22),
    medianOf((one) => one.cpuMicroseconds)
      .toFixed(1)
      .padStart(7),
    shown(ratiosOf((one) => one.cpuMicroseconds)).padStart(22),
  ].join(' ');
}

async function measureStart({ name, folder, server }: Side): Promise<string> {
  server.program.kill('SIGTERM');
  await server.program.exited;
  const millis: number[] = [];
  for (let round = 0; round < 5; round++) {
    const startedAt = performance.now();
    // oxlint-disable-next-line no-await-in-loop -- one start after the other
    const again = await startServer(join(folder, 'data'));
    // oxlint-disable-next-line no-await-in-loop
    await fetch(`${again.url}/readyz`);
    millis.push(performance.now() - startedAt);
    // oxlint-disable-next-line no-await-in-loop
    await again.program.end();
  }
  return `${name.padEnd(34)} ${Math.round(median(millis)).toString().padStart(7)} ms`;
}

async function run({ rounds, seconds }: Plan): Promise<void> {
  const here = await makeTemporaryFolder();
  process.stdout.write(`${machineFacts(here)}\n${rounds} x ${seconds} s, GET, cached\n\n`);
  await removeFolder(here);
  const sides = [
    await openSide('open', 0, 0),
    await openSide('one user', 1, 1),
    await openSide('10,000 users, 1,000 namespaces', 10_000, 1000),
  ];
  try {
    const figures = sides.map((): Figures[] => []);
    for (let round = 0; round <= rounds; round++) {
      for (const [index, side] of sides.entries()) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other: they share the machine
        const measured = await roundOf(side, seconds, round);
        // The first round warms up: compiling code and filling caches must not count.
        if (round > 0) figures[index]?.push(measured);
      }
    }
    process.stdout.write(
      'server                                 r/s          ratio to open  µs CPU          ratio to open\n',
    );
    for (const [index, { name }] of sides.entries()) {
      process.stdout.write(`${lineOf(name, figures[index] ?? [], figures[0] ?? [])}\n`);
    }
    process.stdout.write('\nstart, until /readyz has answered\n');
    // oxlint-disable-next-line no-await-in-loop
    for (const side of sides) process.stdout.write(`${await measureStart(side)}\n`);
  } finally {
    for (const { server, folder } of sides) {
      // oxlint-disable-next-line no-await-in-loop
      await server.program.end();
      // oxlint-disable-next-line no-await-in-loop
      await removeFolder(folder);
    }
  }
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    seconds: { type: 'string', default: '2' },
  },
});
await run({
  rounds: wholeNumber('--rounds', values.rounds, 1),
  seconds: wholeNumber('--seconds', values.seconds, 1),
});

// Measures the cost of authentication and authorization. The same direct GETs of 100-byte values
// go to three servers: an open one; one with a single user; one with 10,000 users, a
// token each, and 1,000 namespaces. Short rounds of load alternate between them. The figures are
// requests a second and the server's CPU a request, each as the median of the ratios to the open server
// in the same round. Servers start again for each set of rounds: two processes of one program
// differ by as much as is measured. The time that each start takes is a figure, too.
//
//   npm run bench:access -- --starts 5 --rounds 4 --seconds 2
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

/** The store of an open server, or of one with so many users and namespaces. */
async function makeSide(name: string, users: number, namespaces: number): Promise<Side> {
  const folder = await makeTemporaryFolder();
  const { url, program } = await startServer(join(folder, 'data'));
  const token = await fill(url, users, namespaces);
  await program.end();
  return { name, folder, token };
}

/** @returns the token of the last user; undefined if there are none */
async function fill(url: string, users: number, namespaces: number): Promise<string | undefined> {
  await send(url, fillRequests(0, keyCount, 1000));
  await answerOf(url, undefined, put(`/v1/admin/namespaces/${namespace}`));
  for (const one of fillRequests(0, keyCount, 1000)) {
    // oxlint-disable-next-line no-await-in-loop -- a few large requests
    await answerOf(url, undefined, { ...one, path: `/ns/${namespace}${one.path}` });
  }
  if (users === 0) return undefined;
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
  return await addToken(url, admin, 'reader', grant);
}

async function roundOf(
  { program, url }: ServerProcess,
  { token }: Side,
  seconds: number,
  seed: number,
): Promise<Figures> {
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

interface Started {
  readonly side: Side;
  readonly server: ServerProcess;
  readonly startMs: number;
}

async function start(side: Side): Promise<Started> {
  const startedAt = performance.now();
  const server = await startServer(join(side.folder, 'data'));
  await fetch(`${server.url}/readyz`);
  return { side, server, startMs: performance.now() - startedAt };
}

interface SideFigures {
  readonly name: string;
  readonly rounds: Figures[];
  readonly startsMs: number[];
}

/** Starts a server for each side, and lets rounds of load alternate between them. */
async function measure(
  sides: readonly Side[],
  { rounds, seconds }: Plan,
  onMeasured: (side: number, figures: Figures) => void,
): Promise<number[]> {
  const started: Started[] = [];
  try {
    // oxlint-disable-next-line no-await-in-loop -- one start after the other: they share the machine
    for (const side of sides) started.push(await start(side));
    for (let round = 0; round <= rounds; round++) {
      for (const [index, { server, side }] of started.entries()) {
        // oxlint-disable-next-line no-await-in-loop
        const measured = await roundOf(server, side, seconds, round);
        // The first round warms up: compiling code and filling caches must not count.
        if (round > 0) onMeasured(index, measured);
      }
    }
  } finally {
    await Promise.all(started.map(({ server }) => server.program.end()));
  }
  return started.map(({ startMs }) => startMs);
}

async function run(starts: number, plan: Plan): Promise<void> {
  const here = await makeTemporaryFolder();
  const { rounds, seconds } = plan;
  const size = `${starts} starts x ${rounds} rounds x ${seconds} s, GET`;
  process.stdout.write(`${machineFacts(here)}\n${size}\n\n`);
  await removeFolder(here);
  const sides = [
    await makeSide('open', 0, 0),
    await makeSide('one user', 1, 1),
    await makeSide('10,000 users, 1,000 namespaces', 10_000, 1000),
  ];
  const figures = sides.map(({ name }): SideFigures => ({ name, rounds: [], startsMs: [] }));
  try {
    for (let nth = 0; nth < starts; nth++) {
      // oxlint-disable-next-line no-await-in-loop
      const startsMs = await measure(sides, plan, (side, one) => figures[side]?.rounds.push(one));
      for (const [side, ms] of startsMs.entries()) figures[side]?.startsMs.push(ms);
    }
  } finally {
    await Promise.all(sides.map(({ folder }) => removeFolder(folder)));
  }
  process.stdout.write(
    'server                                 r/s          ratio to open  µs CPU          ratio to open   start\n',
  );
  const open = figures[0]?.rounds ?? [];
  for (const { name, rounds: own, startsMs } of figures) {
    const startMs = `${Math.round(median(startsMs))} ms`.padStart(8);
    process.stdout.write(`${lineOf(name, own, open)} ${startMs}\n`);
  }
}

const { values } = parseArgs({
  options: {
    starts: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '2' },
  },
});
await run(wholeNumber('--starts', values.starts, 1), {
  rounds: wholeNumber('--rounds', values.rounds, 1),
  seconds: wholeNumber('--seconds', values.seconds, 1),
});

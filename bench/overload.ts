// `npm run overload -- [SECONDS] [TIMES] [KIND]`: floods a compiled server with requests of each
// kind. Does so on a healthy disk, and on one whose syncs take 200 ms more. A flood is several
// times the server's capacity. Prints the figures. Fails if the server breaks a bound.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  makeTemporaryFolder,
  removeFolder,
  startServer,
} from '../test/support/processes/server-process.ts';
import { flood, type FloodKind, type FloodReport } from './flood.ts';
import type { Latencies } from './latencies.ts';

const kinds = ['put', 'batch', 'large'] as const;
const [seconds = '30', times = '5', onlyKind] = process.argv.slice(2);
const connections = 2000;

function textOf({ count, p50Ms, p90Ms, p99Ms, maxMs }: Latencies): string {
  const latencies = [p50Ms, p90Ms, p99Ms, maxMs].map((ms) => Math.round(ms)).join('/');
  return count === 0 ? 'none' : `${count}, p50/p90/p99/max ${latencies} ms`;
}

function print(name: string, report: FloodReport): void {
  const { accepted, refused, politeAccepted, politeRefused } = report;
  process.stdout.write(`${name}: capacity ${report.capacity}/s, offered ${report.offered}/s
  accepted        ${textOf(accepted)}
  refused         ${textOf(refused)}
  other           ${report.strange} strange, ${report.unanswered} unanswered, ${report.unsent} unsent
  polite accepted ${textOf(politeAccepted)}
  polite refused  ${textOf(politeRefused)}, ${report.politeFailed} failed
  recovered after ${Math.round(report.recoveryMs)} ms, peak memory ${report.peakMiB} MiB\n`);
}

function isWithinBounds(report: FloodReport): boolean {
  const { accepted, politeAccepted, recoveryMs, strange, politeFailed } = report;
  const isInTime = accepted.p90Ms < 5000 && accepted.maxMs < 10_000 && recoveryMs < 10_000;
  return isInTime && politeAccepted.count > 0 && strange === 0 && politeFailed === 0;
}

/** Makes every sync of a process take 200 ms more, until the caller calls the returned function. */
async function slowDisk(pid: number): Promise<() => Promise<unknown>> {
  const inject = 'inject=fdatasync:delay_exit=200000';
  const args = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync', '-e', inject];
  const strace = spawn('strace', [...args, '-p', String(pid)], { stdio: 'ignore' });
  const ended = once(strace, 'exit');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return () => {
    strace.kill('SIGINT');
    return ended;
  };
}

async function run(kind: FloodKind, isSlow: boolean): Promise<boolean> {
  const folder = await makeTemporaryFolder();
  const { program, url } = await startServer(folder);
  const { pid } = program;
  try {
    const heal = isSlow ? await slowDisk(pid) : undefined;
    const load = { kind, timesCapacity: Number(times), seconds: Number(seconds), connections };
    const report = await flood({ url, pid, ...load });
    await heal?.();
    print(`${kind}${isSlow ? ', slow disk' : ''}`, report);
    return isWithinBounds(report);
  } finally {
    await program.end();
    await removeFolder(folder);
  }
}

const hasStrace = spawnSync('strace', ['-V']).status === 0 && process.getuid?.() === 0;
if (!hasStrace) process.stdout.write('the slow disk is left out: it takes strace and root\n');
for (const isSlow of hasStrace ? [false, true] : [false]) {
  for (const kind of kinds.filter((each) => each === (onlyKind ?? each))) {
    // oxlint-disable-next-line no-await-in-loop -- one flood at a time
    if (!(await run(kind, isSlow))) process.exitCode = 1;
  }
}

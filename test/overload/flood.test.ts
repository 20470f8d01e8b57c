// A short flood at several times the server's capacity. The server must answer every request, and
// then free everything. `npm run overload` measures the latencies and fails if a bound is broken.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { flood, type FloodKind, type FloodReport } from '../../bench/flood.ts';
import { metric, openServer } from './server-under-test.ts';

function expectWell(report: FloodReport): void {
  expect(report.accepted.count).toBeGreaterThan(0);
  expect(report.strange).toBe(0);
  expect(report.unanswered).toBe(0);
  expect(report.politeAccepted.count).toBeGreaterThan(0);
  expect(report.politeFailed).toBe(0);
  expect(report.peakMiB).toBeLessThan(1500);
}

const load = { timesCapacity: 4, seconds: 3, connections: 800 } as const;

describe('at four times its capacity the server answers every request', () => {
  test.each<FloodKind>(['put', 'batch', 'large'])('%s', { timeout: 90_000 }, async (kind) => {
    const { url, pid } = await openServer();
    const report = await flood({ ...load, url, pid, kind });
    process.stdout.write(`flood of ${kind}: ${JSON.stringify(report)}\n`);
    expectWell(report);
    expect(await metric(url, 'holdfast_http_work_in_flight_units')).toBe(0);
    expect(await metric(url, 'holdfast_http_body_bytes_in_flight')).toBe(0);
  });
});

const hasStrace = spawnSync('strace', ['-V']).status === 0 && process.getuid?.() === 0;
if (!hasStrace) process.stdout.write('skipped: a flood over a slow disk takes strace and root\n');

test.skipIf(!hasStrace)(
  'the same holds if each sync takes 200 ms',
  { timeout: 90_000 },
  async () => {
    const { url, pid } = await openServer();
    const inject = 'inject=fdatasync:delay_exit=200000';
    const args = [
      '-f',
      '-o',
      '/dev/null',
      '-e',
      'trace=fdatasync',
      '-e',
      inject,
      '-p',
      String(pid),
    ];
    const strace = spawn('strace', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    onTestFinished(async () => {
      const ended = once(strace, 'exit');
      if (strace.exitCode === null && strace.kill('SIGINT')) await ended;
    });
    await once(strace.stderr, 'data');
    const startedAt = performance.now();
    const slow = await fetch(`${url}/v1/keys/slow`, { method: 'PUT', body: 'v' });
    expect(slow.status).toBe(201);
    expect(performance.now() - startedAt).toBeGreaterThan(200);
    const report = await flood({ ...load, url, pid, kind: 'batch' });
    process.stdout.write(`flood over a slow disk: ${JSON.stringify(report)}\n`);
    expectWell(report);
    expect(report.refused.count).toBeGreaterThan(0);
  },
);

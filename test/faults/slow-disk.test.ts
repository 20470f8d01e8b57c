// A flood over a disk whose syncs are slow: each takes 200 ms more. test/overload/flood.test.ts has the
// floods over a healthy disk.
import { expect, onTestFinished, test } from 'vitest';
import { openServer } from '../overload/server-under-test.ts';
import { skipWithout } from '../support/faults/needs.ts';
import { InjectedFault } from '../support/faults/strace.ts';
import { floodShortly } from '../support/load/short-flood.ts';

test.for(['true', 'false'])(
  'at four times its capacity on a slow disk the server answers every request, with the fast lane %s',
  { timeout: 120_000 },
  async (fastLane, context) => {
    skipWithout(context, 'root', 'strace');
    const server = await openServer(['--fast-lane', fastLane]);
    const slowness = { paths: [], calls: 'fdatasync', fault: 'delay_exit=200000' };
    const fault = await InjectedFault.into(server.pid, slowness);
    onTestFinished(() => fault.lift());
    const startedAt = performance.now();
    const slow = await fetch(`${server.url}/v1/keys/slow`, { method: 'PUT', body: 'v' });
    expect(slow.status).toBe(201);
    expect(performance.now() - startedAt).toBeGreaterThan(200);
    const report = await floodShortly(server, 'batch');
    expect(report.refused.count).toBeGreaterThan(0);
  },
);

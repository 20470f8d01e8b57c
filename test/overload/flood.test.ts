// A short flood at several times the server's capacity. The server must answer every request, and
// then free everything. `npm run overload` measures the latencies and fails if a bound is broken.
// test/faults/slow-disk.test.ts floods a server on a slow disk.
import { describe, expect, test } from 'vitest';
import type { FloodKind } from '../../bench/flood.ts';
import { floodShortly } from '../support/load/short-flood.ts';
import { metric, openServer } from './server-under-test.ts';

describe('at four times its capacity the server answers every request', () => {
  test.each<FloodKind>(['put', 'batch', 'large'])('%s', { timeout: 90_000 }, async (kind) => {
    const server = await openServer();
    await floodShortly(server, kind);
    expect(await metric(server.url, 'holdfast_http_work_in_flight_units')).toBe(0);
    expect(await metric(server.url, 'holdfast_http_body_bytes_in_flight')).toBe(0);
  });
});

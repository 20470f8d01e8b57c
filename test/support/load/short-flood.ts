// A short flood at several times the server's capacity, and what holds of each.
import { expect } from 'vitest';
import { flood, type FloodKind, type FloodReport } from '../../../bench/flood.ts';

interface FloodedServer {
  readonly url: string;
  readonly pid: number;
}

const load = { timesCapacity: 4, seconds: 2, connections: 800 } as const;

/** Floods a server, and expects an answer to every request. */
export async function floodShortly(
  { url, pid }: FloodedServer,
  kind: FloodKind,
): Promise<FloodReport> {
  const report = await flood({ ...load, url, pid, kind });
  process.stdout.write(`flood of ${kind}: ${JSON.stringify(report)}\n`);
  expect(report.accepted.count).toBeGreaterThan(0);
  expect(report.strange).toBe(0);
  expect(report.unanswered).toBe(0);
  expect(report.politeAccepted.count).toBeGreaterThan(0);
  expect(report.politeFailed).toBe(0);
  expect(report.peakMiB).toBeLessThan(1500);
  return report;
}

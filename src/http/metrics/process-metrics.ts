// The metrics of the process and of its runtime, which all servers of one process share. Knows no
// server.
import type { Registry } from 'prom-client';
import { prometheus } from './prometheus.ts';

let shared: Registry | undefined;

/**
 * Collects from the first call on, once a process: the library cannot stop its observers, so each
 * further server would leave its own behind.
 */
export function processMetrics(): Registry {
  if (shared !== undefined) return shared;
  const { Registry: MetricRegistry, collectDefaultMetrics } = prometheus();
  shared = new MetricRegistry();
  collectDefaultMetrics({ register: shared });
  return shared;
}

// The metrics of the process and of its runtime, which all servers of one process share. Knows no
// server.
import type { Registry as RegistryOfMetrics } from 'prom-client';
import { collectDefaultMetrics, Registry } from './prometheus.ts';

let shared: RegistryOfMetrics | undefined;

/**
 * Collects once a process: the library cannot stop its observers, so each further server would leave
 * its own behind.
 */
export function processMetrics(): RegistryOfMetrics {
  if (shared !== undefined) return shared;
  shared = new Registry();
  collectDefaultMetrics({ register: shared });
  return shared;
}

// Loads the library of metrics. By `import`, while the engine starts beside it, Node 20 at times links
// the package before it has run: its exports are then undefined for good.
import { createRequire } from 'node:module';
import type { collectDefaultMetrics as collect, Registry as RegistryOfMetrics } from 'prom-client';

const require = createRequire(import.meta.url);

export const { collectDefaultMetrics, Registry } = require('prom-client') as {
  readonly collectDefaultMetrics: typeof collect;
  readonly Registry: typeof RegistryOfMetrics;
};

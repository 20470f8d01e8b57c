// Loads the library of metrics when it is first needed: a start would wait for its many files. By
// `import`, Node 20 at times links the package before it has run: its exports are then undefined for
// good.
import { createRequire } from 'node:module';
import type * as library from 'prom-client';

const require = createRequire(import.meta.url);

export function prometheus(): typeof library {
  return require('prom-client') as typeof library;
}

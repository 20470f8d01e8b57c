// Measures memory and starts: the time until an empty folder serves; the entries that a start reads a
// second after SIGTERM; and resident memory of an entry, beside Redis. Prints the targets beside them.
//
//   npm run bench:footprint -- --entries 1000000 --starts 3
import { memory } from './figures/memory.ts';
import { recovery } from './figures/recovery.ts';
import { start } from './figures/start.ts';
import { runPartsScript } from './figures/parts-script.ts';

await runPartsScript([start, recovery, memory]);

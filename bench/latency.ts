// Measures latency at half of capacity: GETs out of few and of many entries, and a mix
// without and with compactions. Prints the targets beside the figures.
//
//   npm run bench:latency -- --entries 10000000 --rounds 8 --seconds 3
import { latencyOfCompaction, latencyOfEntries } from './figures/latency.ts';
import { runPartsScript } from './figures/parts-script.ts';

await runPartsScript([latencyOfEntries, latencyOfCompaction]);

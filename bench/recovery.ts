// Measures the time from the start of a process after a kill until it answers, from journals and from
// snapshots.
//
//   npm run bench:recovery -- --entries 1000000 --starts 3
import { recoveryAfterKill } from './figures/recovery.ts';
import { runPartsScript } from './figures/parts-script.ts';

await runPartsScript([recoveryAfterKill]);

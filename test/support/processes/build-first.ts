// Builds the program and the simulation for planted bugs before any test runs. So no test passes
// on a stale build, and no test changes dist/ while others start programs from it.
import { execFileSync } from 'node:child_process';

export default function buildFirst(): void {
  const tsc = 'node_modules/.bin/tsc';
  execFileSync(tsc, ['-p', 'test/simulation/tsconfig.json'], { stdio: 'inherit' });
  execFileSync(process.execPath, ['bundle.js'], { stdio: 'inherit' });
}

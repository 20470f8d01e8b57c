// Compiles the project and the simulation for planted bugs before any test runs. So no test passes
// on a stale build, and no test changes dist/ while others start programs from it.
import { execFileSync } from 'node:child_process';

export default function buildFirst(): void {
  execFileSync('node_modules/.bin/tsc', ['-p', 'test/simulation/tsconfig.json'], {
    stdio: 'inherit',
  });
}

// Compiles the project, and the simulation that planted bugs run in, before any test runs: a stale
// build can never pass, and no test changes files under dist/ that others are starting.
import { execFileSync } from 'node:child_process';

export default function buildFirst(): void {
  execFileSync('node_modules/.bin/tsc', ['-p', 'test/simulation/tsconfig.json'], {
    stdio: 'inherit',
  });
}

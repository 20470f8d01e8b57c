// Compiles the project before any test runs, so that a stale build can never pass.
import { execFileSync } from 'node:child_process';

export default function buildFirst(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}

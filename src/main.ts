#!/usr/bin/env node
// The program's entry: hands the command line to src/cli/program.ts, and exits with its exit code.
import { ignoreSignals } from './cli/process-signals.ts';

ignoreSignals();
// Loaded only now: loading takes long enough for a signal to come before.
const { runProgram } = await import('./cli/program.ts');
process.exit(await runProgram(process.argv.slice(2)));

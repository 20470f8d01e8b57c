#!/usr/bin/env node
// The program's entry: hands the command line over and ends with its exit code.
import { ignoreSignals } from './cli/process-signals.ts';

ignoreSignals();
// Loaded only now, since it takes long enough for a signal to come.
const { runProgram } = await import('./cli/program.ts');
process.exit(await runProgram(process.argv.slice(2)));

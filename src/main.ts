#!/usr/bin/env node
// The program's entry: hands the command line over and ends with its exit code.
import { runProgram } from './cli/program.ts';

process.exit(await runProgram(process.argv.slice(2)));

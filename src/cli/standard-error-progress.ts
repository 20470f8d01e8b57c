// Prints the progress of long work as lines on standard error.
import { systemClock } from '../base/clock.ts';
import { Progress } from '../tools/progress.ts';
import { standardError } from './standard-streams.ts';

export function standardErrorProgress(): Progress {
  return new Progress({
    print: (line) => standardError.write(`${line}\n`),
    monotonicMs: () => systemClock.monotonicMs(),
  });
}

import { parseArgs } from 'node:util';
import { wholeNumber } from '../support/arguments/whole-number.ts';

/** The number of cycles of a loop, and its first seed. */
export function loopArguments(cyclesByDefault: number): { cycles: number; seed: number } {
  const { values } = parseArgs({
    options: { cycles: { type: 'string' }, seed: { type: 'string' } },
  });
  return {
    cycles: wholeNumber('--cycles', values.cycles ?? String(cyclesByDefault), 1),
    seed: wholeNumber('--seed', values.seed ?? String(newSeed()), 0),
  };
}

export function newSeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}

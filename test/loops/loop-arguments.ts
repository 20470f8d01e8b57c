import { parseArgs } from 'node:util';

/** The number of cycles of a loop, and its first seed. */
export function loopArguments(cyclesByDefault: number): { cycles: number; seed: number } {
  const { values } = parseArgs({
    options: { cycles: { type: 'string' }, seed: { type: 'string' } },
  });
  const cycles = Number(values.cycles ?? cyclesByDefault);
  const seed = Number(values.seed ?? newSeed());
  if (!Number.isSafeInteger(cycles) || cycles < 1 || !Number.isSafeInteger(seed)) {
    throw new Error('--cycles and --seed take whole numbers');
  }
  return { cycles, seed };
}

function newSeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}

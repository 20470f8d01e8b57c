import { expect, test } from 'vitest';
import { simulate } from './simulation.ts';

const runs = Number(process.env['SIMULATION_RUNS'] ?? 250);
const first = Number(process.env['SIMULATION_FIRST'] ?? 1);

test(`whole engine runs from ${runs} seeds keep every promise`, { timeout: 300_000 }, async () => {
  for (let seed = first; seed < first + runs; seed++) {
    const { violation, trace } = await simulate(seed);
    const replay = `npm run simulate -- --seed ${seed}`;
    expect(violation, `${trace.slice(-40).join('\n')}\n${replay}`).toBeUndefined();
  }
});

test('a seed runs the same way each time', async () => {
  for (const seed of [3, 4, 5]) {
    const { hash } = await simulate(seed);
    expect((await simulate(seed)).hash).toBe(hash);
  }
});

import { expect, test } from 'vitest';
import { simulate } from './simulation.ts';

/** With fewer seeds, some kind of fault may be missing. */
const runsMin = 100;
const runs = Number(process.env['SIMULATION_RUNS'] ?? runsMin);
const first = Number(process.env['SIMULATION_FIRST'] ?? 1);

test.each(['engine', 'waits'] as const)(
  `runs of the scenario %s from ${runs} seeds keep every promise`,
  { timeout: 300_000 },
  async (scenario) => {
    const sums = new Map<string, number>();
    for (let seed = first; seed < first + runs; seed++) {
      const { violation, trace, figures } = await simulate(seed, scenario);
      const replay = `npm run simulate -- --scenario ${scenario} --seed ${seed}`;
      expect(violation, `${trace.slice(-40).join('\n')}\n${replay}`).toBeUndefined();
      for (const [name, count] of Object.entries(figures)) {
        sums.set(name, (sums.get(name) ?? 0) + count);
      }
    }
    console.info(`simulated: ${JSON.stringify(Object.fromEntries(sums))}`);
    if (runs < runsMin) return;
    expect([...sums].filter(([, count]) => count === 0)).toEqual([]);
  },
);

test('a seed runs the same way each time', async () => {
  for (const scenario of ['engine', 'waits'] as const) {
    for (const seed of [3, 4, 5]) {
      const { hash } = await simulate(seed, scenario);
      expect((await simulate(seed, scenario)).hash).toBe(hash);
    }
  }
});

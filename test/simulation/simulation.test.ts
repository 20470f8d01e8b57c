import { expect, test } from 'vitest';
import { simulate } from './simulation.ts';

/** With fewer seeds, some kind of fault may be missing. `waits` has the faults of `engine`. */
const runsMin = { engine: 100, waits: 40 };
const runsWanted = process.env['SIMULATION_RUNS'];
const first = Number(process.env['SIMULATION_FIRST'] ?? 1);

test.each(['engine', 'waits'] as const)(
  'many runs of the scenario %s keep every promise',
  { timeout: 300_000 },
  async (scenario) => {
    const runs = Number(runsWanted ?? runsMin[scenario]);
    const sums = new Map<string, number>();
    for (let seed = first; seed < first + runs; seed++) {
      const { violation, trace, figures } = await simulate(seed, scenario);
      const replay = `npm run simulate -- --scenario ${scenario} --seed ${seed}`;
      expect(violation, `${trace.slice(-40).join('\n')}\n${replay}`).toBeUndefined();
      for (const [name, count] of Object.entries(figures)) {
        sums.set(name, (sums.get(name) ?? 0) + count);
      }
    }
    console.info(`simulated ${runs} seeds: ${JSON.stringify(Object.fromEntries(sums))}`);
    if (runs < runsMin.engine) return;
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

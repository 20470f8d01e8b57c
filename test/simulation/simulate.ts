// npm run simulate -- --runs N [--first F | --seed S] [--scenario engine | access | shares | waits]: many
// simulations, or one again, of each scenario. Ends with exit code 1 at the first that shows something wrong.
import { parseArgs } from 'node:util';
import { wholeNumber } from '../support/arguments/whole-number.ts';
import { scenarios, type Scenario } from './simulation-parts.ts';
import { simulate, type SimulationOutcome } from './simulation.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    steps: { type: 'string', default: '60' },
    scenario: { type: 'string', default: 'all' },
  },
});
const { first: from, seed: only } = values;
const first = only === undefined ? wholeNumber('--first', from, 0) : wholeNumber('--seed', only, 0);
const runs = only === undefined ? wholeNumber('--runs', values.runs, 1) : 1;
const steps = wholeNumber('--steps', values.steps, 1);
const chosen = chosenScenarios(values.scenario);
const began = performance.now();
const sums: Partial<Record<string, number>> = {};

function report(done: number): void {
  const seconds = (performance.now() - began) / 1000;
  const rate = (done / seconds).toFixed(1);
  console.log(`${done} runs in ${seconds.toFixed(0)} s, ${rate} a second: ${JSON.stringify(sums)}`);
}

function add(figures: SimulationOutcome['figures']): void {
  for (const [name, count] of Object.entries(figures)) sums[name] = (sums[name] ?? 0) + count;
}

function chosenScenarios(name: string): readonly Scenario[] {
  if (name === 'all') return scenarios;
  const named = scenarios.filter((scenario) => scenario === name);
  if (named.length > 0) return named;
  throw new Error(`--scenario must be all, ${scenarios.join(' or ')}`);
}

function reportFailure(
  { seed, violation, plan, trace }: SimulationOutcome,
  scenario: Scenario,
): void {
  console.log(`seed ${seed}: ${JSON.stringify(plan)}`);
  console.log(`the last steps:\n${trace.slice(-steps).join('\n')}`);
  console.log(`\nseed ${seed} shows: ${violation}`);
  console.log(`to see it again: npm run simulate -- --scenario ${scenario} --seed ${seed}`);
}

/** @returns true if no scenario shows anything wrong with this seed */
async function runSeed(seed: number): Promise<boolean> {
  for (const scenario of chosen) {
    // oxlint-disable-next-line no-await-in-loop -- one run at a time has the process for itself
    const outcome = await simulate(seed, scenario);
    add(outcome.figures);
    if (outcome.violation === undefined) continue;
    reportFailure(outcome, scenario);
    return false;
  }
  return true;
}

let lastReport = began;
for (let run = 0; run < runs; run++) {
  if (!(await runSeed(first + run))) {
    process.exitCode = 1;
    break;
  }
  if (performance.now() - lastReport > 5000) {
    lastReport = performance.now();
    report(run + 1);
  }
  if (run + 1 === runs) report(runs);
}

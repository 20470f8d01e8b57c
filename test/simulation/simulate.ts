// npm run simulate -- --runs N [--first F | --seed S]: many simulations, or one again. Ends with exit
// code 1 at the first that shows something wrong.
import { parseArgs } from 'node:util';
import { wholeNumber } from '../support/arguments/whole-number.ts';
import type { SimulationFigures } from './run-record.ts';
import { simulate, type SimulationOutcome } from './simulation.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    first: { type: 'string', default: '1' },
    seed: { type: 'string' },
    steps: { type: 'string', default: '60' },
  },
});
const { first: from, seed: only } = values;
const first = only === undefined ? wholeNumber('--first', from, 0) : wholeNumber('--seed', only, 0);
const runs = only === undefined ? wholeNumber('--runs', values.runs, 1) : 1;
const steps = wholeNumber('--steps', values.steps, 1);
const began = performance.now();
const sums: Partial<SimulationFigures> = {};

function report(done: number): void {
  const seconds = (performance.now() - began) / 1000;
  const rate = (done / seconds).toFixed(1);
  console.log(`${done} runs in ${seconds.toFixed(0)} s, ${rate} a second: ${JSON.stringify(sums)}`);
}

function add(figures: SimulationFigures): void {
  for (const [name, count] of Object.entries(figures)) {
    const key = name as keyof SimulationFigures;
    sums[key] = (sums[key] ?? 0) + count;
  }
}

function reportFailure({ seed, violation, plan, trace }: SimulationOutcome): void {
  console.log(`seed ${seed}: ${JSON.stringify(plan)}`);
  console.log(`the last steps:\n${trace.slice(-steps).join('\n')}`);
  console.log(`\nseed ${seed} shows: ${violation}`);
  console.log(`to see it again: npm run simulate -- --seed ${seed}`);
}

let lastReport = began;
for (let run = 0; run < runs; run++) {
  const outcome = await simulate(first + run);
  add(outcome.figures);
  if (outcome.violation !== undefined) {
    reportFailure(outcome);
    process.exitCode = 1;
    break;
  }
  if (performance.now() - lastReport > 5000) {
    lastReport = performance.now();
    report(run + 1);
  }
  if (run + 1 === runs) report(runs);
}

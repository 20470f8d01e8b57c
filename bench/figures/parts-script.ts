// The scripts that measure some parts alone: options, progress and a table on standard output.
import { parseArgs } from 'node:util';
import { wholeNumber } from '../../test/support/arguments/whole-number.ts';
import { chooseLoad } from '../loads/choose-load.ts';
import { machineFacts } from '../machine-facts.ts';
import { runScript, withBelongings, type Belongings } from '../measuring/belongings.ts';
import { describePins, readPins } from '../measuring/cpu-pins.ts';
import { endProgress, tellProgress } from '../measuring/progress.ts';
import { figuresTable } from '../report/figures-table.ts';
import type { Part, PartPlan, PartResult } from './figure.ts';
import { measurePart } from './parts.ts';

async function measureAll(
  chosen: readonly Part[],
  plan: PartPlan,
  belongings: Belongings,
): Promise<void> {
  process.stdout.write(`${machineFacts(await belongings.folder())}\n`);
  const { rounds, seconds, starts, pins } = plan;
  const sizes = `rounds: ${rounds}, of ${seconds} s; starts: ${starts}`;
  process.stdout.write(`${sizes}; medians; ${describePins(pins)}\n\n`);
  const load = await chooseLoad(belongings, pins.load);
  const results: PartResult[] = [];
  for (const part of chosen) {
    results.push(await measurePart(part, { ...plan, load, tell: tellProgress }, belongings));
  }
  endProgress();
  process.stdout.write(figuresTable(results));
}

/** Reads the options of the command line, measures these parts, and ends the process. */
export async function runPartsScript(chosen: readonly Part[]): Promise<never> {
  return await runScript(async () => {
    const { values } = parseArgs({
      options: {
        entries: { type: 'string', default: '1000000' },
        rounds: { type: 'string', default: '8' },
        seconds: { type: 'string', default: '3' },
        starts: { type: 'string', default: '3' },
        pin: { type: 'string', default: 'auto' },
      },
    });
    const entries = wholeNumber('--entries', values.entries, 1);
    const plan = {
      entries,
      manyEntries: entries,
      rounds: wholeNumber('--rounds', values.rounds, 1),
      seconds: wholeNumber('--seconds', values.seconds, 1),
      starts: wholeNumber('--starts', values.starts, 1),
      pins: readPins(values.pin),
    };
    const limitMs = chosen.reduce((sum, part) => sum + part.limitMs(plan), 60_000);
    await withBelongings(limitMs, (belongings) => measureAll(chosen, plan, belongings));
  });
}

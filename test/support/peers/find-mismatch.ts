// Runs random rounds from seeds until two peers answer differently. Then finds the shortest list of
// commands that shows it.
import { expect } from 'vitest';
import { seededRandom, type Random } from '../random.ts';

/** HOLDFAST_PEER_COMMANDS=100000 runs more, HOLDFAST_PEER_SEED=1 repeats a run. */
export const commandsMin = Number(process.env['HOLDFAST_PEER_COMMANDS'] ?? 50_000);
const firstSeed = Number(process.env['HOLDFAST_PEER_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const roundLength = 250;

export interface Mismatch {
  /** Index of the command whose replies differ. */
  readonly index: number;
  readonly ours: string;
  readonly theirs: string;
}

export interface Comparison<Command> {
  readonly draw: (random: Random, length: number) => readonly Command[];
  /** Runs the commands from an empty keyspace. Gives the first mismatch, or undefined. */
  readonly run: (commands: readonly Command[]) => Promise<Mismatch | undefined>;
  /** The command as one line. */
  readonly show: (command: Command) => string;
}

/** Leaves out one command at a time, while the list still ends in a mismatch. */
async function shorten<Command>(
  { run }: Comparison<Command>,
  commands: readonly Command[],
  { index }: Mismatch,
) {
  let kept = commands.slice(0, index + 1);
  for (let i = kept.length - 2; i >= 0; i--) {
    const fewer = kept.toSpliced(i, 1);
    const mismatch = await run(fewer);
    if (mismatch !== undefined) kept = fewer.slice(0, mismatch.index + 1);
    i = Math.min(i, kept.length - 1);
  }
  return kept;
}

/** Fails at the first mismatch, and prints its seed and the shortest commands. */
export async function expectNoMismatch<Command>(comparison: Comparison<Command>): Promise<void> {
  const rounds = Math.ceil(commandsMin / roundLength);
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    const commands = comparison.draw(seededRandom(seed), roundLength);
    const mismatch = await comparison.run(commands);
    if (mismatch === undefined) continue;
    const shortest = await shorten(comparison, commands, mismatch);
    const context = shortest.map(comparison.show).join('\n');
    const last = (await comparison.run(shortest)) ?? mismatch;
    expect.fail(
      `HOLDFAST_PEER_SEED=${seed}\n${context}\nours   ${last.ours}\ntheirs ${last.theirs}`,
    );
  }
  console.info(`${rounds * roundLength} commands from seed ${firstSeed}`);
}

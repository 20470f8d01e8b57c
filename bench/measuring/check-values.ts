// Checks that a side holds the values it should, byte by byte, and counts as it should. Fast and wrong
// must not pass for fast.
import { requestFor } from '../loads/drawn-requests.ts';
import { seedOf } from '../rows/values.ts';
import { writesValues } from '../rows/row.ts';
import { keyOf, randomStream } from '../workload.ts';
import { textAt } from '../contenders/http-values.ts';
import type { Side } from './side.ts';

const sampleKeys = 50;
const sampleSeed = 4711;

/**
 * Compares the values of some keys.
 *
 * @returns how many of them a round has written
 * @throws Error if a value is missing, or is not one that the bench has written for its key
 */
export async function countWritten(side: Side): Promise<number> {
  const { keys, valueBytes } = side.row;
  const random = randomStream(sampleSeed);
  let written = 0;
  for (let nth = 0; nth < sampleKeys; nth++) {
    const index = Math.floor(random() * keys);
    const value = await side.running.read(keyOf(index));
    if (value === undefined) throw new Error(`${side.name} has lost ${keyOf(index)}`);
    const seed = seedOf(value, index, valueBytes);
    const isOwn = seed === undefined && side.running.isOwnValue?.(value) === true;
    if (seed === undefined && !isOwn) {
      throw new Error(`${side.name} has a wrong value of ${keyOf(index)}: ${value.slice(0, 80)}`);
    }
    if (isOwn || seed !== 0) written += 1;
  }
  return written;
}

/**
 * The check after the rounds of a row.
 *
 * @param operations that the rounds have carried out
 */
export async function checkAfter(side: Side, operations: number): Promise<void> {
  const { row, running } = side;
  if (running.fill === undefined) return;
  if (row.work === 'incr') return await checkCounter(side, operations);
  const written = await countWritten(side);
  // So many even writes miss hardly any key.
  const mustShow = writesValues(row.work) && row.draw === 'uniform' && operations > 10 * row.keys;
  if (mustShow && written === 0) throw new Error(`${side.name} kept none of its writes`);
}

const clients = 64;
const countsEach = 25;

/** Lets clients count one key at once: no count may be lost, and no two may be the same. */
async function checkCounter(side: Side, operations: number): Promise<void> {
  const { running, row, templates, name } = side;
  const template = templates[0]?.template;
  if (template === undefined) return;
  const { path, ...init } = requestFor(template, row, 0, 0);
  const counter = async () => Number((await running.read(keyOf(0))) ?? 0);
  const before = await counter();
  // Requests that the load has given up at its end count as well, and have no reply.
  if (row.keys === 1 && before < operations) {
    throw new Error(`${name} counted ${before} of ${operations}`);
  }
  const seen = new Set<string>();
  const count = async () => {
    for (let nth = 0; nth < countsEach; nth++)
      seen.add((await textAt(running.url + path, init)) ?? '');
  };
  await Promise.all(Array.from({ length: clients }, count));
  const counted = (await counter()) - before;
  if (counted !== clients * countsEach || seen.size !== counted) {
    throw new Error(
      `${name} counted ${counted} of ${clients * countsEach}, ${seen.size} different`,
    );
  }
}

// The fast lane beside the framework's path: the same bytes must get the same answers. `npm run lane-loop`
// sends many more.
import { describe, expect, test } from 'vitest';
import { describeDifference, PathRun, runServerNames } from '../../support/http/path-runs.ts';

const streamsOfEach = 5000;

/** A run that finds a difference prints how to repeat it. */
const seed = 1;

describe('random streams of bytes get the same answers on both paths', () => {
  test.each(runServerNames)('of the server "%s"', { timeout: 600_000 }, async (server) => {
    const run = new PathRun({ server, seed, from: 0, to: streamsOfEach });
    const found = await run.compare();
    expect(found && describeDifference({ server, seed }, found)).toBeUndefined();
    process.stdout.write(`${streamsOfEach} streams, ${run.cutShort} cut short, seed ${seed}\n`);
  });
});

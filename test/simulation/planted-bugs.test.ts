// The test of the test: a simulation that finds nothing in a sound program must find what is planted
// in it. That the sound program passes the same seeds is what simulation.test.ts shows.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { programFolder } from '../../src/base/program-folder.ts';
import { plantedBugs, type PlantedBug } from './planted-bugs.ts';

const compiled = join(programFolder, 'dist', 'test', 'simulation');

function compiledSource({ file }: PlantedBug): string {
  return readFileSync(join(programFolder, 'dist', file.replace(/\.ts$/, '.js')), 'utf8');
}

function simulateWith(bug: PlantedBug): { status: number | null; output: string } {
  const { name, seedsMax, firstSeed = 1 } = bug;
  const options = ['--import', join(compiled, 'plant-bug.js'), join(compiled, 'simulate.js')];
  const seeds = ['--first', String(firstSeed), '--runs', String(seedsMax)];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...options, ...seeds], {
    encoding: 'utf8',
    env: { ...process.env, PLANTED_BUG: name },
  });
  return { status, output: stdout + stderr };
}

describe.each(plantedBugs)('$name', (bug) => {
  test('is planted where the code stands', () => {
    expect(compiledSource(bug).split(bug.find)).toHaveLength(2);
  });

  test(`is found within ${bug.seedsMax} seeds`, { timeout: 300_000 }, () => {
    const { status, output } = simulateWith(bug);
    expect(output).toMatch(/seed \d+ shows: /);
    expect(status).toBe(1);
  });
});

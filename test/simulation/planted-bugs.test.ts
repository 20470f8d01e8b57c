// Tests the simulation itself: it must find a bug that is planted in the program.
// simulation.test.ts shows that the same seeds pass without the bug.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { programFolder } from '../../src/base/program-folder.ts';
import { countOf } from './code-pattern.ts';
import { plantedBugs, type PlantedBug } from './planted-bugs.ts';
import { searchPlantedBug } from './search-planted-bug.ts';

function compiledSource({ file }: PlantedBug): string {
  return readFileSync(join(programFolder, 'dist', file.replace(/\.ts$/, '.js')), 'utf8');
}

test.each(plantedBugs)('the code of the bug "$name" is there once', ({ find, ...bug }) => {
  expect(countOf(find, compiledSource({ find, ...bug }))).toBe(1);
});

describe('the simulation finds the bug', () => {
  test.each(plantedBugs)('"$name"', { timeout: 300_000 }, async (bug) => {
    const { output } = await searchPlantedBug(bug);
    expect(output).toMatch(/^seed \d+ shows: /m);
  });
});

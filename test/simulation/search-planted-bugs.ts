// npm run planted-bugs [-- --from-first] [name …]: searches for every planted bug, or for those
// whose name has one of the words. Prints the seed that shows each. With --from-first each search
// begins with seed 1, to find a new `firstSeed`. Ends with exit code 1 if a bug is not found.
import { parseArgs } from 'node:util';
import { plantedBugs } from './planted-bugs.ts';
import { searchPlantedBug } from './search-planted-bug.ts';

const { values, positionals } = parseArgs({
  options: { 'from-first': { type: 'boolean', default: false } },
  allowPositionals: true,
});

function isMeant(name: string): boolean {
  return positionals.length === 0 || positionals.some((word) => name.includes(word));
}

const meant = plantedBugs.filter(({ name }) => isMeant(name));
if (meant.length === 0)
  throw new Error(`no planted bug has a name with ${positionals.join(' or ')}`);

for (const bug of meant) {
  const began = performance.now();
  const { seed } = await searchPlantedBug(bug, values['from-first'] ? 1 : undefined);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const first = bug.firstSeed === undefined ? '' : `, first seed ${bug.firstSeed}`;
  console.log(`${seed ?? 'NOT FOUND'} (of ${bug.seedsMax}${first}; ${seconds} s): ${bug.name}`);
  if (seed === undefined) process.exitCode = 1;
}

// node --import …/plant-bug.js: plants the bug that PLANTED_BUG names, before the program is loaded.
import { register } from 'node:module';
import { plantedBugs } from './planted-bugs.ts';

const name = process.env['PLANTED_BUG'];
const bug = plantedBugs.find((each) => each.name === name);
if (bug === undefined) throw new Error(`no planted bug is called ${name}`);
register('./plant-hook.js', import.meta.url, { data: bug });

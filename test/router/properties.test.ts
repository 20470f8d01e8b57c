import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeTestFolder, openTestStore } from '../support/stores/embedded-store.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import { commands, Model } from '../support/stores/random-commands.ts';

const numRuns = 8;

test.each([true, false])(
  `the router over threads does what a Map does ${numRuns} times, through restarts, direct reads: %s`,
  async (directReads) => {
    const property = fc.asyncProperty(commands(['stop']), async (script) => {
      const folder = await makeTestFolder();
      const clock = new ManualClock();
      const model = new Model();
      const open = () => openTestStore(folder.path, { clock, directReads });
      let store = await open();
      try {
        for (const command of script) {
          if (command.do === 'advance') clock.advance(command.ms);
          if (command.do === 'restart') {
            await store.close();
            store = await open();
          }
          await model.run(store, command, clock.wallMs());
        }
        await model.checkAll(store, clock.wallMs());
        expect(await store.count('default')).toBe(model.alive(clock.wallMs()).size);
      } finally {
        await store.close();
        await folder.remove();
      }
    });
    await fc.assert(property, { numRuns });
  },
  120_000,
);

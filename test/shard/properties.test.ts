import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { commands, Model } from '../support/stores/random-commands.ts';
import { seededRandom } from '../support/random.ts';
import { compactShard, openShard } from '../support/disk/shard-files.ts';

test.each([
  ['always', ['stop', 'kill', 'power cut'], 200],
  ['interval', ['stop', 'kill'], 100],
  ['never', ['stop', 'kill'], 100],
] as const)(
  'a shard in %s does what a Map does, through compactions and restarts by %j',
  async (fsync, restarts, numRuns) => {
    await fc.assert(
      fc.asyncProperty(commands(restarts), async (script) => {
        const clock = new ManualClock();
        const model = new Model();
        let files = new MemoryFileSystem();
        let store = openShard(files, fsync, clock);
        for (const command of script) {
          if (command.do === 'advance') {
            clock.advance(command.ms);
          } else if (command.do === 'compact') {
            if (store.shard.report().journalBytes > 0) compactShard(files, store);
          } else if (command.do === 'restart') {
            if (command.how === 'stop') await store.close();
            if (command.how === 'power cut')
              files = files.afterPowerCut(seededRandom(command.seed));
            store = openShard(files, fsync, clock);
            await model.checkAll(store, clock.wallMs());
          } else {
            await model.run(store, command, clock.wallMs());
          }
        }
        await model.checkAll(store, clock.wallMs());
        expect(store.shard.report().isBroken).toBe(false);
      }),
      { numRuns },
    );
  },
);

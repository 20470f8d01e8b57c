import { BareShardStore } from '../support/stores/bare-shard-store.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { storeContract } from '../support/stores/store-contract.ts';

storeContract('one bare shard', {
  open: async () => {
    const clock = new ManualClock();
    const store = new BareShardStore(new MemoryFileSystem(), clock);
    return { store, clock, close: () => store.close() };
  },
});

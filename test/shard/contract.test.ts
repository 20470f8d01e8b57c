import { BareShardStore } from '../support/bare-shard-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryFileSystem } from '../support/memory-file-system.ts';
import { storeContract } from '../support/store-contract.ts';

storeContract('one bare shard', {
  open: async () => {
    const clock = new ManualClock();
    const store = new BareShardStore(new MemoryFileSystem(), clock);
    return { store, clock, close: () => store.close() };
  },
});

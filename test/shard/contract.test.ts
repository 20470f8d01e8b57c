import { BareShardStore } from '../support/stores/bare-shard-store.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';
import { flushAll, storeContract } from '../support/stores/store-contract.ts';

storeContract('one bare shard', {
  open: async () => {
    const clock = new ManualClock();
    const store = new BareShardStore(new MemoryFileSystem(), clock);
    const empty = (namespaces: readonly string[]) => flushAll(store, namespaces);
    return { store, clock, empty, close: () => store.close() };
  },
  cannot: { authorization: 'a shard judges no caller: the router does' },
});

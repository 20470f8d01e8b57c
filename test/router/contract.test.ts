import { makeTestFolder, openTestStore } from '../support/stores/embedded-store.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import { flushAll, storeContract } from '../support/stores/store-contract.ts';

for (const directReads of [true, false]) {
  storeContract(`the router over threads, direct reads: ${directReads}`, {
    open: async () => {
      const folder = await makeTestFolder();
      const clock = new ManualClock();
      const store = await openTestStore(folder.path, { clock, directReads });
      const close = async (): Promise<void> => {
        await store.close();
        await folder.remove();
      };
      return { store, clock, empty: (namespaces) => flushAll(store, namespaces), close };
    },
  });
}

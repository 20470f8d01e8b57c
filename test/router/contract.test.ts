import { makeTestFolder, openTestStore } from '../support/stores/embedded-store.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import { flushAll, storeContract } from '../support/stores/store-contract.ts';

for (const cacheBytes of [0, 1024 * 1024]) {
  storeContract(`the router over threads, read cache of ${cacheBytes} bytes`, {
    open: async () => {
      const folder = await makeTestFolder();
      const clock = new ManualClock();
      const store = await openTestStore(folder.path, { clock, cacheBytes });
      const close = async (): Promise<void> => {
        await store.close();
        await folder.remove();
      };
      return { store, clock, empty: (namespaces) => flushAll(store, namespaces), close };
    },
  });
}

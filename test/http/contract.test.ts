// The contract of a store through every layer: HTTP, router, threads, files.
import { buildApp } from '../../src/http/app.ts';
import { drain, listen } from '../../src/http/server.ts';
import { accessOver } from '../support/http/open-app.ts';
import { makeTestFolder, openTestStore } from '../support/stores/embedded-store.ts';
import { HttpStore } from '../support/stores/http-store.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import { flushAll, storeContract } from '../support/stores/store-contract.ts';

const mebibyte = 1024 * 1024;

storeContract('the REST dialect over a socket', {
  open: async () => {
    const folder = await makeTestFolder();
    const clock = new ManualClock();
    const embedded = await openTestStore(folder.path, { clock });
    const app = await buildApp({
      store: embedded,
      clock,
      version: '0.0.0-test',
      logger: false,
      access: await accessOver(embedded),
      limits: {
        keyBytesMax: 1024,
        valueBytesMax: 8 * mebibyte,
        batchOperationsMax: 10_000,
        batchBytesMax: 64 * mebibyte,
        bodyBytesInFlightMax: 256 * mebibyte,
        replyBytesMax: 256 * mebibyte,
        requestTimeoutMs: 30_000,
        headersTimeoutMs: 10_000,
        keepAliveTimeoutMs: 65_000,
        connectionsMax: 100,
        waitersMax: 100,
        idempotencyWindowMs: 60_000,
        idempotencyRecordsMax: 100,
      },
    });
    const { url } = await listen(app, { host: '127.0.0.1', port: 0 });
    const store = new HttpStore(url, embedded.durability, clock);
    const close = async (): Promise<void> => {
      await store.close();
      await drain(app, { deadlineMs: 1000 });
      await embedded.close();
      await folder.remove();
    };
    return { store, clock, empty: (namespaces) => flushAll(embedded, namespaces), close };
  },
  cannot: {
    authorization: 'a client of the REST dialect cannot bring its own',
    namespaces: 'the REST dialect has one namespace',
    count: 'the REST dialect has no count',
    within: 'the REST dialect lists one interval',
    measure: 'the REST dialect does not measure',
    synced: 'a client cannot ask the REST dialect for a sync',
    flush: 'the REST dialect has no flush',
    order: 'a plan takes two requests here, and others may come between them',
    versions: 'the REST dialect tells a version once it is given',
  },
});

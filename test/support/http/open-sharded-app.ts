// The HTTP layer over the real engine: threads and files, several shards.
import { onTestFinished } from 'vitest';
import type { EmbeddedStoreOptions } from '../../../src/engine/open-embedded-store.ts';
import type { HttpLimits } from '../../../src/http/limits.ts';
import { makeTestFolder, openTestStore } from '../stores/embedded-store.ts';
import { ManualClock } from '../simulated/manual-clock.ts';
import { openApp } from './open-app.ts';

const mebibyte = 1024 * 1024;

const realLimits: Partial<HttpLimits> = {
  keyBytesMax: 1024,
  valueBytesMax: 8 * mebibyte,
  batchOperationsMax: 10_000,
  batchBytesMax: 64 * mebibyte,
  bodyBytesInFlightMax: 256 * mebibyte,
};

export async function openShardedApp(options: Partial<EmbeddedStoreOptions> = {}) {
  const folder = await makeTestFolder();
  onTestFinished(folder.remove);
  const clock = new ManualClock();
  const store = await openTestStore(folder.path, { shards: 3, clock, ...options });
  onTestFinished(() => store.close());
  const { app, access, url, port } = await openApp({ store, clock, limits: realLimits });
  return { app, access, url, port, clock, store };
}

// Puts a server together: opens the store, and has it served. Knows no signal, no exit code and no
// standard stream, and not how the parts work.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { availableMemory } from '../engine/available-memory.ts';
import { planMemory, type MemoryPlan } from '../engine/memory-plan.ts';
import { openEmbeddedStore } from '../engine/open-embedded-store.ts';
import { noServerTokens } from '../settings/server-tokens.ts';
import { manifestName } from '../storage/file-names.ts';
import type { CommandStore } from '../store/store.ts';
import { checkExposure } from './check-exposure.ts';
import type { OpenServer, OpenServerOptions } from './serve-store.ts';
import { openTls } from './tls-files.ts';
import { tryAddress } from './try-address.ts';
import { upgradeFolder } from './upgrade-folder.ts';

/**
 * Leaves nothing open if it fails.
 *
 * @returns undefined, with everything closed again, if the server was told to stop before it listened
 * @throws SettingError if the server may not listen so; StoreError as `openEmbeddedStore` and
 *   `upgradeFolder` do; ListenError
 */
export async function openServer(options: OpenServerOptions): Promise<OpenServer | undefined> {
  const { settings, serverTokens = noServerTokens } = options;
  const tls = openTls(settings);
  if (!hasStore(settings.dataDir)) {
    // A start that fails must not leave a new store. A folder without one has no tokens.
    checkExposure(settings, serverTokens.tokens.length === 0);
    await tryAddress(settings);
  }
  const memory = planMemory(settings, availableMemory());
  // The shards' threads start while this thread loads the libraries of the HTTP side.
  const httpSide = import('./serve-store.ts');
  // The error is thrown where it is awaited. Until then no other part may take it for unexpected.
  httpSide.catch(() => undefined);
  const store = await openStore(options, memory);
  try {
    // A stop during recovery waits for its end, since a store half open cannot be closed.
    const { serveStore } = await httpSide;
    if (options.isStopping?.() !== true) return await serveStore(store, { tls, memory }, options);
  } catch (error) {
    await store.close();
    throw error;
  }
  await store.close();
  return undefined;
}

function hasStore(dataDir: string): boolean {
  return existsSync(join(resolve(dataDir), manifestName));
}

async function openStore(
  { settings, logger, clock }: OpenServerOptions,
  memory: MemoryPlan,
): Promise<CommandStore> {
  const { shards, shardHeapMiB, directReads, cacheBytes } = settings;
  const dataDir = resolve(settings.dataDir);
  upgradeFolder(dataDir, logger);
  return await openEmbeddedStore({
    ...settings,
    ...memory,
    dataDir,
    directReads: directReads && cacheBytes !== 0,
    shards: shards === 'auto' ? undefined : shards,
    shardHeapMiB: shardHeapMiB === 'auto' ? undefined : shardHeapMiB,
    logger,
    clock,
  });
}

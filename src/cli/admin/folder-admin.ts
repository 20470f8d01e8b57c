// Administers a data folder that no server uses: holds its lock, opens its store, and asks the same
// rules as a server does. Makes no store.
import { openAccess, type Access } from '../../access/access.ts';
import { parseNamespaceSettings } from '../../access/namespace-settings.ts';
import { parseTokenRequest, parseUserRequest } from '../../access/token-request.ts';
import type { NamespaceView, NewTokenView, Page, TokenView, UserView } from '../../access/views.ts';
import { systemClock } from '../../base/clock.ts';
import { StoreError } from '../../base/errors.ts';
import type { JsonObject } from '../../base/json-object.ts';
import { availableMemory } from '../../engine/available-memory.ts';
import { planMemory } from '../../engine/memory-plan.ts';
import { openEmbeddedStore } from '../../engine/open-embedded-store.ts';
import type { ServerTokenTexts } from '../../settings/server-tokens.ts';
import { isFolder, nodeFileSystem } from '../../storage/node-file-system.ts';
import type { CommandStore } from '../../store/store.ts';
import { openOfflineStore } from '../../tools/offline-store.ts';
import { exitCodeOf, exitCodes } from '../command-error.ts';
import { withDamageAdvice } from '../damage-advice.ts';
import { defaultSettings } from '../load-settings.ts';
import { openServerLog } from '../server-log.ts';
import { standardError } from '../standard-streams.ts';
import {
  pageLimit,
  RefusedAdministration,
  type AccessStatus,
  type AdminClient,
} from './admin-client.ts';

export interface FolderServing {
  /** Those with which the operator starts the server. */
  readonly serverTokens: ServerTokenTexts;
  /** The most namespaces, the default one among them. */
  readonly namespacesMax: number;
}

/**
 * Opens the folder's store for the work, and closes it behind the work.
 *
 * @param dataDir an absolute path
 * @param serving as the operator serves the folder
 * @throws StoreError STORE_INACCESSIBLE if there is no store; whatever `openEmbeddedStore` throws
 */
export async function withFolderAdmin<T>(
  dataDir: string,
  serving: FolderServing,
  work: (admin: FolderAdmin) => Promise<T>,
): Promise<T> {
  try {
    const store = await openStore(dataDir);
    try {
      const nowMs = (): number => store.timestamp();
      const access = await openAccess({ store, nowMs, ...serving });
      const result = await work(new FolderAdmin(dataDir, access));
      await access.close();
      return result;
    } finally {
      await store.close();
    }
  } catch (error) {
    throw withDamageAdvice(error, dataDir);
  }
}

async function openStore(dataDir: string): Promise<CommandStore> {
  if (isFolder(dataDir) !== true) {
    throw new StoreError('STORE_INACCESSIBLE', `${dataDir}: there is no such folder`);
  }
  // Throws if there is no store: opening it would make one.
  openOfflineStore(nodeFileSystem, dataDir);
  const settings = defaultSettings();
  return await openEmbeddedStore({
    ...planMemory(settings, availableMemory()),
    dataDir,
    shards: undefined,
    shardHeapMiB: undefined,
    fsync: 'always',
    directReads: settings.directReads,
    fsyncIntervalMs: settings.fsyncIntervalMs,
    logger: openServerLog('warn', standardError),
    clock: systemClock,
  });
}

export class FolderAdmin implements AdminClient {
  readonly place: string;
  readonly #access: Access;

  constructor(dataDir: string, access: Access) {
    this.place = dataDir;
    this.#access = access;
  }

  users(): Promise<readonly UserView[]> {
    const { administration } = this.#access;
    return this.#run(() =>
      allOf((after) => Promise.resolve(administration.users(after, pageLimit))),
    );
  }

  user(name: string): Promise<UserView> {
    return this.#run(() => this.#access.administration.user(name));
  }

  putUser(name: string, body: JsonObject): Promise<void> {
    return this.#run(async () => {
      await this.#access.administration.putUser(name, parseUserRequest(body));
    });
  }

  deleteUser(name: string): Promise<void> {
    return this.#run(() => this.#access.administration.deleteUser(name));
  }

  tokens(user: string): Promise<readonly TokenView[]> {
    return this.#run(() => this.#access.administration.tokens(user));
  }

  createToken(user: string, body: JsonObject): Promise<NewTokenView> {
    const { administration, nowMs } = this.#access;
    return this.#run(() => administration.createToken(user, parseTokenRequest(body, nowMs())));
  }

  deleteToken(user: string, id: string): Promise<void> {
    return this.#run(() => this.#access.administration.deleteToken(user, id));
  }

  namespaces(): Promise<readonly NamespaceView[]> {
    const { namespaces } = this.#access;
    return this.#run(() => allOf((after) => namespaces.views(after, pageLimit)));
  }

  namespace(name: string): Promise<NamespaceView> {
    return this.#run(() => this.#access.namespaces.view(name));
  }

  putNamespace(name: string, body: JsonObject): Promise<void> {
    return this.#run(async () => {
      await this.#access.namespaces.put(name, parseNamespaceSettings(body));
    });
  }

  dropNamespace(name: string): Promise<void> {
    return this.#run(() => this.#access.namespaces.drop(name));
  }

  status(): Promise<AccessStatus> {
    const { callers, nowMs } = this.#access;
    return this.#run(() => ({
      tokenRequired: !callers.isOpen,
      users: callers.userCount,
      tokens: callers.tokenCount,
      hasAdmin: callers.serverTokens.hasAdmin || callers.hasAdmin(nowMs),
    }));
  }

  /** Lets callers without a token do everything. */
  requireNoToken(): Promise<void> {
    return this.#run(() => this.#access.administration.requireNoToken());
  }

  /** Words refusals as those of a server. */
  async #run<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreError) || exitCodeOf(error) !== exitCodes.failed) throw error;
      throw new RefusedAdministration(this.place, error.code, error.message, error);
    }
  }
}

async function allOf<View>(
  pageAfter: (after: string | undefined) => Promise<Page<View>>,
): Promise<readonly View[]> {
  const all: View[] = [];
  let after: string | undefined;
  do {
    // oxlint-disable-next-line no-await-in-loop -- each page begins where the last one ended
    const { items, next } = await pageAfter(after);
    all.push(...items);
    after = next;
  } while (after !== undefined);
  return all;
}

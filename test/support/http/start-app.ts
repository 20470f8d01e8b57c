// Starts the HTTP layer over a model store on a free port. Must not know the test runner: loops outside of
// it start servers, too.
import { openAccess, type Access } from '../../../src/access/access.ts';
import { namespaceDefaults } from '../../../src/access/namespace-settings.ts';
import type { ServerTokensOptions } from '../../../src/access/server-tokens.ts';
import { buildApp, type AppAccess, type AppOptions } from '../../../src/http/app.ts';
import type { HttpLimits } from '../../../src/http/limits.ts';
import type { CommandStore } from '../../../src/store/store.ts';
import { drain, listen } from '../../../src/http/server.ts';
import { ModelStore } from '../stores/model-store.ts';
import { isLaneOpen, transportPair } from './transport.ts';

/** Rules of access as a test gives them: without tokens, the server is open. */
export interface TestAccess extends Partial<Omit<AppAccess, 'access'>> {
  readonly serverTokens?: ServerTokensOptions;
  readonly namespacesMax?: number;
}

export async function accessOver(
  store: CommandStore,
  { serverTokens = {}, namespacesMax = 100, ...rules }: TestAccess = {},
): Promise<AppAccess> {
  const nowMs = (): number => store.timestamp();
  const access = await openAccess({ store, nowMs, serverTokens, namespacesMax });
  return { access, corsOrigins: [], allowedHosts: [], trustProxy: [], ...rules };
}

export const testLimits: HttpLimits = {
  keyBytesMax: 64,
  valueBytesMax: 1024,
  batchOperationsMax: 100,
  batchBytesMax: 16 * 1024,
  bodyBytesInFlightMax: 64 * 1024,
  replyBytesMax: 256 * 1024 * 1024,
  requestTimeoutMs: 30_000,
  headersTimeoutMs: 10_000,
  keepAliveTimeoutMs: 65_000,
  connectionsMax: 100,
  waitersMax: 100,
  idempotencyWindowMs: 60_000,
  idempotencyRecordsMax: 50,
};

/** Makes namespaces, for tests that look at what a single write does to the store. */
export async function makeNamespaces({ namespaces }: Access, ...names: string[]): Promise<void> {
  for (const name of names) await namespaces.put(name, namespaceDefaults);
}

export type AppChanges = Partial<Omit<AppOptions, 'limits' | 'access'>> & {
  readonly limits?: Partial<HttpLimits>;
  readonly access?: TestAccess;
};

/** The caller closes it. */
export async function startApp({ limits, access, ...changes }: AppChanges = {}) {
  const model = new ModelStore();
  const options = {
    store: model,
    clock: { wallMs: () => model.nowMs, monotonicMs: () => performance.now() },
    version: '0.0.0-test',
    logger: false,
    tls: transportPair,
    fastLane: isLaneOpen,
    limits: { ...testLimits, ...limits },
    ...changes,
  } as const;
  const rules = await accessOver(options.store, access);
  const app = await buildApp({ ...options, access: rules });
  const { url, port } = await listen(app, { host: '127.0.0.1', port: 0 });
  const close = () => drain(app, { deadlineMs: 0 });
  return { app, model, url, port, access: rules.access, close };
}

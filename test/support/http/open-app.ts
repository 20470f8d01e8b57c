// Starts the HTTP layer over a model store on a free port, and stops it after the test.
import { onTestFinished } from 'vitest';
import { Callers } from '../../../src/access/callers.ts';
import { ServerTokens } from '../../../src/access/server-tokens.ts';
import { buildApp, type AccessOptions, type AppOptions } from '../../../src/http/app.ts';
import type { HttpLimits } from '../../../src/http/limits.ts';
import { drain, listen } from '../../../src/http/server.ts';
import { ModelStore } from '../stores/model-store.ts';

/** A server that requires no token, and is called by loopback names. */
export function openAccess(changes: Partial<AccessOptions> = {}): AccessOptions {
  const callers = new Callers(new ServerTokens({}));
  return { callers, corsOrigins: [], allowedHosts: [], trustProxy: [], ...changes };
}

export const testLimits: HttpLimits = {
  keyBytesMax: 64,
  valueBytesMax: 1024,
  batchOperationsMax: 100,
  batchBytesMax: 16 * 1024,
  bodyBytesInFlightMax: 64 * 1024,
  requestTimeoutMs: 30_000,
  headersTimeoutMs: 10_000,
  keepAliveTimeoutMs: 65_000,
  connectionsMax: 100,
  idempotencyWindowMs: 60_000,
  idempotencyRecordsMax: 50,
};

type Changes = Partial<Omit<AppOptions, 'limits' | 'access'>> & {
  readonly limits?: Partial<HttpLimits>;
  readonly access?: Partial<AccessOptions>;
};

export async function openApp({ limits, access, ...changes }: Changes = {}) {
  const model = new ModelStore();
  const app = await buildApp({
    store: model,
    clock: { wallMs: () => model.nowMs, monotonicMs: () => performance.now() },
    version: '0.0.0-test',
    logger: false,
    limits: { ...testLimits, ...limits },
    access: openAccess(access),
    ...changes,
  });
  const { url, port } = await listen(app, { host: '127.0.0.1', port: 0 });
  onTestFinished(() => drain(app, { deadlineMs: 0 }));
  return { app, model, url, port };
}

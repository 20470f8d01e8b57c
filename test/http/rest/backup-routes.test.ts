import { get as httpGet, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { fastify } from 'fastify';
import { describe, expect, onTestFinished, test } from 'vitest';
import { StoreError } from '../../../src/base/errors.ts';
import { backupRoutes } from '../../../src/http/rest/backup-routes.ts';
import { BackupReader } from '../../../src/storage/backup-reader.ts';
import { MemoryFileSystem } from '../../support/disk/memory-file-system.ts';
import { storeOfAnyone } from '../../support/stores/store-of-anyone.ts';
import { ModelStore } from '../../support/stores/model-store.ts';
import { put } from '../../support/stores/operations.ts';
import { makeNamespaces, openApp } from '../../support/http/open-app.ts';

const pieceBytes = 1024 * 1024;

/** Gives pieces without end, and records how the reader treats it. */
class Pieces implements AsyncIterableIterator<Uint8Array> {
  taken = 0;
  isEnded = false;
  #onEnd: () => void = () => undefined;
  readonly ended = new Promise<void>((resolve) => (this.#onEnd = resolve));
  /** Number of the piece that is an error instead. */
  failAt = Infinity;

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.taken += 1;
    if (this.taken >= this.failAt) throw new StoreError('STORE_DAMAGED', 'a file is damaged');
    return { done: false, value: Buffer.alloc(pieceBytes, '\n') };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.isEnded = true;
    this.#onEnd();
    return { done: true, value: undefined };
  }
}

async function openWith(pieces: Pieces) {
  const store = new ModelStore();
  store.backup = async () => pieces;
  return await openApp({ store });
}

async function request(url: string): Promise<IncomingMessage> {
  const [response] = (await once(httpGet(url), 'response')) as [IncomingMessage];
  return response;
}

describe('GET /v1/backup', () => {
  test('is a whole backup that no browser takes for a page', async () => {
    const { model, url } = await openApp();
    for (let index = 0; index < 50; index++) await model.submit(put(`key ${index + 10}`, 'é'));
    const response = await fetch(`${url}/v1/backup`);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/x-ndjson',
      'content-disposition': 'attachment; filename="holdfast-backup.ndjson"',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    const files = new MemoryFileSystem();
    files.put('/backup', Buffer.from(await response.arrayBuffer()));
    const reader = new BackupReader(files.open('/backup'), 'backup');
    const keys = [...reader.blocks()].flatMap(({ entries }) => entries.map(({ key }) => key));
    expect(keys).toEqual(Array.from({ length: 50 }, (_, index) => `key ${index + 10}`));
  });

  test('has one namespace alone if the query names it', async () => {
    const { model, url, access } = await openApp();
    await makeNamespaces(access, 'app', 'App');
    for (const namespace of ['app', 'App', 'default', '~program']) {
      await model.submit({ ...put('key', 'x'), namespace });
    }
    for (const [namespace, keys] of Object.entries({ app: 1, App: 1, default: 1 })) {
      const response = await fetch(`${url}/v1/backup?namespace=${namespace}`);
      expect([response.status, response.headers.get('content-disposition')]).toEqual([
        200,
        `attachment; filename="holdfast-backup-${namespace}.ndjson"`,
      ]);
      const files = new MemoryFileSystem();
      files.put('/backup', Buffer.from(await response.arrayBuffer()));
      const reader = new BackupReader(files.open('/backup'), 'backup');
      const found = [...reader.blocks()].map((block) => block.namespace);
      expect(reader.header.namespace).toBe(namespace);
      expect(found).toEqual(Array.from({ length: keys }, () => namespace));
    }
  });

  test('is 404 for a namespace that was not made: an empty backup would look like a good one', async () => {
    const { url } = await openApp();
    const response = await fetch(`${url}/v1/backup?namespace=missing`);
    expect([response.status, await response.json()]).toEqual([
      404,
      expect.objectContaining({ code: 'NAMESPACE_NOT_FOUND' }),
    ]);
  });

  test('has one namespace alone if the path or the header names it', async () => {
    const { model, url, access } = await openApp();
    await makeNamespaces(access, 'app');
    for (const namespace of ['app', 'default']) {
      await model.submit({ ...put('key', 'x'), namespace });
    }
    const headers = { 'holdfast-namespace': 'app' };
    const named: readonly (readonly [string, Record<string, string>])[] = [
      ['/ns/app/v1/backup', {}],
      ['/v1/backup', headers],
      ['/ns/app/v1/backup?namespace=app', headers],
    ];
    for (const [path, given] of named) {
      const lines = (await (await fetch(`${url}${path}`, { headers: given })).text()).split('\n');
      expect(lines.map((line) => /"namespace":"(\w+)"/.exec(line)?.[1])).toEqual([
        'app',
        'app',
        undefined,
        undefined,
      ]);
    }
    const two = await fetch(`${url}/v1/backup?namespace=other`, { headers });
    expect([two.status, await two.json()]).toEqual([
      400,
      expect.objectContaining({ code: 'BAD_REQUEST', parameter: 'namespace' }),
    ]);
  });

  test.each(['', '~program', '.app', 'a/b', 'x'.repeat(65), '%C3%A4', 'a%00', 'app&namespace=app'])(
    'refuses the namespace %j, and takes no backup',
    async (name) => {
      const { model, url } = await openApp();
      model.backup = () => Promise.reject(new Error('no backup is expected'));
      const response = await fetch(`${url}/v1/backup?namespace=${name}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        code: name.includes('&') ? 'BAD_REQUEST' : 'NAMESPACE_INVALID',
        parameter: 'namespace',
        outcome: 'not-applied',
      });
    },
  );

  test('takes no other parameters and no other method', async () => {
    const { url } = await openApp();
    expect((await fetch(`${url}/v1/backup?from=1`)).status).toBe(400);
    const head = await fetch(`${url}/v1/backup`, { method: 'HEAD' });
    expect([head.status, head.headers.get('allow')]).toEqual([405, 'GET']);
  });

  test('is not there if the engine takes none', async () => {
    const store = new ModelStore();
    Object.defineProperty(store, 'backup', { value: undefined });
    const { url } = await openApp({ store });
    expect((await fetch(`${url}/v1/backup`)).status).toBe(404);
  });

  test('is refused with 503 and Retry-After while one is being taken', async () => {
    const store = new ModelStore();
    store.backup = async () => {
      const facts = { retryable: true, retryAfterMs: 10_000 };
      throw new StoreError('OVERLOADED', 'A backup is being taken already.', facts);
    };
    const { url } = await openApp({ store });
    const response = await fetch(`${url}/v1/backup`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '10']);
    expect(await response.json()).toMatchObject({ code: 'OVERLOADED', retryable: true });
  });

  test('takes no more pieces than a slow client reads, and ends the backup when it goes', async () => {
    const pieces = new Pieces();
    const { url } = await openWith(pieces);
    const response = await request(`${url}/v1/backup`);
    await once(response, 'readable');
    response.read(10);
    await settled(() => pieces.taken);
    // The sockets between both ends take some pieces, and the server makes a few ahead.
    expect(pieces.taken).toBeLessThan(30);
    expect(pieces.isEnded).toBe(false);
    response.destroy();
    await pieces.ended;
    expect(pieces.isEnded).toBe(true);
  });

  test('is ended if the client takes nothing any more', async () => {
    const pieces = new Pieces();
    const store = new ModelStore();
    store.backup = async () => pieces;
    const app = fastify();
    const anyone = await storeOfAnyone(store);
    const scopes = { of: () => ({ store: anyone, named: undefined }) };
    backupRoutes(app, { scopes, takesBackups: true, stalledMs: 200 });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    onTestFinished(() => app.close());
    const response = await request(`${url}/v1/backup`);
    const cut = once(response, 'error');
    await pieces.ended;
    // The client still reads all earlier bytes before it sees the cut.
    response.resume();
    expect(await cut).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
  });

  test('that fails midway cuts the connection', async () => {
    const pieces = new Pieces();
    pieces.failAt = 4;
    const { url } = await openWith(pieces);
    const response = await fetch(`${url}/v1/backup`);
    expect(response.status).toBe(200);
    await expect(response.arrayBuffer()).rejects.toThrow(/terminated/);
  });
});

/** Waits until a figure has been constant for some turns of the event loop. */
async function settled(figure: () => number): Promise<void> {
  for (let [last, still] = [figure(), 0]; still < 20;) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    still = figure() === last ? still + 1 : 0;
    last = figure();
  }
}

import { describe, expect, test } from 'vitest';
import { PatientClient } from '../../src/cli/patient-client.ts';
import { RefusedRequest, ServerNamespace } from '../../src/cli/server-namespace.ts';
import { serverRequest } from '../../src/cli/server-request.ts';
import type { HttpLimits } from '../../src/http/limits.ts';
import type { EntryRecord } from '../../src/storage/record.ts';
import { NamespacedServer, sendProblem } from '../support/http/namespaced-server.ts';
import { get, put } from '../support/stores/operations.ts';

interface Opened {
  readonly server: NamespacedServer;
  readonly target: ServerNamespace;
  readonly waits: number[];
}

async function open(limits: Partial<HttpLimits> = {}): Promise<Opened> {
  const server = await NamespacedServer.open(limits);
  const waits: number[] = [];
  const client = new PatientClient({
    request: serverRequest({ url: server.url, header: [] }, {}),
    signal: new AbortController().signal,
    wallMs: Date.now,
    tell: () => undefined,
    sleep: async (ms) => waits.push(ms),
  });
  return { server, target: new ServerNamespace(client, server.url, 'app'), waits };
}

const entry = (key: string, more: Partial<EntryRecord> = {}): EntryRecord => ({
  key,
  version: 7,
  ...(more.valueBase64 === undefined ? { value: `value of ${key}` } : {}),
  ...more,
});

const paths = ({ requests }: NamespacedServer): string[] => requests.map(({ path }) => path);

describe('a namespace of a server', () => {
  test('has entries or not, and none if it has not been made', async () => {
    const { server, target } = await open();
    expect(await target.hasEntries()).toBe(false);
    expect(server.has('app')).toBe(false);
    const model = await server.make('app');
    expect(await target.hasEntries()).toBe(false);
    await model.submit(put('a', 'x'));
    expect(await target.hasEntries()).toBe(true);
  });

  test('has entries although a first page of expired ones shows none', async () => {
    const { server, target } = await open();
    server.intercept = ({ path }, reply) => {
      const isFirst = !path.includes('cursor=');
      reply.end(isFirst ? '{"items":[],"cursor":"a+/="}' : '{"items":[{"key":"k"}]}');
      return true;
    };
    expect(await target.hasEntries()).toBe(true);
    expect(paths(server)).toEqual(['/v1/keys?limit=1', '/v1/keys?limit=1&cursor=a%2B%2F%3D']);
  });

  test('is emptied at one moment', async () => {
    const { server, target } = await open();
    const model = await server.make('app');
    for (const key of ['a', 'b']) await model.submit(put(key, 'x'));
    await target.empty();
    expect(model.entries.size).toBe(0);
    expect(server.requests.map(({ body }) => body)).toEqual(['["FLUSHDB"]']);
  });

  test('takes texts, bytes and deadlines as they are, over other entries, too', async () => {
    const { server, target } = await open();
    const model = await server.make('app');
    await model.submit(put('text', 'earlier'));
    const deadline = model.nowMs + 5000;
    await target.put([
      entry('text', { value: 'Orléans' }),
      entry('ü/\u{1f600}', { valueBase64: '/wA=', expiresAt: deadline }),
      entry('far', { expiresAt: 8e15 }),
      entry('farthest', { expiresAt: Number.MAX_SAFE_INTEGER }),
      entry('near', { expiresAt: model.nowMs + 1 }),
    ]);
    const read = async (key: string) => {
      const result = await model.submit(get(key));
      if (result.kind !== 'entry') throw new Error(`${key} is ${result.kind}`);
      return [Buffer.from(result.value ?? []).toString('latin1'), result.expiresAt];
    };
    expect(await read('text')).toEqual([Buffer.from('Orléans').toString('latin1'), undefined]);
    expect(await read('ü/\u{1f600}')).toEqual(['\u00ff\0', deadline]);
    expect(await read('far')).toEqual(['value of far', 8e15]);
    expect(await read('farthest')).toEqual(['value of farthest', Number.MAX_SAFE_INTEGER]);
    expect(await read('near')).toEqual(['value of near', model.nowMs + 1]);
    expect(paths(server)).toEqual(['/v1/batch', '/upstash/pipeline']);
  });

  test('keeps a deadline that passes while it is restored until the server removes it', async () => {
    const { server, target } = await open();
    const model = await server.make('app');
    await target.put([entry('late', { expiresAt: model.nowMs - 1 })]);
    expect(await model.submit(get('late'))).toEqual({ kind: 'missing' });
  });

  test('sends no deadlines if there are none', async () => {
    const { server, target } = await open();
    await target.put([entry('a'), entry('b')]);
    expect(paths(server)).toEqual(['/v1/batch']);
  });

  test('gets smaller batches if the server takes no larger ones', async () => {
    const { server, target } = await open({ batchOperationsMax: 3 });
    const expiresAt = Date.now() + 1e9;
    await target.put(
      Array.from({ length: 10 }, (_, index) => entry(`key ${index}`, { expiresAt })),
    );
    const { entries } = server.modelOf('app');
    expect([...entries.values()].map((one) => one.expiresAt)).toEqual(Array(10).fill(expiresAt));
  });

  test('gets again only the entries that it had no room for, as late as it asks', async () => {
    const { server, target, waits } = await open();
    let refusals = 0;
    server.intercept = ({ path, body }, reply) => {
      const { operations } = JSON.parse(body) as { operations: { key: string }[] };
      if (path !== '/v1/batch' || refusals === 2) return false;
      refusals += 1;
      const results = operations.map(({ key }) =>
        key === 'busy'
          ? { status: 503, code: 'OVERLOADED', retryable: true, retryAfterMs: 3000 }
          : { status: 201 },
      );
      reply.end(JSON.stringify({ results }));
      return true;
    };
    await target.put([entry('a'), entry('busy'), entry('c')]);
    const sent = server.requests.map(({ body }) => body.match(/"key":"\w+"/g)?.length);
    expect(sent).toEqual([3, 1, 1]);
    expect(waits).toEqual([3000, 3000]);
    expect(server.modelOf('app').entries.size).toBe(1);
  });

  test('sets deadlines again if the server had no room for them', async () => {
    const { server, target, waits } = await open();
    const model = await server.make('app');
    let refusals = 0;
    server.intercept = ({ path }, reply) => {
      if (path !== '/upstash/pipeline' || refusals === 1) return false;
      refusals += 1;
      reply.end('[{"result":1},{"error":"ERR Too much is waiting already."}]');
      return true;
    };
    const expiresAt = model.nowMs + 1e9;
    await target.put([entry('a', { expiresAt }), entry('b', { expiresAt })]);
    expect([...model.entries.values()]).toMatchObject([{ expiresAt }, { expiresAt }]);
    expect(waits).toEqual([250]);
  });

  test('that never takes an entry fails with its key, shortened', async () => {
    const { target } = await open({ valueBytesMax: 10 });
    const key = `a\u200b${'b'.repeat(40)}`;
    await expect(target.put([entry('a'), entry(key, { value: 'x'.repeat(11) })])).rejects.toThrow(
      /the namespace app of http:.*: the key "a\\u200bb{40}" is refused with 413: A value may have/,
    );
    await expect(target.put([entry('k'.repeat(65))])).rejects.toThrow(
      /the key "k{64}…" is refused with 400: A key may have at most 64 bytes/,
    );
  });

  test('that refuses a request has carried out nothing of it', async () => {
    const { server, target } = await open();
    server.intercept = (_, reply) => sendProblem(reply, 403, 'FORBIDDEN', 'You may not do this.');
    const refusals = await Promise.allSettled([target.hasEntries(), target.put([entry('a')])]);
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ reason: expect.any(RefusedRequest) });
      expect(String((refusal as PromiseRejectedResult).reason)).toContain(
        'refused with 403: You may not do this.',
      );
    }
    server.intercept = (_, reply) => {
      reply.writeHead(403).end('{"error":"NOPERM this user has no permissions"}');
      return true;
    };
    await expect(target.empty()).rejects.toThrow(/refused with 403: NOPERM this user/);
  });

  test.each<[string, string]>([
    ['no JSON', '<html>'],
    ['another object', '{"results":5}'],
    ['too few results', '{"results":[]}'],
    ['a list', '[]'],
  ])('of another server, which answers %s, is no namespace', async (_what, answer) => {
    const { server, target } = await open();
    server.intercept = (_, reply) => {
      reply.end(answer);
      return true;
    };
    const message = /the answer is 200, but not as of a Holdfast server with namespaces/;
    await expect(target.hasEntries()).rejects.toThrow(message);
    await expect(target.put([entry('a')])).rejects.toThrow(message);
    await expect(target.empty()).rejects.toThrow(message);
  });
});

import { describe, expect, test } from 'vitest';
import { openApp } from '../../../support/http/open-app.ts';
import { rawRequest } from '../../../support/http/raw-request.ts';
import { openShardedApp } from '../../../support/http/open-sharded-app.ts';
import {
  deleteLock,
  fenceOf,
  getLock,
  lockPath,
  putLock,
  untilWaiting,
} from '../../../support/http/lock-requests.ts';

describe('a lock', () => {
  test('is taken, with its fence and its deadline', async () => {
    const opened = await openApp();
    const { status, etag, body } = await putLock(opened, { ttl: '30s' });
    const { fence } = body;
    expect(status).toBe(201);
    expect(body).toEqual({ name: 'job', fence, expiresAt: opened.model.nowMs + 30_000 });
    expect(etag).toBe(`"${fence}"`);
    expect(fence).toBe(opened.model.nowMs * 1024);
  });

  test('is refused while it is held, with the deadline of the holder', async () => {
    const opened = await openApp();
    await putLock(opened, { ttl: '30s' });
    opened.model.nowMs += 500;
    const { status, retryAfter, body } = await putLock(opened);
    expect([status, retryAfter]).toEqual([409, '30']);
    expect(body).toMatchObject({
      code: 'LOCK_HELD',
      retryable: true,
      outcome: 'not-applied',
      expiresAt: opened.model.nowMs + 29_500,
    });
  });

  test('is free again once it has expired, and its fence is lost', async () => {
    const opened = await openShardedApp();
    const first = await fenceOf(putLock(opened, { ttl: '1s' }));
    opened.clock.advance(1000);
    const second = await fenceOf(putLock(opened));
    expect(second).toBe(first + 1);
    expect((await putLock(opened, { fence: first })).status).toBe(412);
    expect((await deleteLock(opened, { fence: first })).status).toBe(412);
    expect((await getLock(opened)).body.fence).toBe(second);
  });

  test('is renewed by its fence, from now on', async () => {
    const opened = await openShardedApp();
    const fence = await fenceOf(putLock(opened, { ttl: '2s' }));
    opened.clock.advance(1500);
    const { status, etag, body } = await putLock(opened, { ttl: '2s', fence });
    expect([status, etag, body.fence]).toEqual([200, `"${fence}"`, fence]);
    opened.clock.advance(1500);
    expect((await getLock(opened)).body).toEqual(body);
    opened.clock.advance(500);
    expect((await getLock(opened)).status).toBe(404);
  });

  test('is released by its fence', async () => {
    const opened = await openApp();
    const fence = await fenceOf(putLock(opened));
    expect((await deleteLock(opened, { fence: fence + 1 })).status).toBe(412);
    expect((await deleteLock(opened, { fence })).status).toBe(204);
    expect((await deleteLock(opened, { fence })).status).toBe(412);
    const { status, body } = await getLock(opened);
    expect([status, body.code]).toEqual([404, 'LOCK_NOT_FOUND']);
  });

  test('is released without its fence by who administers the namespace, held or not', async () => {
    const opened = await openApp();
    await putLock(opened);
    expect((await deleteLock(opened)).status).toBe(204);
    expect((await deleteLock(opened)).status).toBe(204);
    expect((await getLock(opened)).status).toBe(404);
  });

  test('has a name that no router decodes or shortens', async () => {
    const opened = await openApp();
    for (const [path, name] of [
      ['/v1/locks/a%2Fb', 'a/b'],
      ['/v1/locks/a/../b', 'a/../b'],
      ['/v1/locks/%C3%A4', 'ä'],
    ] as const) {
      // fetch would take the dots away.
      const { status, body } = await rawRequest(opened.port, 'PUT', `${path}?ttl=30s`);
      expect([status, JSON.parse(body)]).toMatchObject([
        201,
        { name: Buffer.from(name).toString('latin1') },
      ]);
    }
  });

  test('is apart from the key of its name, and from the lock of another namespace', async () => {
    const opened = await openApp();
    await fetch(`${opened.url}/v1/keys/job`, { method: 'PUT', body: 'x' });
    await fetch(`${opened.url}/ns/app/v1/keys/a`, { method: 'PUT', body: 'x' });
    expect((await putLock(opened)).status).toBe(201);
    expect((await putLock(opened, { path: `/ns/app${lockPath}` })).status).toBe(201);
    expect(await (await fetch(`${opened.url}/v1/keys/job`)).text()).toBe('x');
  });

  test('makes its namespace, as the first put into one does', async () => {
    const opened = await openApp();
    const path = `/ns/new${lockPath}`;
    for (const { status, body } of [
      await getLock(opened, { path }),
      await deleteLock(opened, { path }),
    ]) {
      expect([status, body.code]).toEqual([404, 'NAMESPACE_NOT_FOUND']);
    }
    const fence = await fenceOf(putLock(opened, { path }));
    expect((await getLock(opened, { path })).body.fence).toBe(fence);
  });
});

describe('a fence', () => {
  test('grows over all locks of a namespace', async () => {
    const opened = await openShardedApp();
    const fences: number[] = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      const path = `/v1/locks/${name}`;
      fences.push(await fenceOf(putLock(opened, { path })));
      await deleteLock(opened, { path, fence: fences.at(-1) });
      fences.push(await fenceOf(putLock(opened, { path })));
    }
    expect(fences).toEqual(fences.map((_, index) => (fences[0] ?? 0) + index));
  });
});

describe('a request that is not right', () => {
  test.each([
    ['no ttl', '', {}, 'ttl'],
    ['a ttl of no time', '?ttl=0', {}, 'ttl'],
    ['a ttl past a day', '?ttl=25h', {}, 'ttl'],
    ['a wait past five minutes', '?ttl=1s&wait=6m', {}, 'wait'],
    ['a renewal that waits', '?ttl=1s&wait=1s', { 'if-match': '"1"' }, 'wait'],
    ['any fence', '?ttl=1s', { 'if-match': '*' }, 'If-Match'],
    ['a malformed fence', '?ttl=1s', { 'if-match': '7' }, 'If-Match'],
    ['If-None-Match', '?ttl=1s', { 'if-none-match': '*' }, 'If-None-Match'],
    ['an unknown parameter', '?ttl=1s&tll=2', {}, 'tll'],
  ])('is refused by the name of what is wrong: %s', async (_, query, headers, parameter) => {
    const opened = await openApp();
    const reply = await fetch(opened.url + lockPath + query, { method: 'PUT', headers });
    expect(reply.status).toBe(400);
    expect(await reply.json()).toMatchObject({ code: 'BAD_REQUEST', parameter });
    expect((await getLock(opened)).status).toBe(404);
  });

  test('has too long a name, or none', async () => {
    const opened = await openApp();
    for (const path of [`/v1/locks/${'a'.repeat(65)}`, '/v1/locks/']) {
      const { status, body } = await putLock(opened, { path });
      expect([status, body.code]).toEqual([400, 'KEY_INVALID']);
    }
    expect((await putLock(opened, { path: `/v1/locks/${'a'.repeat(64)}` })).status).toBe(201);
  });
});

describe('a request that waits for a lock', () => {
  test('takes a free lock at once', async () => {
    const opened = await openShardedApp();
    expect((await putLock(opened, { wait: '5m' })).status).toBe(201);
    expect(opened.app.waits.count).toBe(0);
  });

  test('gets the lock once it is released, in the order of arrival', async () => {
    const opened = await openShardedApp();
    let fence = await fenceOf(putLock(opened));
    const granted: number[] = [];
    const waiters = [];
    for (let index = 0; index < 8; index++) {
      waiters.push(
        putLock(opened, { wait: '5m' }).then((reply) => {
          granted.push(index);
          return reply;
        }),
      );
      await untilWaiting(opened, index + 1);
    }
    for (const waiter of waiters) {
      await deleteLock(opened, { fence });
      const next = await fenceOf(waiter);
      expect(next).toBe(fence + 1);
      fence = next;
    }
    expect(granted).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(opened.app.waits.count).toBe(0);
  });

  test('gets the lock once it has expired', async () => {
    const opened = await openShardedApp();
    const first = await fenceOf(putLock(opened, { ttl: '10s' }));
    const waiter = putLock(opened, { wait: '5m' });
    await untilWaiting(opened, 1);
    opened.clock.advance(10_000);
    expect(await fenceOf(waiter)).toBe(first + 1);
  });

  test('hears that the lock is held once the time is over', async () => {
    const opened = await openShardedApp();
    const { body } = await putLock(opened, { ttl: '60s' });
    const waiter = putLock(opened, { wait: '20ms' });
    await untilWaiting(opened, 1);
    opened.clock.advance(20);
    const reply = await waiter;
    expect(reply.status).toBe(409);
    expect(reply.body).toMatchObject({ code: 'LOCK_HELD', expiresAt: body.expiresAt });
  });

  test('hears so at once if the server drains', async () => {
    const opened = await openShardedApp();
    await putLock(opened);
    const waiter = putLock(opened, { wait: '5m' });
    await untilWaiting(opened, 1);
    opened.app.waits.stop();
    expect((await waiter).body.code).toBe('LOCK_HELD');
  });

  test('leaves the queue with its connection', async () => {
    const opened = await openShardedApp();
    const fence = await fenceOf(putLock(opened));
    const gone = new AbortController();
    const lost = putLock(opened, { wait: '5m', signal: gone.signal }).catch(() => 'gone');
    await untilWaiting(opened, 1);
    const waiter = putLock(opened, { wait: '5m' });
    await untilWaiting(opened, 2);
    gone.abort();
    expect(await lost).toBe('gone');
    await untilWaiting(opened, 1);
    await deleteLock(opened, { fence });
    expect(await fenceOf(waiter)).toBe(fence + 1);
  });

  test('is one of waitersMax', async () => {
    const opened = await openApp({ limits: { waitersMax: 1 } });
    await putLock(opened);
    const waiter = putLock(opened, { wait: '5m' });
    await untilWaiting(opened, 1);
    const { status, body } = await putLock(opened, { wait: '5m' });
    expect([status, body.code]).toEqual([429, 'WAITERS_FULL']);
    await deleteLock(opened);
    expect((await waiter).status).toBe(201);
  });

  test('is not overtaken by one that does not wait', async () => {
    const opened = await openShardedApp();
    let fence = await fenceOf(putLock(opened));
    const waiters = Array.from({ length: 20 }, () => putLock(opened, { wait: '5m' }));
    await untilWaiting(opened, 20);
    for (let count = 0; count < 20; count++) {
      const [, ...hasty] = await Promise.all([
        deleteLock(opened, { fence }),
        ...Array.from({ length: 4 }, () => putLock(opened)),
      ]);
      expect(hasty.map(({ status }) => status)).toEqual([409, 409, 409, 409]);
      fence += 1;
      await expect.poll(async () => (await getLock(opened)).body.fence).toBe(fence);
    }
    expect((await Promise.all(waiters)).map(({ status }) => status)).toEqual(
      waiters.map(() => 201),
    );
  });
});

describe('with an Idempotency-Key', () => {
  const headers = { 'idempotency-key': '"k"' };

  test('a lock is taken once, and a repeat gets the same fence', async () => {
    const opened = await openShardedApp();
    const first = await putLock(opened, { headers });
    const again = await putLock(opened, { headers });
    expect(again).toEqual({ ...first, replayed: 'true' });
  });

  test('a repeat is answered while others wait', async () => {
    const opened = await openShardedApp();
    const asked = { headers, wait: '5m' };
    const first = await putLock(opened, asked);
    const waiter = putLock(opened, { wait: '5m' });
    await untilWaiting(opened, 1);
    expect(await putLock(opened, asked)).toEqual({ ...first, replayed: 'true' });
    await deleteLock(opened, { fence: first.body.fence });
    expect((await waiter).status).toBe(201);
  });

  test('a refusal is not kept, so a repeat may take the lock', async () => {
    const opened = await openShardedApp();
    const fence = await fenceOf(putLock(opened));
    expect((await putLock(opened, { headers })).status).toBe(409);
    await deleteLock(opened, { fence });
    expect((await putLock(opened, { headers })).status).toBe(201);
  });

  test('one that waits is kept, too', async () => {
    const opened = await openShardedApp();
    const fence = await fenceOf(putLock(opened));
    const asked = { headers, wait: '5m' };
    const waiter = putLock(opened, asked);
    await untilWaiting(opened, 1);
    await deleteLock(opened, { fence });
    const first = await waiter;
    expect(await putLock(opened, asked)).toEqual({ ...first, replayed: 'true' });
  });

  test('a release counts once', async () => {
    const opened = await openShardedApp();
    const fence = await fenceOf(putLock(opened));
    expect((await deleteLock(opened, { fence, headers })).status).toBe(204);
    expect(await deleteLock(opened, { fence, headers })).toMatchObject({
      status: 204,
      replayed: 'true',
    });
  });
});

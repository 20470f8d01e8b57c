// Rights, quotas and records of locks: callers by their tokens.
import { describe, expect, test } from 'vitest';
import { namespaceDefaults } from '../../../../src/access/namespace-settings.ts';
import { openAuditedApp } from '../../../support/http/audited-app.ts';
import { bearer, closedAccess, fullToken } from '../../../support/http/closed-access.ts';
import {
  deleteLock,
  fenceOf,
  getLock,
  putLock,
  untilWaiting,
} from '../../../support/http/lock-requests.ts';
import { makeNamespaces, openApp } from '../../../support/http/open-app.ts';
import { makeToken } from '../../../support/http/open-roles.ts';
import { openShardedApp } from '../../../support/http/open-sharded-app.ts';

const as = ({ token }: { readonly token: string }) => ({ headers: bearer(token) });

/** Two users that may write in `own`, and an administrator of it. */
async function openUsers() {
  const opened = await openApp({ access: closedAccess() });
  const { access } = opened;
  await makeNamespaces(access, 'own');
  const tokenOf = async (user: string, role: 'write' | 'admin' = 'write') =>
    await makeToken(access, user, [{ namespace: 'own', role }]);
  const ann = await tokenOf('ann');
  const annElsewhere = await tokenOf('ann');
  const ben = await tokenOf('ben');
  const boss = await tokenOf('boss', 'admin');
  return {
    ...opened,
    annId: ann.id,
    ann: as(ann),
    annElsewhere: as(annElsewhere),
    ben: as(ben),
    boss: as(boss),
  };
}

describe('a lock of one user', () => {
  test('is renewed and released by any of its tokens, and by no other user', async () => {
    const opened = await openUsers();
    const { ann, annElsewhere, ben } = opened;
    const fence = await fenceOf(putLock(opened, ann));
    for (const other of [ben, opened.boss]) {
      expect((await putLock(opened, { ...other, fence })).body.code).toBe('CONDITION_FAILED');
      expect((await deleteLock(opened, { ...other, fence })).status).toBe(412);
    }
    expect((await putLock(opened, { ...annElsewhere, fence })).status).toBe(200);
    expect((await deleteLock(opened, { ...annElsewhere, fence })).status).toBe(204);
  });

  test('is released without its fence by an administrator of the namespace alone', async () => {
    const opened = await openUsers();
    await putLock(opened, opened.ann);
    for (const writer of [opened.ann, opened.ben]) {
      const { status, body } = await deleteLock(opened, writer);
      expect([status, body.code, body.parameter]).toEqual([
        428,
        'PRECONDITION_REQUIRED',
        'If-Match',
      ]);
    }
    expect((await deleteLock(opened, opened.boss)).status).toBe(204);
    expect((await getLock(opened, opened.ann)).status).toBe(404);
  });

  test('stays held, and is granted to no token that was revoked while it waited', async () => {
    const opened = await openUsers();
    const { ann, ben, boss } = opened;
    await putLock(opened, ben);
    const revoked = putLock(opened, { ...ann, wait: '5m' });
    await untilWaiting(opened, 1);
    const behind = putLock(opened, { ...boss, wait: '5m' });
    await untilWaiting(opened, 2);
    await opened.access.administration.deleteToken('ann', opened.annId);
    // Its turn comes before the next judgement of those who wait.
    await deleteLock(opened, boss);
    expect((await revoked).status).toBe(401);
    const { fence } = (await behind).body;
    expect((await getLock(opened, ben)).body.fence).toBe(fence);
  });

  test('is bound by the prefixes of the token', async () => {
    const opened = await openUsers();
    const grants = [{ namespace: 'own', role: 'write', prefixes: ['cart/'] }] as const;
    const { token } = await makeToken(opened.access, 'eve', grants);
    const eve = { headers: bearer(token) };
    expect((await putLock(opened, { ...eve, path: '/v1/locks/cart/1' })).status).toBe(201);
    for (const path of ['/v1/locks/car', '/v1/locks/cart']) {
      const replies = [
        await putLock(opened, { ...eve, path }),
        await putLock(opened, { ...eve, path, wait: '5m' }),
        await getLock(opened, { ...eve, path }),
        await deleteLock(opened, { ...eve, path, fence: 1 }),
      ];
      expect(replies.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    }
  });
});

describe('a quota', () => {
  test('without room refuses a lock, and neither its renewal nor its release', async () => {
    const opened = await openShardedApp();
    await opened.access.namespaces.put('small', { ...namespaceDefaults, keysMax: 2 });
    const path = '/ns/small/v1/locks/a';
    const another = '/ns/small/v1/locks/b';
    // The lock, and the last fence.
    const fence = await fenceOf(putLock(opened, { path }));
    const { status, body } = await putLock(opened, { path: another });
    expect([status, body.code]).toEqual([507, 'QUOTA_EXCEEDED']);
    expect((await putLock(opened, { path: another, wait: '5m' })).status).toBe(507);
    expect((await putLock(opened, { path, fence, ttl: '24h' })).status).toBe(200);
    expect((await deleteLock(opened, { path, fence })).status).toBe(204);
    expect((await putLock(opened, { path: another })).status).toBe(201);
  });
});

describe('a drop of the namespace', () => {
  test('ends waits, frees its locks, and its fences go on above', async () => {
    const opened = await openShardedApp();
    const path = '/ns/app/v1/locks/a';
    const fence = await fenceOf(putLock(opened, { path }));
    opened.clock.advance(1);
    const waiter = putLock(opened, { path, wait: '5m' });
    await untilWaiting(opened, 1);
    await opened.access.namespaces.drop('app');
    expect([404, 503]).toContain((await waiter).status);
    expect((await getLock(opened, { path })).body.code).toBe('NAMESPACE_NOT_FOUND');
    expect(await fenceOf(putLock(opened, { path }))).toBeGreaterThan(fence);
  });
});

describe('the audit log', () => {
  test('has each lock that was taken, renewed, looked at and released', async () => {
    const opened = await openAuditedApp();
    const lock = '/ns/app/v1/locks/job';
    const { text } = await opened.send(['PUT', `${lock}?ttl=30s`]);
    const { fence } = JSON.parse(text) as { readonly fence: number };
    const held = { 'if-match': `"${fence}"` };
    await opened.send(['PUT', `${lock}?ttl=30s`]);
    await opened.send(['PUT', `${lock}?ttl=30s`], held);
    await opened.send(['GET', lock]);
    await opened.send(['DELETE', lock], held);
    await opened.send(['DELETE', lock], held);
    expect(await opened.records()).toEqual(
      [
        { action: 'lock', outcome: 'applied' },
        { action: 'lock', outcome: 'not-applied', error: 'LOCK_HELD' },
        { action: 'lock', outcome: 'applied' },
        { action: 'get-lock', outcome: 'read' },
        { action: 'unlock', outcome: 'applied' },
        { action: 'unlock', outcome: 'not-applied', error: 'CONDITION_FAILED' },
      ].map((record) => expect.objectContaining({ key: 'job', ...record }) as unknown),
    );
  });

  test('has one record of the wait, and one of its end', async () => {
    const opened = await openAuditedApp();
    const lock = '/ns/app/v1/locks/job';
    const { text } = await opened.send(['PUT', `${lock}?ttl=30s`]);
    const { fence } = JSON.parse(text) as { readonly fence: number };
    const waiter = opened.send(['PUT', `${lock}?ttl=30s&wait=5m`]);
    await untilWaiting(opened, 1);
    await opened.send(['DELETE', lock], { 'if-match': `"${fence}"` });
    expect((await waiter).status).toBe(201);
    const outcomes = (await opened.records()).map(({ action, outcome }) => [action, outcome]);
    expect(outcomes).toEqual([
      ['lock', 'applied'],
      ['lock', 'not-applied'],
      ['unlock', 'applied'],
      ['lock', 'applied'],
    ]);
  });

  test('has the lock that a caller may not have', async () => {
    const grants = [{ namespace: 'app', role: 'write', prefixes: ['cart/'] }] as const;
    const opened = await openAuditedApp({ grants });
    await opened.send(['PUT', '/ns/app/v1/locks/job?ttl=30s']);
    const denied = { action: 'lock', key: 'job', outcome: 'denied', error: 'FORBIDDEN' };
    expect(await opened.records()).toEqual([expect.objectContaining(denied)]);
  });
});

test('an administrator of all sees the lock of a namespace that it names', async () => {
  const opened = await openUsers();
  const fence = await fenceOf(putLock(opened, opened.ann));
  const asked = { path: '/ns/own/v1/locks/job', headers: bearer(fullToken) };
  expect((await getLock(opened, asked)).body.fence).toBe(fence);
});

// A full audit log: requests that would leave a record are refused before they have an effect, or carried
// out without one.
import { describe, expect, test } from 'vitest';
import { openAuditedApp, type SentRequest } from '../../support/http/audited-app.ts';

async function openFull(changes: Parameters<typeof openAuditedApp>[0] = {}) {
  const opened = await openAuditedApp({ audit: 'writes', ...changes });
  await opened.send(['PUT', '/v1/keys/there', '1']);
  await opened.records();
  opened.folder.failure = 'ENOSPC';
  await opened.sendAsAdmin(['GET', '/v1/admin/users']);
  await opened.records().catch(() => undefined);
  expect(opened.auditLog.isFull).toBe(true);
  const entries = () =>
    [...opened.model.entries].map(([name, { version }]) => `${name} ${version}`);
  return { ...opened, entries };
}

const refusal = { code: 'AUDIT_FULL', outcome: 'not-applied', retryable: true };

const writes: readonly (readonly [SentRequest, Record<string, string>])[] = [
  [['PUT', '/v1/keys/a', 'v'], {}],
  [['PUT', '/v1/keys/a', 'v'], { 'idempotency-key': 'k' }],
  [['DELETE', '/v1/keys/there'], {}],
  [['POST', '/v1/transactions', '{"operations":[{"op":"put","key":"a","value":"v"}]}'], {}],
  [['PUT', '/unstorage/app/a', 'v'], {}],
  [['DELETE', '/unstorage/app/there'], {}],
  [['GET', '/v1/backup?namespace=app'], {}],
];

describe('a full log refuses', () => {
  test.each(writes)('%j %j with 507, and nothing has happened', async (request, headers) => {
    const { send, entries } = await openFull();
    const before = entries();
    const reply = await send(request, headers);
    expect([reply.status, JSON.parse(reply.text)]).toMatchObject([507, refusal]);
    expect(entries()).toEqual(before);
  });

  test.each([
    ['/upstash', '["SET","a","1"]'],
    ['/upstash', '["INCR","a"]'],
    ['/upstash', '["MSET","a","1","b","2"]'],
    ['/upstash', '["FLUSHDB"]'],
    ['/upstash/multi-exec', '[["SET","a","1"],["GET","a"]]'],
  ])('%s %s in the form of its dialect', async (path, body) => {
    const { send, entries } = await openFull();
    const before = entries();
    const reply = await send(['POST', path, body]);
    expect(reply.status).toBe(507);
    expect(JSON.parse(reply.text)).toEqual({
      error: expect.stringContaining('AUDIT_FULL, not-applied'),
    });
    expect(entries()).toEqual(before);
  });

  test('each operation of a batch, and each command of a pipeline', async () => {
    const { send, entries } = await openFull();
    const before = entries();
    const operations = [
      { op: 'get', key: 'there' },
      { op: 'put', key: 'a', value: 'v' },
    ];
    const batch = await send(['POST', '/v1/batch', JSON.stringify({ operations })]);
    const results = [
      { status: 507, ...refusal },
      { status: 507, ...refusal },
    ];
    expect(JSON.parse(batch.text)).toMatchObject({ results });
    const pipeline = await send(['POST', '/upstash/pipeline', '[["SET","a","1"]]']);
    expect(pipeline.text).toContain('AUDIT_FULL');
    expect(entries()).toEqual(before);
  });

  test('administration', async () => {
    const { sendAsAdmin, access } = await openFull();
    for (const request of [
      ['PUT', '/v1/admin/users/bob'],
      ['PUT', '/v1/admin/namespaces/app', '{"audit":"off"}'],
      ['GET', '/v1/backup'],
    ] as const) {
      const reply = await sendAsAdmin(request);
      expect([reply.status, JSON.parse(reply.text)]).toMatchObject([507, refusal]);
    }
    expect(access.callers.user('bob')).toBeUndefined();
    expect(access.namespaces.settings('app')?.audit).toBe('writes');
  });

  test('reads only if they are audited', async () => {
    const ofWrites = await openFull();
    expect((await ofWrites.send(['GET', '/v1/keys/there'])).status).toBe(200);
    const ofAll = await openFull({ audit: 'all' });
    for (const request of [
      ['GET', '/v1/keys/there'],
      ['GET', '/v1/keys'],
      ['GET', '/upstash/mget/there/a'],
      ['GET', '/upstash/dbsize'],
      ['GET', '/unstorage/app/'],
    ] as const) {
      expect([request, (await ofAll.send(request)).status]).toEqual([request, 507]);
    }
  });

  test('no request of a namespace that is not audited', async () => {
    const { sendAsAdmin } = await openFull();
    expect((await sendAsAdmin(['PUT', '/ns/open/v1/keys/a', 'v'])).status).toBe(201);
  });

  test('no longer once the disk has room, and has kept what it had let in', async () => {
    const { send, folder, records } = await openFull();
    folder.failure = undefined;
    expect(await records()).toMatchObject([{ action: 'user.list' }]);
    expect((await send(['PUT', '/v1/keys/a', 'v'])).status).toBe(201);
    expect(await records()).toMatchObject([{ action: 'put', key: 'a' }]);
  });

  test('callers without rights by 403, as ever', async () => {
    const grants = [{ namespace: 'app', role: 'write', prefixes: ['there'] }] as const;
    const { send } = await openFull({ grants });
    expect((await send(['PUT', '/v1/keys/x', 'v'])).status).toBe(403);
    expect((await send(['GET', '/v1/admin/users'])).status).toBe(403);
  });
});

test('a log that may drop carries requests out, and counts what it has lost', async () => {
  const { send, sendAsAdmin, folder, auditLog, records } = await openFull({
    log: { onFull: 'drop' },
  });
  expect((await send(['PUT', '/v1/keys/a', 'v'])).status).toBe(201);
  expect((await send(['POST', '/upstash', '["MSET","a","1","b","2"]'])).status).toBe(200);
  expect((await sendAsAdmin(['PUT', '/v1/admin/users/bob'])).status).toBe(201);
  expect([auditLog.dropped, auditLog.refused]).toEqual([3, 0]);
  const metrics = await sendAsAdmin(['GET', '/metrics']);
  expect(metrics.text).toContain('\nholdfast_audit_dropped_total 3\n');
  expect(metrics.text).toContain('\nholdfast_audit_full 1\n');
  folder.failure = undefined;
  await records();
  await send(['PUT', '/v1/keys/c', 'v']);
  expect(await records()).toMatchObject([{ action: 'put', key: 'c' }]);
});

// The records that requests leave: their caller, their action and its outcome.
import { describe, expect, test } from 'vitest';
import { openAuditedApp, type SentRequest } from '../../support/http/audited-app.ts';
import { bearer } from '../../support/http/closed-access.ts';
import { rawRequest } from '../../support/http/raw-request.ts';

type Members = Readonly<Record<string, unknown>>;

/** Sends the requests one after the other. @returns the records of the last one, without who has asked */
async function recordsOfLast(
  requests: readonly (readonly [request: SentRequest, headers?: Record<string, string>])[],
  changes: Parameters<typeof openAuditedApp>[0] = {},
): Promise<Members[]> {
  const { send, records } = await openAuditedApp(changes);
  for (const [request, headers] of requests.slice(0, -1)) await send(request, headers);
  await records();
  const last = requests.at(-1);
  if (last !== undefined) await send(...last);
  const found = await records();
  return found.map(({ requestId: _id, user: _user, token: _token, tokenId: _tokenId, ...rest }) => {
    expect(rest['namespace']).toBe('app');
    const { namespace: _namespace, ...own } = rest;
    return own;
  });
}

/** Versions differ from store to store; whether there was an entry, and is one, does not. */
function withoutVersions(records: readonly Members[]): Members[] {
  return records.map(({ oldVersion, newVersion, ...rest }) => ({
    ...rest,
    ...(oldVersion === undefined ? {} : { was: Number(oldVersion) > 0 }),
    ...(newVersion === undefined ? {} : { is: Number(newVersion) > 0 }),
  }));
}

const put = (key: string): readonly [SentRequest] => [['PUT', `/v1/keys/${key}`, 'v']];
const command = (...words: string[]): readonly [SentRequest] => [
  ['POST', '/upstash', JSON.stringify(words)],
];
const batch = (...operations: Members[]): readonly [SentRequest] => [
  ['POST', '/v1/batch', JSON.stringify({ operations })],
];
const transaction = (body: Members): readonly [SentRequest] => [
  ['POST', '/v1/transactions', JSON.stringify(body)],
];
const commands = (path: string, ...lines: (readonly string[])[]): readonly [SentRequest] => [
  ['POST', `/upstash/${path}`, JSON.stringify(lines)],
];

const applied = { outcome: 'applied' };
const notApplied = { outcome: 'not-applied' };
const read = { outcome: 'read' };

describe.each([
  ['on the fast lane', true],
  ['past it', false],
])('a request %s', (_, fastLane) => {
  test('names its user, its token, its id and both versions', async () => {
    const { send, records, ann } = await openAuditedApp({ fastLane, tls: undefined });
    await send(['PUT', '/v1/keys/a%20b', 'v'], { 'holdfast-request-id': 'job/1' });
    await send(['PUT', '/v1/keys/a%20b', 'w'], { 'holdfast-request-id': 'job/2' });
    const who = { user: 'ann', token: 'laptop', tokenId: ann.id, namespace: 'app' };
    const [first, second] = await records();
    const about = { ...who, action: 'put', key: 'a b', ...applied };
    expect(first).toEqual({
      requestId: 'job/1',
      ...about,
      oldVersion: 0,
      newVersion: first?.['newVersion'],
    });
    const oldVersion = first?.['newVersion'];
    const newVersion = second?.['newVersion'];
    expect(second).toEqual({ requestId: 'job/2', ...about, oldVersion, newVersion });
    expect(newVersion).toBeGreaterThan(Number(oldVersion));
  });
});

test('a record has the id of the reply if the client gave none', async () => {
  const { port, ann, records } = await openAuditedApp();
  const headers = [`Authorization: ${bearer(ann.token).authorization}`];
  const reply = await rawRequest(port, 'PUT', '/v1/keys/a', { headers, body: 'v' });
  expect(await records()).toMatchObject([{ requestId: reply.headers['holdfast-request-id'] }]);
});

describe('a record of a change has its outcome', () => {
  test.each<[string, Parameters<typeof recordsOfLast>[0], readonly Members[]]>([
    ['put', [put('a')], [{ action: 'put', key: 'a', was: false, is: true, ...applied }]],
    ['put again', [put('a'), put('a')], [{ action: 'put', key: 'a', was: true, is: true, ...applied }]],
    ['UTF-8 in a key', [put('%C3%A9')], [{ action: 'put', key: 'é', was: false, is: true, ...applied }]],
    ['delete', [put('a'), [['DELETE', '/v1/keys/a']]], [{ action: 'delete', key: 'a', was: true, is: false, ...applied }]],
    ['delete of nothing', [[['DELETE', '/v1/keys/a']]], [{ action: 'delete', key: 'a', was: false, ...notApplied }]],
    ['a condition', [put('a'), [['PUT', '/v1/keys/a', 'w'], { 'if-match': '"999"' }]], [
      { action: 'put', key: 'a', was: true, ...notApplied, error: 'CONDITION_FAILED' },
    ]],
    ['an Idempotency-Key', [[['PUT', '/v1/keys/a', 'v'], { 'idempotency-key': 'k' }]], [
      { action: 'put', key: 'a', was: false, is: true, ...applied },
    ]],
    ['an Idempotency-Key and a condition', [[['PUT', '/v1/keys/a', 'v'], { 'idempotency-key': 'k', 'if-match': '*' }]], [
      { action: 'transaction', key: 'a', was: false, ...notApplied },
    ]],
    ['a replay, which changes nothing', [
      [['PUT', '/v1/keys/a', 'v'], { 'idempotency-key': 'k' }],
      [['PUT', '/v1/keys/a', 'v'], { 'idempotency-key': 'k' }],
    ], []],
    ['a batch', [batch({ op: 'put', key: 'a', value: '1' }, { op: 'delete', key: 'b' })], [
      { action: 'put', key: 'a', was: false, is: true, ...applied },
      { action: 'delete', key: 'b', was: false, ...notApplied },
    ]],
    ['a transaction', [put('b'), transaction({ operations: [
      { op: 'put', key: 'a', value: '1' }, { op: 'increment', key: 'n' }, { op: 'delete', key: 'b' },
    ] })], [
      { action: 'put', key: 'a', was: false, is: true, ...applied },
      { action: 'put', key: 'n', was: false, is: true, ...applied },
      { action: 'delete', key: 'b', was: true, is: false, ...applied },
    ]],
    ['a transaction whose check fails', [transaction({
      checks: [{ key: 'a', exists: true }], operations: [{ op: 'put', key: 'b', value: '1' }],
    })], [{ action: 'transaction', key: 'b', was: false, ...notApplied }]],
    ['a transaction that cannot be', [put('a'), transaction({
      operations: [{ op: 'increment', key: 'a' }, { op: 'put', key: 'b', value: '1' }],
    })], [{ action: 'transaction', keys: ['a', 'b'], ...notApplied, error: 'VALUE_NOT_AN_INTEGER' }]],
    ['SET', [command('SET', 'a', '1')], [{ action: 'SET', key: 'a', was: false, is: true, ...applied }]],
    ['SET with options', [command('SET', 'a', '1', 'NX')], [{ action: 'SET', key: 'a', ...applied }]],
    ['SET that does not', [put('a'), command('SET', 'a', '1', 'NX')], [{ action: 'SET', key: 'a', ...notApplied }]],
    ['a command that fails', [put('a'), command('INCR', 'a')], [
      { action: 'INCR', key: 'a', ...notApplied, error: 'ERR' },
    ]],
    ['a command on several keys', [command('MSET', 'a', '1', 'b', '2')], [
      { action: 'MSET', keys: ['a', 'b'], ...applied },
    ]],
    ['a pipeline', [commands('pipeline', ['SET', 'a', '1'], ['GET', 'a'], ['MSET', 'b', '1', 'c', '1'])], [
      { action: 'SET', key: 'a', was: false, is: true, ...applied },
      { action: 'MSET', keys: ['b', 'c'], ...applied },
    ]],
    ['commands in a transaction', [commands('multi-exec', ['INCR', 'a'], ['GET', 'a'], ['DEL', 'b', 'c'])], [
      { action: 'INCR', key: 'a', ...applied },
      { action: 'DEL', keys: ['b', 'c'], ...applied },
    ]],
    ['commands with an Idempotency-Key', [[
      ['POST', '/upstash', '["INCR","a"]'], { 'idempotency-key': 'k' },
    ]], [{ action: 'INCR', key: 'a', ...applied }]],
    ['FLUSHDB', [put('a'), command('FLUSHDB')], [{ action: 'FLUSHDB', ...applied }]],
    ['FLUSHDB with an Idempotency-Key', [put('a'), [
      ['POST', '/upstash', '["FLUSHDB"]'], { 'idempotency-key': 'k' },
    ]], [{ action: 'FLUSHDB', ...applied }]],
    ['unstorage, an item', [[['PUT', '/unstorage/app/a:b', 'v']]], [
      { action: 'put', key: 'a:b', was: false, is: true, ...applied },
    ]],
    ['unstorage, all items below a base', [
      [['PUT', '/unstorage/app/a:b', 'v']], [['PUT', '/unstorage/app/a:c', 'v']], [['DELETE', '/unstorage/app/a:']],
    ], [
      { action: 'delete', key: 'a:b', was: true, is: false, ...applied },
      { action: 'delete', key: 'a:c', was: true, is: false, ...applied },
    ]],
    ['a backup, which is administration', [[['GET', '/v1/backup?namespace=app']]], [{ action: 'backup', ...read }]],
    ['a read, which leaves no record', [put('a'), [['GET', '/v1/keys/a']]], []],
    ['a listing, which leaves no record', [[['GET', '/v1/keys']]], []],
    ['PING, which is about no key', [command('PING')], []],
    ['a malformed request, which leaves no record', [[['PUT', '/v1/keys/a?ttl=x', 'v']]], []],
  ])('of %s', async (_name, requests, records) => {
    expect(withoutVersions(await recordsOfLast(requests, { audit: 'writes' }))).toEqual(records);
  }); // prettier-ignore
});

describe('a record of a read, if all requests are audited,', () => {
  test.each<[string, Parameters<typeof recordsOfLast>[0], readonly Members[]]>([
    ['of GET', [put('a'), [['GET', '/v1/keys/a']]], [{ action: 'get', key: 'a', was: true, ...read }]],
    ['of GET of nothing', [[['GET', '/v1/keys/a']]], [{ action: 'get', key: 'a', was: false, ...read }]],
    ['of HEAD', [put('a'), [['HEAD', '/v1/keys/a']]], [{ action: 'head', key: 'a', was: true, ...read }]],
    ['of a page', [[['GET', '/v1/keys']]], [{ action: 'list', ...read }]],
    ['of a page with a prefix', [[['GET', '/v1/keys?prefix=%C3%A9']]], [{ action: 'list', prefix: 'é', ...read }]],
    ['of a batch of reads', [put('a'), batch({ op: 'get', key: 'a' }, { op: 'get', key: 'b' })], [
      { action: 'get', key: 'a', was: true, ...read },
      { action: 'get', key: 'b', was: false, ...read },
    ]],
    ['of a transaction', [put('a'), transaction({
      checks: [{ key: 'a', exists: true }], operations: [{ op: 'put', key: 'b', value: '1' }],
    })], [
      { action: 'get', key: 'a', was: true, ...read },
      { action: 'put', key: 'b', was: false, is: true, ...applied },
    ]],
    ['of a transaction that only reads', [put('a'), transaction({ operations: [{ op: 'get', key: 'a' }] })], [
      { action: 'get', key: 'a', was: true, ...read },
    ]],
    ['of MGET', [command('MGET', 'a', 'b')], [{ action: 'MGET', keys: ['a', 'b'], ...read }]],
    ['of STRLEN', [command('STRLEN', 'a')], [{ action: 'STRLEN', key: 'a', ...read }]],
    ['of KEYS', [put('a'), command('KEYS', '*')], [{ action: 'KEYS', ...read }]],
    ['of SCAN', [command('SCAN', '0')], [{ action: 'SCAN', ...read }]],
    ['of DBSIZE', [command('DBSIZE')], [{ action: 'DBSIZE', ...read }]],
    ['of RANDOMKEY', [put('a'), command('RANDOMKEY')], [{ action: 'RANDOMKEY', ...read }]],
    ['of commands in a transaction', [commands('multi-exec', ['SET', 'a', '1'], ['GET', 'a'])], [
      { action: 'SET', key: 'a', ...applied },
      { action: 'GET', key: 'a', ...read },
    ]],
    ['of unstorage', [[['GET', '/unstorage/app/a']]], [{ action: 'get', key: 'a', was: false, ...read }]],
    ['of items below a base', [[['GET', '/unstorage/app/a:']]], [{ action: 'list', prefix: 'a:', ...read }]],
  ])('%s', async (_name, requests, records) => {
    expect(withoutVersions(await recordsOfLast(requests, { audit: 'all' }))).toEqual(records);
  }); // prettier-ignore

  test('is one for a listing of several pages', async () => {
    const { send, records, model } = await openAuditedApp();
    const value = Buffer.from('v');
    for (let at = 0; at < 2500; at += 1) {
      void model.submit({ op: 'put', namespace: 'app', key: `a:${at}`, value });
    }
    await send(['GET', '/unstorage/app/a:']);
    await send(['POST', '/upstash', '["KEYS","*"]']);
    expect(await records()).toMatchObject([{ action: 'list' }, { action: 'KEYS' }]);
  });
});

describe('a denial', () => {
  const bound = [
    { namespace: 'app', role: 'write', prefixes: ['in:'] },
    { namespace: 'open', role: 'read' },
  ] as const;
  const denied = { outcome: 'denied', error: 'FORBIDDEN' };

  test.each<[string, SentRequest, readonly Members[]]>([
    ['a key', ['PUT', '/v1/keys/out', 'v'], [{ namespace: 'app', action: 'write', key: 'out', ...denied }]],
    ['a key to read', ['GET', '/v1/keys/out'], [{ namespace: 'app', action: 'get', key: 'out', ...denied }]],
    ['a namespace', ['GET', '/ns/other/v1/keys/a'], [{ namespace: 'other', action: 'read', ...denied }]],
    ['a change there', ['PUT', '/ns/open/v1/keys/a', 'v'], [{ namespace: 'open', action: 'write', ...denied }]],
    ['a part of a batch', ['POST', '/v1/batch', '{"operations":[{"op":"put","key":"in:a","value":""},{"op":"put","key":"out","value":""}]}'], [
      { namespace: 'app', action: 'put', key: 'in:a', outcome: 'applied', oldVersion: 0 },
      { namespace: 'app', action: 'put', key: 'out', ...denied },
    ]],
    ['a transaction', ['POST', '/v1/transactions', '{"operations":[{"op":"put","key":"in:a","value":""},{"op":"put","key":"out","value":""}]}'], [
      { namespace: 'app', action: 'transaction', keys: ['in:a', 'out'], ...denied },
    ]],
    ['a command', ['POST', '/upstash', '["SET","out","1"]'], [{ namespace: 'app', action: 'SET', key: 'out', ...denied }]],
    ['a command on several keys', ['POST', '/upstash', '["MSET","in:a","1","out","1"]'], [
      { namespace: 'app', action: 'MSET', keys: ['in:a', 'out'], ...denied },
    ]],
    ['a command in a transaction', ['POST', '/upstash/multi-exec', '[["SET","in:a","1"],["SET","out","1"]]'], [
      { namespace: 'app', action: 'SET', key: 'out', ...denied },
    ]],
    ['FLUSHDB', ['POST', '/upstash', '["FLUSHDB"]'], [{ namespace: 'app', action: 'FLUSHDB', ...denied }]],
    ['unstorage', ['PUT', '/unstorage/open/a', 'v'], [{ namespace: 'open', action: 'write', key: 'a', ...denied }]],
    ['a backup', ['GET', '/v1/backup'], [{ action: 'admin', ...denied }]],
    ['metrics', ['GET', '/metrics'], [{ action: 'metrics', ...denied }]],
    ['users', ['GET', '/v1/admin/users'], [{ action: 'user.list', ...denied }]],
    ['a user', ['PUT', '/v1/admin/users/bob'], [{ action: 'user.put', target: 'bob', ...denied }]],
    ['settings', ['PUT', '/v1/admin/namespaces/app', '{"audit":"off"}'], [
      { namespace: 'app', action: 'namespace.put', ...denied },
    ]],
  ])('of %s leaves a record', async (_name, request, members) => {
    const { send, records } = await openAuditedApp({ audit: 'writes', grants: bound });
    await send(request);
    const found = await records();
    expect(found).toHaveLength(members.length);
    expect(found).toMatchObject(members.map((one) => ({ user: 'ann', requestId: 'r-1', ...one })));
    // An action about the server is in no namespace.
    expect('namespace' in (found[0] ?? {})).toBe('namespace' in (members[0] ?? {}));
  }); // prettier-ignore

  test('with an Idempotency-Key leaves one record', async () => {
    const { send, records } = await openAuditedApp({ grants: bound });
    await send(['DELETE', '/unstorage/app/out'], { 'idempotency-key': 'k' });
    const body = '{"operations":[{"op":"put","key":"out","value":""}]}';
    await send(['POST', '/v1/transactions', body], { 'idempotency-key': 'k' });
    expect(await records()).toMatchObject([
      { action: 'write', key: 'out', ...denied },
      { action: 'write', key: 'out', ...denied },
    ]);
  });

  test('of a token that is not valid leaves a record without its text', async () => {
    const { sendAs, records, folder } = await openAuditedApp();
    const text = `hf_0123456789ab_${'a'.repeat(43)}`;
    expect((await sendAs(text, ['GET', '/v1/keys/a'])).status).toBe(401);
    expect((await sendAs(text, ['GET', '/ns/app/v1/keys/a'])).status).toBe(401);
    const unknown = { requestId: 'r-1', user: null, action: 'connect', outcome: 'denied' };
    expect(await records()).toEqual([
      { ...unknown, error: 'UNAUTHENTICATED' },
      { ...unknown, namespace: 'app', error: 'UNAUTHENTICATED' },
    ]);
    expect(folder.text).not.toContain('0123456789ab');
  });

  test('of a request without a token leaves none', async () => {
    const { url, records } = await openAuditedApp();
    expect((await fetch(`${url}/v1/keys/a`)).status).toBe(401);
    expect(await records()).toEqual([]);
  });

  test('of a web page leaves a record', async () => {
    const { url, records } = await openAuditedApp({ access: {} });
    await fetch(`${url}/v1/keys/a`, { headers: { origin: 'https://evil.example' } });
    expect(await records()).toMatchObject([
      { user: null, action: 'connect', outcome: 'denied', error: 'FORBIDDEN_ORIGIN' },
    ]);
  });
});

describe('on a server where one namespace is audited', () => {
  test('requests in others leave no record', async () => {
    const { sendAsAdmin, records } = await openAuditedApp();
    await sendAsAdmin(['PUT', '/ns/open/v1/keys/a', 'v']);
    await sendAsAdmin(['GET', '/ns/open/v1/keys/a']);
    await sendAsAdmin(['POST', '/ns/open/upstash', '["MSET","a","1","b","2"]']);
    expect(await records()).toEqual([]);
  });

  test('a flush of another one does: it is administration', async () => {
    const { sendAsAdmin, records } = await openAuditedApp();
    await sendAsAdmin(['POST', '/ns/open/upstash', '["FLUSHDB"]']);
    expect(await records()).toMatchObject([{ namespace: 'open', action: 'FLUSHDB', ...applied }]);
  });

  test('a backup of all does', async () => {
    const { sendAsAdmin, records } = await openAuditedApp();
    await sendAsAdmin(['GET', '/v1/backup']);
    expect(await records()).toMatchObject([{ user: '~token', namespace: '*', action: 'backup' }]);
  });

  test('each action of administration does, carried out or not', async () => {
    const { sendAsAdmin, records } = await openAuditedApp();
    const grants = '{"name":"x","grants":[{"namespace":"app","role":"read"}]}';
    const made = await sendAsAdmin(['POST', '/v1/admin/users/ann/tokens', grants]);
    const { id } = JSON.parse(made.text) as { id: string };
    await sendAsAdmin(['DELETE', `/v1/admin/users/ann/tokens/${id}`]);
    await sendAsAdmin(['DELETE', '/v1/admin/users/none']);
    await sendAsAdmin(['PUT', '/v1/admin/namespaces/new', '{"keysMax":-1}']);
    await sendAsAdmin(['DELETE', '/v1/admin/namespaces/open']);
    const target = `ann/${id}`;
    expect(await records()).toMatchObject([
      { user: '~token', action: 'token.create', target, ...applied },
      { action: 'token.delete', target, ...applied },
      { action: 'user.delete', target: 'none', ...notApplied, error: 'USER_NOT_FOUND' },
      { namespace: 'new', action: 'namespace.put', ...notApplied, error: 'BAD_REQUEST' },
      { namespace: 'open', action: 'namespace.delete', ...applied },
    ]);
  });

  test('the change that ends the audit is the last record, and the one that begins it the first', async () => {
    const { sendAsAdmin, records } = await openAuditedApp();
    await sendAsAdmin(['PUT', '/v1/admin/namespaces/app', '{"audit":"off"}']);
    await sendAsAdmin(['PUT', '/v1/admin/users/bob']);
    await sendAsAdmin(['PUT', '/ns/app/v1/keys/a', 'v']);
    await sendAsAdmin(['PUT', '/v1/admin/namespaces/app', '{"audit":"writes"}']);
    const change = { namespace: 'app', action: 'namespace.put', ...applied };
    expect(await records()).toMatchObject([change, change]);
  });

  test('a namespace that is dropped is audited no more', async () => {
    const { sendAsAdmin, records } = await openAuditedApp();
    await sendAsAdmin(['DELETE', '/v1/admin/namespaces/app']);
    await sendAsAdmin(['PUT', '/v1/admin/users/bob']);
    expect(await records()).toMatchObject([{ action: 'namespace.delete' }]);
  });
});

test('on an open server records have no user', async () => {
  const { url, records } = await openAuditedApp({ access: {} });
  await fetch(`${url}/ns/app/v1/keys/a`, { method: 'PUT', body: 'v' });
  expect(await records()).toMatchObject([{ user: null, action: 'put' }]);
});

describe('a GET that waits', () => {
  test('leaves one record, of the entry that it was answered with', async () => {
    const { app, send, records } = await openAuditedApp();
    await send(['PUT', '/v1/keys/a', 'v']);
    await records();
    const waiting = send(['GET', '/v1/keys/a?wait=5m'], { 'if-none-match': '*' });
    await expect.poll(() => app.waits.count).toBe(1);
    await send(['DELETE', '/v1/keys/a']);
    expect((await waiting).status).toBe(404);
    expect(await records()).toMatchObject([
      { action: 'delete', key: 'a', outcome: 'applied' },
      { action: 'get', key: 'a', outcome: 'read', oldVersion: 0 },
    ]);
  });

  test('is recorded if its time is over, too', async () => {
    const { send, records } = await openAuditedApp();
    expect((await send(['GET', '/v1/keys/a?wait=1ms'])).status).toBe(404);
    expect(await records()).toMatchObject([{ action: 'get', key: 'a', outcome: 'read' }]);
  });
});

test('a step of a range delete leaves a record for each key', async () => {
  const { send, records } = await openAuditedApp();
  for (const key of ['p/1', 'p/2']) await send(['PUT', `/v1/keys/${encodeURIComponent(key)}`, 'v']);
  await records();
  expect((await send(['DELETE', '/v1/keys?prefix=p/'])).status).toBe(200);
  expect(await records()).toMatchObject([
    { action: 'delete', key: 'p/1', outcome: 'applied' },
    { action: 'delete', key: 'p/2', outcome: 'applied' },
  ]);
});

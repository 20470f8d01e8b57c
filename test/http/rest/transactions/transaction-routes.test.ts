import { beforeEach, describe, expect, test } from 'vitest';
import { StoreError } from '../../../../src/base/errors.ts';
import type { TransactionResult } from '../../../../src/store/transaction.ts';
import { ModelStore } from '../../../support/stores/model-store.ts';
import { openApp, testLimits } from '../../../support/http/open-app.ts';
import { rawRequest, sendRawForAll } from '../../../support/http/raw-request.ts';
import { post, transact } from '../../../support/http/post-transaction.ts';

let app: Awaited<ReturnType<typeof openApp>>;

beforeEach(async () => {
  app = await openApp();
});

const durability = 'synced';

async function put(key: string, value: string | Uint8Array<ArrayBuffer>, ttl = ''): Promise<void> {
  const url = `${app.url}/v1/keys/${key}${ttl === '' ? '' : `?ttl=${ttl}`}`;
  const { status } = await fetch(url, { method: 'PUT', body: value });
  expect([201, 204]).toContain(status);
}

describe('operations', () => {
  test('take effect in order, each with the status of its own and all with one version', async () => {
    await put('c', 'x');
    const reply = await transact(app.url, {
      operations: [
        { op: 'get', key: 'a' },
        { op: 'put', key: 'a', value: 'y', ttl: '90s' },
        { op: 'get', key: 'a' },
        { op: 'put', key: 'a', valueBase64: '/wA=' },
        { op: 'get', key: 'a' },
        { op: 'delete', key: 'a' },
        { op: 'delete', key: 'a' },
        { op: 'get', key: 'a' },
        { op: 'put', key: 'a', value: '' },
        { op: 'delete', key: 'c' },
        { op: 'increment', key: 'n', by: 5 },
        { op: 'increment', key: 'n' },
        { op: 'increment', key: 'n', by: -7 },
        { op: 'get', key: 'n' },
      ],
    });
    const expiresAt = app.model.nowMs + 90_000;
    expect(reply).toEqual({
      committed: true,
      results: [
        { status: 404, code: 'KEY_NOT_FOUND' },
        { status: 201, version: 2, durability },
        { status: 200, version: 2, value: 'y', expiresAt },
        { status: 204, version: 2, durability },
        { status: 200, version: 2, valueBase64: '/wA=' },
        { status: 204, durability },
        { status: 404, code: 'KEY_NOT_FOUND' },
        { status: 404, code: 'KEY_NOT_FOUND' },
        { status: 201, version: 2, durability },
        { status: 204, durability },
        { status: 200, version: 2, value: '5', durability },
        { status: 200, version: 2, value: '6', durability },
        { status: 200, version: 2, value: '-1', durability },
        { status: 200, version: 2, value: '-1' },
      ],
    });
    expect([...app.model.entries.keys()]).toEqual(['default\na', 'default\nn']);
  });

  test('an entry that is made and deleted by one transaction was never there', async () => {
    const operations = [
      { op: 'put', key: 'a', value: 'x' },
      { op: 'delete', key: 'a' },
    ];
    const { results } = await transact(app.url, { operations });
    expect(results).toMatchObject([{ status: 201 }, { status: 204, durability }]);
    expect(app.model.entries.size).toBe(0);
  });

  test('a put without ttl lifts a deadline, an increment keeps it', async () => {
    await put('a', '1', '90s');
    await put('b', '1', '90s');
    const expiresAt = app.model.nowMs + 90_000;
    const { results } = await transact(app.url, {
      operations: [
        { op: 'increment', key: 'a' },
        { op: 'get', key: 'a' },
        { op: 'put', key: 'b', value: '2' },
        { op: 'get', key: 'b' },
      ],
    });
    expect(results[0]).toEqual({ status: 200, version: 3, value: '2', expiresAt, durability });
    expect(results[1]).toEqual({ status: 200, version: 3, value: '2', expiresAt });
    expect(results[3]).toEqual({ status: 200, version: 3, value: '2' });
  });

  test('an expired entry counts as missing', async () => {
    await put('n', 'no number', '1s');
    app.model.nowMs += 1000;
    const { results } = await transact(app.url, {
      operations: [
        { op: 'get', key: 'n' },
        { op: 'delete', key: 'n' },
        { op: 'increment', key: 'n' },
      ],
    });
    expect(results).toMatchObject([{ status: 404 }, { status: 404 }, { status: 200, value: '1' }]);
    expect(results[2]).not.toHaveProperty('expiresAt');
  });

  test('state their durability in a header, too, if they have written something', async () => {
    const write = await post(app.url, '{"operations":[{"op":"put","key":"a","value":"x"}]}');
    expect(write.headers.get('holdfast-durability')).toBe(durability);
    expect(write.headers.get('content-type')).toBe('application/json');
    expect(write.headers.get('x-content-type-options')).toBe('nosniff');
    const read = await post(app.url, '{"operations":[{"op":"get","key":"a"}]}');
    expect(read.headers.get('holdfast-durability')).toBeNull();
    const none = await post(app.url, '{"operations":[{"op":"delete","key":"b"}]}');
    expect(none.headers.get('holdfast-durability')).toBeNull();
    expect(none.json).toEqual({
      committed: true,
      results: [{ status: 404, code: 'KEY_NOT_FOUND' }],
    });
  });

  test('keys are text of any kind', async () => {
    const keys = ['__proto__', 'constructor', '', 'a//..', '漢字', '😀', '\u{feff}'];
    const operations = keys.map((key) => ({ op: 'put', key: key || '\0', value: key }));
    await transact(app.url, { operations });
    const gets = keys.map((key) => ({ op: 'get', key: key || '\0' }));
    const { results } = await transact(app.url, { operations: gets });
    expect(results.map(({ value }) => value)).toEqual(keys);
  });
});

describe('checks', () => {
  test('that hold let the operations happen', async () => {
    await put('a', 'x');
    const checks = [
      { key: 'a', version: 1 },
      { key: 'a', exists: true },
      { key: 'a', value: 'x' },
      { key: 'a', valueBase64: 'eA==' },
      { key: 'b', exists: false },
    ];
    const operations = [{ op: 'put', key: 'a', value: 'y' }];
    const reply = await transact(app.url, { checks, operations });
    expect(reply).toEqual({ committed: true, results: [{ status: 204, version: 2, durability }] });
  });

  test('that do not hold are all named, nothing is changed, and otherwise is answered', async () => {
    await put('a', 'x');
    const { status, headers, json } = await post(
      app.url,
      JSON.stringify({
        checks: [
          { key: 'a', version: 2 },
          { key: 'a', exists: true },
          { key: 'a', exists: false },
          { key: 'b', exists: true },
          { key: 'b', version: 1 },
          { key: 'b', value: '' },
          { key: 'a', value: 'xx' },
          { key: 'a', valueBase64: '/w==' },
        ],
        operations: [
          { op: 'put', key: 'a', value: 'y' },
          { op: 'increment', key: 'a' },
        ],
        otherwise: [
          { op: 'get', key: 'a' },
          { op: 'get', key: 'elsewhere' },
        ],
      }),
    );
    expect(status).toBe(409);
    expect(headers.get('content-type')).toBe('application/json');
    expect(headers.get('holdfast-durability')).toBeNull();
    expect(json).toEqual({
      committed: false,
      failedChecks: [0, 2, 3, 4, 5, 6, 7],
      results: [
        { status: 200, version: 1, value: 'x' },
        { status: 404, code: 'KEY_NOT_FOUND' },
      ],
    });
    expect(app.model.entries.get('default\na')).toMatchObject({ version: 1 });
  });

  test('may stand alone', async () => {
    const checks = [{ key: 'a', exists: false }];
    expect(await transact(app.url, { checks })).toEqual({ committed: true, results: [] });
    await put('a', 'x');
    expect(await transact(app.url, { checks })).toEqual({
      committed: false,
      failedChecks: [0],
      results: [],
    });
  });

  test('see the entries before the operations', async () => {
    const checks = [{ key: 'a', exists: false }];
    const operations = [{ op: 'put', key: 'a', value: 'x' }];
    expect(await transact(app.url, { operations, checks })).toMatchObject({ committed: true });
    expect(await transact(app.url, { operations, checks })).toMatchObject({ committed: false });
  });

  test('of a value compare bytes', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await put('a', bytes);
    const valueBase64 = Buffer.from(bytes).toString('base64');
    const other = Buffer.from(bytes).fill(0, 255).toString('base64');
    const operations = [{ op: 'delete', key: 'a' }];
    const wrong = { checks: [{ key: 'a', valueBase64: other }], operations };
    expect(await transact(app.url, wrong)).toMatchObject({ committed: false });
    const right = { checks: [{ key: 'a', valueBase64 }], operations };
    expect(await transact(app.url, right)).toMatchObject({ committed: true });
    expect(app.model.entries.size).toBe(0);
  });

  test('of a value compare nothing but bytes: composed and decomposed are two', async () => {
    await put('a', 'é'.normalize('NFD'));
    const composed = { checks: [{ key: 'a', value: 'é'.normalize('NFC') }] };
    expect(await transact(app.url, composed)).toMatchObject({ committed: false });
    const decomposed = { checks: [{ key: 'a', value: 'é'.normalize('NFD') }] };
    expect(await transact(app.url, decomposed)).toMatchObject({ committed: true });
  });

  test('of a value that is longer than any allowed value do not hold', async () => {
    await put('a', 'x');
    const value = 'x'.repeat(testLimits.valueBytesMax + 1);
    const reply = await transact(app.url, { checks: [{ key: 'a', value }] });
    expect(reply).toMatchObject({ committed: false });
  });

  test('find an expired entry missing', async () => {
    await put('a', 'x', '1s');
    const standing = [{ key: 'a', exists: true }];
    const gone = [{ key: 'a', exists: false }];
    expect(await transact(app.url, { checks: standing })).toMatchObject({ committed: true });
    app.model.nowMs += 1000;
    expect(await transact(app.url, { checks: gone })).toMatchObject({ committed: true });
    const operations = [{ op: 'put', key: 'a', value: 'y' }];
    const all = [...standing, { key: 'a', version: 1 }, { key: 'a', value: 'x' }, ...gone];
    const reply = await transact(app.url, { checks: all, operations });
    expect(reply).toMatchObject({ committed: false, failedChecks: [0, 1, 2] });
  });
});

test('a transaction of reads answers an entry of its moment, although the entry expires meanwhile', async () => {
  class SlowStore extends ModelStore {
    override async getMany(...asked: Parameters<ModelStore['getMany']>) {
      const results = await super.getMany(...asked);
      // By now others may have seen the entry and replaced it.
      this.nowMs += 2000;
      return results;
    }
  }
  const store = new SlowStore();
  const clock = { wallMs: () => store.nowMs, monotonicMs: () => performance.now() };
  app = await openApp({ store, clock });
  await put('a', 'x', '1s');
  const checks = [{ key: 'a', exists: true }];
  const reply = await transact(app.url, { checks, operations: [{ op: 'get', key: 'a' }] });
  expect(reply).toMatchObject({ committed: true, results: [{ status: 200, value: 'x' }] });
});

describe('an increment', () => {
  const max = '9223372036854775807';
  const min = '-9223372036854775808';

  test.each([
    ['0', 1, '1'],
    ['9007199254740993', 2, '9007199254740995'],
    ['9223372036854775806', 1, max],
    [max, -1, '9223372036854775806'],
    [max, 0, max],
    ['-9223372036854775807', -1, min],
    [min, Number.MAX_SAFE_INTEGER, '-9214364837600034817'],
    ['-1', 1, '0'],
  ])('of %s by %d makes %s', async (before, by, after) => {
    await put('n', before);
    const { results } = await transact(app.url, {
      operations: [{ op: 'increment', key: 'n', by }],
    });
    expect(results).toEqual([{ status: 200, version: 2, value: after, durability }]);
    expect(await (await fetch(`${app.url}/v1/keys/n`)).text()).toBe(after);
  });

  test.each([
    ['nothing', ''],
    ['a word', 'one'],
    ['a space', ' 1'],
    ['a line break', '1\n'],
    ['a plus', '+1'],
    ['minus zero', '-0'],
    ['a zero in front', '01'],
    ['a fraction', '1.0'],
    ['an exponent', '1e3'],
    ['one more than there is', '9223372036854775808'],
    ['one less than there is', '-9223372036854775809'],
    ['many digits', '1'.repeat(1000)],
    ['digits of another script', '１'],
    ['bytes', Uint8Array.of(0x31, 0xff)],
  ])('of %s fails, and nothing happens', async (_, before) => {
    await put('n', before);
    const { status, headers, json } = await post(
      app.url,
      JSON.stringify({
        operations: [
          { op: 'put', key: 'a', value: 'x' },
          { op: 'increment', key: 'n', by: 1 },
        ],
      }),
    );
    expect(status).toBe(422);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(json).toMatchObject({
      code: 'VALUE_NOT_AN_INTEGER',
      parameter: 'operations[1]',
      outcome: 'not-applied',
      retryable: false,
    });
    expect([...app.model.entries.keys()]).toEqual(['default\nn']);
  });

  test.each([
    [max, 1],
    [min, -1],
    [max, Number.MAX_SAFE_INTEGER],
  ])('of %s by %d fails: there is no such integer', async (before, by) => {
    await put('n', before);
    const operations = [{ op: 'increment', key: 'n', by }];
    const { status, json } = await post(app.url, JSON.stringify({ operations }));
    expect(status).toBe(422);
    expect(json).toMatchObject({ code: 'VALUE_NOT_AN_INTEGER', parameter: 'operations[0]' });
  });

  test('to a number that is longer than a value may be is a 413', async () => {
    app = await openApp({ limits: { valueBytesMax: 1 } });
    await put('n', '9');
    const { status, json } = await post(app.url, '{"operations":[{"op":"increment","key":"n"}]}');
    expect(status).toBe(413);
    expect(json).toMatchObject({ code: 'VALUE_TOO_LARGE', limit: 1, parameter: 'operations[0]' });
  });
});

async function expectRefused(transaction: object, parameter: string): Promise<void> {
  const { status, json } = await post(app.url, JSON.stringify(transaction));
  const [place = ''] = parameter.split('.');
  expect({ status, json }).toMatchObject({ status: 400, json: { parameter } });
  expect(json).toHaveProperty('detail', expect.stringMatching(/^\w+\[\d\]: \S/));
  expect(json).toHaveProperty('detail', expect.stringContaining(place));
  expect(json).toHaveProperty('outcome', 'not-applied');
  const isOfKey = parameter.endsWith('.key');
  expect(json).toHaveProperty('code', isOfKey ? 'KEY_INVALID' : 'BAD_REQUEST');
  expect(app.model.entries.size).toBe(0);
}

describe('one malformed item is a 400 of the whole, by its place, and nothing happens', () => {
  const long = 'k'.repeat(testLimits.keyBytesMax + 1);
  const first = { op: 'put', key: 'first', value: '1' };

  test.each<[string, unknown, string]>([
    ['null', null, ''],
    ['a number', 5, ''],
    ['a list', [], ''],
    ['nothing', {}, '.op'],
    ['an unknown op', { op: 'head', key: 'a' }, '.op'],
    ['an op that is a list', { op: ['get'], key: 'a' }, '.op'],
    ['no key', { op: 'get' }, '.key'],
    ['a number as key', { op: 'delete', key: 5 }, '.key'],
    ['an empty key', { op: 'get', key: '' }, '.key'],
    ['a lone surrogate in the key', { op: 'increment', key: '\ud800' }, '.key'],
    ['a long key', { op: 'get', key: long }, '.key'],
    ['an unknown member', { op: 'get', key: 'a', x: 1 }, '.x'],
    ['a value on a get', { op: 'get', key: 'a', value: 'x' }, '.value'],
    ['a condition on a put', { op: 'put', key: 'a', value: 'x', ifMatch: 1 }, '.ifMatch'],
    ['a condition on a get', { op: 'get', key: 'a', ifNoneMatch: '*' }, '.ifNoneMatch'],
    ['a condition that is null', { op: 'delete', key: 'a', ifMatch: null }, '.ifMatch'],
    ['no value', { op: 'put', key: 'a' }, '.value'],
    ['two values', { op: 'put', key: 'a', value: 'x', valueBase64: '' }, '.value'],
    ['a null value', { op: 'put', key: 'a', value: null }, '.value'],
    ['base64 without padding', { op: 'put', key: 'a', valueBase64: '/wA' }, '.valueBase64'],
    ['a ttl of zero', { op: 'put', key: 'a', value: '', ttl: 0 }, '.ttl'],
    ['a ttl on an increment', { op: 'increment', key: 'a', ttl: 1 }, '.ttl'],
    ['a fraction to add', { op: 'increment', key: 'a', by: 1.5 }, '.by'],
    ['text to add', { op: 'increment', key: 'a', by: '1' }, '.by'],
    ['null to add', { op: 'increment', key: 'a', by: null }, '.by'],
    ['more to add than is exact', { op: 'increment', key: 'a', by: 2 ** 53 }, '.by'],
  ])('of operations: %s', async (_, item, member) => {
    await expectRefused({ operations: [first, item, first] }, `operations[1]${member}`);
  });

  test.each<[string, unknown, string]>([
    ['null', null, ''],
    ['only a key', { key: 'a' }, ''],
    ['two statements', { key: 'a', version: 1, exists: true }, ''],
    ['two values', { key: 'a', value: '', valueBase64: '' }, ''],
    ['no key', { exists: true }, '.key'],
    ['an op', { op: 'get', key: 'a', exists: true }, '.op'],
    ['a version of zero', { key: 'a', version: 0 }, '.version'],
    ['a version in fractions', { key: 'a', version: 1.5 }, '.version'],
    ['a version as text', { key: 'a', version: '1' }, '.version'],
    ['a version that is null', { key: 'a', version: null }, '.version'],
    ['a list of versions', { key: 'a', version: [1] }, '.version'],
    ['exists as a number', { key: 'a', exists: 0 }, '.exists'],
    ['exists that is null', { key: 'a', exists: null }, '.exists'],
    ['a value that is null', { key: 'a', value: null }, '.value'],
    ['a lone surrogate', { key: 'a', value: '\udc00' }, '.value'],
    ['base64 with stray bits', { key: 'a', valueBase64: '/wB=' }, '.valueBase64'],
  ])('of checks: %s', async (_, item, member) => {
    const checks = [{ key: 'a', exists: false }, item];
    await expectRefused({ checks, operations: [first] }, `checks[1]${member}`);
  });

  test.each<[string, unknown, string]>([
    ['a list', [], ''],
    ['a put', { op: 'put', key: 'a', value: 'x' }, '.op'],
    ['a delete', { op: 'delete', key: 'a' }, '.op'],
    ['an increment', { op: 'increment', key: 'a' }, '.op'],
    ['a condition', { op: 'get', key: 'a', ifMatch: 1 }, '.ifMatch'],
    ['an unknown member', { op: 'get', key: 'a', by: 1 }, '.by'],
  ])('of otherwise, even if the checks hold: %s', async (_, item, member) => {
    await expectRefused({ operations: [first], otherwise: [item] }, `otherwise[0]${member}`);
  });

  test('a value that is too large is a 413 with the limit, after malformed items', async () => {
    const limit = testLimits.valueBytesMax;
    const large = { op: 'put', key: 'a', value: `${'ü'.repeat(limit / 2)}x` };
    const alone = await post(app.url, JSON.stringify({ operations: [first, large] }));
    expect(alone.status).toBe(413);
    const parameter = 'operations[1]';
    expect(alone.json).toMatchObject({ code: 'VALUE_TOO_LARGE', limit, parameter });
    await expectRefused({ operations: [large, { op: 'get' }] }, 'operations[1].key');
  });

  test('an unknown name of any length is not repeated whole', async () => {
    const { json } = await post(app.url, `{"checks":[{"key":"a","${'x'.repeat(10_000)}":1}]}`);
    expect(JSON.stringify(json).length).toBeLessThan(1000);
  });

  test('an own member __proto__ is a member like any other', async () => {
    const { json } = await post(app.url, '{"operations":[{"op":"get","key":"a","__proto__":{}}]}');
    expect(json).toMatchObject({ status: 400, parameter: 'operations[0].__proto__' });
  });
});

describe('a malformed envelope is a 400', () => {
  const deep = 100_000;
  const get = '{"op":"get","key":"a"}';
  test.each([
    ['nothing', ''],
    ['no JSON', '{"operations":['],
    ['a byte order mark', `\xef\xbb\xbf{"operations":[${get}]}`],
    ['invalid UTF-8', '{"operations":[{"op":"get","key":"\xff"}]}'],
    ['an encoded surrogate', '{"operations":[{"op":"get","key":"\xed\xa0\x80"}]}'],
    ['a list', `[${get}]`],
    ['null', 'null'],
    ['no members', '{}'],
    ['empty lists', '{"checks":[],"operations":[],"otherwise":[]}'],
    ['nothing but otherwise', `{"otherwise":[${get}]}`],
    ['operations that are no list', '{"operations":{}}'],
    ['checks that are null', `{"checks":null,"operations":[${get}]}`],
    ['an unknown member', `{"operations":[${get}],"else":[]}`],
    ['an own member __proto__', `{"operations":[${get}],"__proto__":[]}`],
  ])('%s', async (_, bytes) => {
    const { status, json } = await post(app.url, Buffer.from(bytes, 'latin1'));
    expect(status).toBe(400);
    expect(json).toMatchObject({ code: 'BAD_REQUEST', outcome: 'not-applied' });
  });

  test.each([
    ['lists that end', '['.repeat(deep) + ']'.repeat(deep)],
    ['objects', `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`],
    [
      'a value that is lists',
      `{"operations":[{"op":"put","key":"a","value":${'['.repeat(deep)}${']'.repeat(deep)}}]}`,
    ],
  ])('%s, 100,000 deep', async (_, text) => {
    app = await openApp({ limits: { batchBytesMax: 2 ** 20, bodyBytesInFlightMax: 2 ** 21 } });
    expect((await post(app.url, text)).status).toBe(400);
  });

  test('a query is refused', async () => {
    const body = `{"operations":[${get}]}`;
    const reply = await fetch(`${app.url}/v1/transactions?x=1`, { method: 'POST', body });
    expect(reply.status).toBe(400);
  });

  test('a Content-Encoding is a 415', async () => {
    const options = { headers: ['Content-Encoding: gzip'], body: 'x' };
    const { status } = await rawRequest(app.port, 'POST', '/v1/transactions', options);
    expect(status).toBe(415);
  });
});

const getsOfLarge = (count: number) =>
  Array.from({ length: count }, () => ({ op: 'get', key: 'large' }));

describe('limits', () => {
  test('checks, operations and otherwise together are bounded: 413 with the limit', async () => {
    const limit = testLimits.batchOperationsMax;
    const checks = Array.from({ length: 30 }, () => ({ key: 'a', exists: false }));
    const otherwise = Array.from({ length: 30 }, () => ({ op: 'get', key: 'a' }));
    const operations = Array.from({ length: limit - 60 }, () => ({ op: 'get', key: 'a' }));
    const fits = await transact(app.url, { checks, operations, otherwise });
    expect(fits.results).toHaveLength(limit - 60);
    operations.push({ op: 'get', key: 'a' });
    const { status, json } = await post(app.url, JSON.stringify({ checks, operations, otherwise }));
    expect(status).toBe(413);
    expect(json).toMatchObject({ code: 'REQUEST_TOO_LARGE', limit });
  });

  test('too many bytes are a 413 with the limit', async () => {
    const limit = testLimits.batchBytesMax;
    const { status, json } = await post(app.url, ' '.repeat(limit + 1));
    expect(status).toBe(413);
    expect(json).toMatchObject({ code: 'REQUEST_TOO_LARGE', limit });
  });

  test('megabytes of brackets are refused before they are parsed', async () => {
    app = await openApp({ limits: { batchBytesMax: 2 ** 22, bodyBytesInFlightMax: 2 ** 23 } });
    expect((await post(app.url, `[${'[],'.repeat(600_000)}[]]`)).status).toBe(413);
  });

  test('a reply cannot have a large value again and again, and nothing happens', async () => {
    const valueBytesMax = 8 * 2 ** 20;
    app = await openApp({ limits: { valueBytesMax, bodyBytesInFlightMax: 2 ** 24 } });
    await put('large', 'x'.repeat(valueBytesMax));
    const eight = await transact(app.url, { operations: getsOfLarge(8) });
    expect(eight.results.map(({ status }) => status)).toEqual(getsOfLarge(8).map(() => 200));
    const operations = [{ op: 'put', key: 'a', value: 'x' }, ...getsOfLarge(9)];
    const nine = await post(app.url, JSON.stringify({ operations }));
    expect(nine.status).toBe(413);
    expect(nine.json).toMatchObject({ code: 'REPLY_TOO_LARGE', outcome: 'not-applied' });
    expect(app.model.entries.has('default\na')).toBe(false);
  });

  test('a body that was refused leaves the connection usable', async () => {
    const two = 'POST /v1/transactions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}';
    const reply = await rawRequest(app.port, 'POST', '/v1/transactions', { body: '{}' });
    expect(reply.status).toBe(400);
    const last = 'GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';
    const statuses = (await sendRawForAll(app.port, two + two + last)).map(({ status }) => status);
    expect(statuses).toEqual([400, 400, 200]);
  });
});

describe('a refusal of the store is a problem like everywhere', () => {
  test.each([
    ['SHARD_UNAVAILABLE', 503, 'unknown'],
    ['OVERLOADED', 503, 'not-applied'],
    ['DISK_FULL', 507, 'not-applied'],
  ] as const)('%s is a %d and says that it is %s', async (code, status, outcome) => {
    class RefusingStore extends ModelStore {
      override async transact<Outcome>(): Promise<TransactionResult<Outcome>> {
        const error = new StoreError(code, 'Not now.', { outcome, retryable: true });
        return { kind: 'refused', error };
      }
    }
    app = await openApp({ store: new RefusingStore() });
    const reply = await post(app.url, '{"operations":[{"op":"delete","key":"a"}]}');
    expect(reply.status).toBe(status);
    expect(reply.json).toMatchObject({ code, outcome, retryable: true });
    expect(reply.headers.get('retry-after')).toBe(status === 503 ? '1' : null);
  });

  test('a store that is closed refuses reads and writes', async () => {
    await app.model.close();
    for (const op of ['get', 'delete']) {
      const reply = await post(app.url, JSON.stringify({ operations: [{ op, key: 'a' }] }));
      expect(reply.status).toBe(503);
      expect(reply.json).toMatchObject({ code: 'SHUTTING_DOWN', outcome: 'not-applied' });
    }
  });
});

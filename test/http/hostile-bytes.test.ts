// Sends hostile requests as bytes over bare sockets to the compiled program, and checks the exact
// answers. Afterwards the server lives and has the same data, also after restarts. Each hostile
// request has another one behind it in the same packet. If the first one closes the connection, the
// server must not answer the second. A proxy may have let the second one through unseen.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  makeTemporaryFolder,
  removeFolder,
  startServer,
  type ServerProcess,
} from '../support/processes/server-process.ts';
import { rawRequest, readToEnd, sendRaw, sendRawForAll } from '../support/http/raw-request.ts';
import { connectToPort, resetConnection } from '../support/http/transport.ts';

let folder: string;
let server: ServerProcess;
let port: number;

async function start(): Promise<void> {
  server = await startServer(folder, ['--shards', '2']);
  port = Number(new URL(server.url).port);
}

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  await start();
});

afterAll(async () => {
  await server.program.end();
  await removeFolder(folder);
});

const host = 'Host: localhost\r\n';
const chunked = 'Transfer-Encoding: chunked\r\n';
const oneByte = 'Content-Length: 1\r\n';
const wholeChunks = '1\r\nv\r\n0\r\n\r\n';

function get(target: string, headers = ''): string {
  return `GET ${target} HTTP/1.1\r\n${host}${headers}\r\n`;
}

/** Rows that must change nothing use the key `untouched`, which must never exist. */
function put(headers: string, body: string, key = 'untouched'): string {
  return `PUT /v1/keys/${key} HTTP/1.1\r\n${host}${headers}\r\n${body}`;
}

/** Sent behind each row. Its answer shows that the connection goes on, and ends it. */
const sentinel = get('/livez', 'Connection: close\r\n');

type Row = readonly [name: string, bytes: string, status: number, code?: string];

async function answersTo(bytes: string) {
  const replies = await sendRawForAll(port, bytes + sentinel);
  // A browser must not have to guess the type of any reply.
  const typed = replies.filter(({ headers }) => headers['content-type'] !== undefined);
  expect(typed.every((reply) => reply.headers['x-content-type-options'] === 'nosniff')).toBe(true);
  return replies.map(({ status, body }) => {
    if (status < 400) return [status];
    const problem = JSON.parse(body) as { status: number; code: string };
    expect(problem).toMatchObject({ status, outcome: 'not-applied' });
    return [status, problem.code];
  });
}

const refusedAndClosed: readonly Row[] = [
  // Framing that two readers may understand in two ways.
  ['Content-Length beside Transfer-Encoding', put(oneByte + chunked, '0\r\n\r\n'), 400],
  ['Transfer-Encoding beside Content-Length', put(chunked + oneByte, '0\r\n\r\n'), 400],
  ['two equal Content-Lengths', put(oneByte + oneByte, 'v'), 400],
  ['two Content-Lengths', put(`${oneByte}Content-Length: 2\r\n`, 'vv'), 400],
  ...['1, 1', '+1', '-1', '0x1', '1.0', '1e3', '', ' 1 1', '18446744073709551617'].map(
    (length): Row => [
      `Content-Length ${JSON.stringify(length)}`,
      put(`Content-Length: ${length}\r\n`, 'v'),
      400,
    ],
  ),
  ...['gzip', 'identity', 'chunked, gzip', 'gzip, chunked', 'xchunked', '\x0bchunked'].map(
    (coding): Row => [
      `Transfer-Encoding ${JSON.stringify(coding)}`,
      put(`Transfer-Encoding: ${coding}\r\n`, wholeChunks),
      400,
    ],
  ),
  ['Transfer-Encoding twice', put(chunked + chunked, wholeChunks), 400],
  ['Transfer-Encoding before a space', put('Transfer-Encoding : chunked\r\n', wholeChunks), 400],
  [
    'Transfer-Encoding in HTTP/1.0',
    `PUT /v1/keys/untouched HTTP/1.0\r\n${host}Connection: keep-alive\r\n${chunked}\r\n${wholeChunks}`,
    400,
  ],
  ...['zz', '-1', '0x1', '1 ', '', 'FFFFFFFFFFFFFFFFF'].map((size): Row => {
    const body = `${size}\r\nv\r\n0\r\n\r\n`;
    return [`a chunk of size ${JSON.stringify(size)}`, put(chunked, body), 400];
  }),
  ['a chunk longer than its size', put(chunked, '1\r\nvv\r\n0\r\n\r\n'), 400],
  ['a large chunk extension', put(chunked, `1;a=${'b'.repeat(20_000)}\r\nv\r\n0\r\n\r\n`), 400],
  ['a chunk extension before a bare LF', put(chunked, '1;a\nv\r\n0\r\n\r\n'), 400],
  ['chunks in lines of bare LF', put(chunked, '1\nv\n0\n\n'), 400],
  ['a Content-Length as trailer', put(chunked, '1\r\nv\r\n0\r\nContent-Length: 5\r\n\r\n'), 400],
  ['a malformed trailer', put(chunked, '1\r\nv\r\n0\r\nno colon\r\n\r\n'), 400],
  // Lines and headers.
  ['a folded header', get('/livez', 'A: b\r\n c\r\n'), 400],
  ['a folded first header', `GET /livez HTTP/1.1\r\n A: b\r\n${host}\r\n`, 400],
  ['lines of bare LF', 'GET /livez HTTP/1.1\nHost: localhost\n\n', 400],
  ['a bare LF among headers', get('/livez', 'A: b\nC: d\r\n'), 400],
  ['a bare CR in a header', get('/livez', 'A: b\rC: d\r\n'), 400],
  ['NUL in a header', get('/livez', 'A: b\0c\r\n'), 400],
  ['NUL in a header name', get('/livez', 'A\0: b\r\n'), 400],
  ['a space before the colon', get('/livez', 'A : b\r\n'), 400],
  ['a header without a name', get('/livez', ': b\r\n'), 400],
  ['a header without a colon', get('/livez', 'no colon\r\n'), 400],
  ['two Hosts', get('/livez', 'Host: localhost\r\n'), 400],
  ['no Host', 'GET /livez HTTP/1.1\r\n\r\n', 400],
  ['a giant request line', get(`/${'a'.repeat(40_000)}`), 431],
  ['a giant header', get('/livez', `A: ${'a'.repeat(40_000)}\r\n`), 431],
  ['headers without number', get('/livez', 'A: b\r\n'.repeat(10_000)), 431],
  ['1,000 headers', get('/livez', 'A:\r\n'.repeat(999)), 431],
  // Request lines.
  ['no target', `GET HTTP/1.1\r\n${host}\r\n`, 400],
  ['a space in the target', get('/v1/keys/a b'), 400],
  ['a tab in the target', get('/v1/keys/a\tb'), 400],
  ['NUL in the target', get('/v1/keys/a\0b'), 400],
  ['UTF-8 in the target, not percent-encoded', get('/v1/keys/\xc3\xbc'), 400],
  ['Latin-1 in the target', get('/v1/keys/\xfc'), 400],
  ['spaces before the method', `  ${get('/livez')}`, 400],
  ['the authority form', get('x:80'), 400],
  ['an unknown method', `BREW /livez HTTP/1.1\r\n${host}\r\n`, 400],
  ['a method in lower case', `get /livez HTTP/1.1\r\n${host}\r\n`, 400],
  ['CONNECT', `CONNECT x:80 HTTP/1.1\r\n${host}\r\n`, 405],
  ['CONNECT to a path', `CONNECT /v1/keys/a HTTP/1.1\r\n${host}\r\n`, 405],
  // Other protocols.
  ['HTTP/0.9', 'GET /livez\r\n\r\n', 400],
  ['HTTP/0.9 by name', 'GET /livez HTTP/0.9\r\n\r\n', 400],
  ['HTTP/1.2', `GET /livez HTTP/1.2\r\n${host}\r\n`, 400],
  ['HTTP/2.0', `GET /livez HTTP/2.0\r\n${host}\r\n`, 400],
  ['HTTP/9.9', `GET /livez HTTP/9.9\r\n${host}\r\n`, 400],
  ['HTTP/1.1x', `GET /livez HTTP/1.1x\r\n${host}\r\n`, 400],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 400],
  ['a TLS client hello', `\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03${'\0'.repeat(100)}`, 400],
  ['NULs', '\0'.repeat(100), 400],
];

const codeOfStatus: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  405: 'METHOD_NOT_ALLOWED',
  413: 'VALUE_TOO_LARGE',
  415: 'ENCODING_UNSUPPORTED',
  431: 'HEADERS_TOO_LARGE',
};

function refusalOf([name, bytes, status, code = codeOfStatus[status]]: Row) {
  return { name, bytes, refusal: [status, code] };
}

describe('refused, and nothing behind it is read', () => {
  test.each(refusedAndClosed.map(refusalOf))('$name', async ({ bytes, refusal }) => {
    expect(await answersTo(bytes)).toEqual([refusal]);
  });
});

const valueBytesMax = 8 * 1024 * 1024;
const long = 'k'.repeat(1025);

const refusedOnly: readonly Row[] = [
  ['the absolute form of another scheme', get('ftp://x/livez'), 404, 'ROUTE_NOT_FOUND'],
  ['the absolute form without a path', get('http://localhost'), 404, 'ROUTE_NOT_FOUND'],
  ['OPTIONS *', `OPTIONS * HTTP/1.1\r\n${host}\r\n`, 404, 'ROUTE_NOT_FOUND'],
  ['GET *', get('*'), 404, 'ROUTE_NOT_FOUND'],
  ...['TRACE', 'PROPFIND', 'QUERY', 'PURGE', 'M-SEARCH', 'SOURCE', 'OPTIONS', 'PATCH'].map(
    (method): Row => [method, `${method} /v1/keys/a HTTP/1.1\r\n${host}\r\n`, 405],
  ),
  ['a value one byte too large, chunked', put(chunked, tooLargeInChunks()), 413],
  [
    'a value one byte too large',
    put(`Content-Length: ${valueBytesMax + 1}\r\n`, 'x'.repeat(valueBytesMax + 1)),
    413,
  ],
  [
    'a gzipped body',
    put(`${oneByte}Content-Encoding: gzip\r\n`, '\x1f'),
    415,
    'ENCODING_UNSUPPORTED',
  ],
  ['a key of 1,025 bytes', get(`/v1/keys/${long}`), 400, 'KEY_INVALID'],
  ['the same, percent-encoded', get(`/v1/keys/${'%6B'.repeat(1025)}`), 400, 'KEY_INVALID'],
  ['a key of 20,000 bytes', get(`/v1/keys/${'k'.repeat(20_000)}`), 400, 'KEY_INVALID'],
  ...['', '%', '%zz', '%C0%80', '%ED%A0%80', '%F5%80%80%80', '%FF'].map((key): Row => [
    `the key ${JSON.stringify(key)}`,
    get(`/v1/keys/${key}`),
    400,
    'KEY_INVALID',
  ]),
  ['a part of a value', put(`${oneByte}Content-Range: bytes 0-0/9\r\n`, 'v'), 400],
  ['a condition without end', put(`${oneByte}If-Match: "1\r\n`, 'v'), 400],
];

function tooLargeInChunks(): string {
  const chunk = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
  return `${chunk.repeat(valueBytesMax / 0x100000)}1\r\nx\r\n0\r\n\r\n`;
}

describe('refused, and the connection goes on', () => {
  test.each(refusedOnly.map(refusalOf))('$name', async ({ bytes, refusal }) => {
    expect(await answersTo(bytes)).toEqual([refusal, [200]]);
  });
});

function needless(method: string): string {
  return `${method} /v1/keys/nothing HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc`;
}

describe('odd, but valid', () => {
  test.each<[string, string, number[]]>([
    ['a chunk extension', put(chunked, '1;a="b;\\"c"\r\nv\r\n0\r\n\r\n', 'odd-1'), [201, 200]],
    ['a trailer', put(chunked, '1\r\nv\r\n0\r\nX-A: b\r\n\r\n', 'odd-2'), [201, 200]],
    ['coding in capitals', put('Transfer-Encoding: CHUNKED\r\n', wholeChunks, 'odd-3'), [201, 200]],
    ['the absolute form', get('http://other/livez'), [200, 200]],
    ['the absolute form in capitals', get('HTTP://other/livez'), [200, 200]],
    ['empty lines first', `\r\n\r\n${get('/livez')}`, [200, 200]],
    ['a Host that is none', 'GET /livez HTTP/1.1\r\nHost: localhost b\r\n\r\n', [200, 200]],
    ['an empty Host', 'GET /livez HTTP/1.1\r\nHost:\r\n\r\n', [200, 200]],
    ['a header of bytes beyond ASCII', get('/livez', 'A: \xff\xfe\r\n'), [200, 200]],
    ['a wish to upgrade', get('/livez', 'Connection: Upgrade\r\nUpgrade: h2c\r\n'), [200]],
    [
      'a write with a wish to upgrade',
      put(`Connection: Upgrade\r\nUpgrade: websocket\r\n${oneByte}`, 'v', 'odd-4'),
      [201],
    ],
    [
      'Expect: 100-continue',
      put(`Expect: 100-continue\r\n${oneByte}`, 'v', 'odd-5'),
      [100, 201, 200],
    ],
    ['another expectation', put(`Expect: the-moon\r\n${oneByte}`, 'v', 'odd-6'), [201, 200]],
    [
      'Expect: 100-continue in HTTP/1.0',
      `PUT /v1/keys/odd-7 HTTP/1.0\r\n${host}Connection: keep-alive\r\nExpect: 100-continue\r\n${oneByte}\r\nv`,
      [201, 200],
    ],
    ['HTTP/1.0', 'GET /livez HTTP/1.0\r\n\r\n', [200]],
    ['a body of a GET', needless('GET'), [404, 200]],
    ['a body of a DELETE', needless('DELETE'), [404, 200]],
    ['a request behind the last', `${sentinel}${put(oneByte, 'v')}`, [200]],
    ['garbage behind the last', `${sentinel}garbage`, [200]],
    ['a backslash in the key', put(oneByte, 'v', '..\\odd-8'), [201, 200]],
    ['500 requests in one packet', get('/livez').repeat(500), Array(501).fill(200)],
    [
      'a refusal among requests in one packet',
      `${get('/livez')}${get('/v1/keys/')}${put(oneByte, 'v', 'odd-9')}`,
      [200, 400, 201, 200],
    ],
    ['garbage among requests', `${get('/livez')}garbage\r\n\r\n${put(oneByte, 'v')}`, [200, 400]],
  ])('%s', async (_, bytes, statuses) => {
    expect((await answersTo(bytes)).map(([status]) => status)).toEqual(statuses);
  });

  test('a condition behind hundreds of headers is not overlooked', async () => {
    const many = 'A:\r\n'.repeat(990);
    const replies = await answersTo(put(`${oneByte}${many}If-Match: "7"\r\n`, 'v'));
    expect(replies).toEqual([[412, 'CONDITION_FAILED'], [200]]);
  });
});

async function batch(body: string | Buffer): Promise<{ status: number; codes: unknown }> {
  const bytes = Buffer.isBuffer(body)
    ? body.toString('latin1')
    : Buffer.from(body).toString('latin1');
  const reply = await rawRequest(port, 'POST', '/v1/batch', { body: bytes });
  const json = JSON.parse(reply.body) as { code?: string; results?: Record<string, unknown>[] };
  const codes = json.results?.map(({ status, code }) => code ?? status) ?? json.code;
  return { status: reply.status, codes };
}

const deep = '['.repeat(100_000) + ']'.repeat(100_000);
const item = (members: string) => `{"operations":[{"op":"put","key":"untouched",${members}}]}`;

describe('hostile batches', () => {
  test.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['NUL', '\0'],
    ['100,000 open lists', '['.repeat(100_000)],
    ['100,000 open objects', '{"a":'.repeat(100_000)],
    ['100,000 lists', deep],
    ['null', 'null'],
    ['a number beyond numbers', '1e999'],
    ['a text', '"operations"'],
    ['a list', '[]'],
    ['no member', '{}'],
    ['__proto__ as member', '{"__proto__":[],"operations":[]}'],
    ['constructor as member', '{"constructor":[],"operations":[]}'],
    ['operations as object', '{"operations":{"length":1}}'],
    ['a byte order mark', '\u{FEFF}{"operations":[]}'],
    ['a comma too many', '{"operations":[],}'],
    ['something behind', '{"operations":[]}x'],
    ['a comment', '{"operations":[]/**/}'],
    ['NaN', '{"operations":[NaN]}'],
    ['invalid UTF-8', Buffer.from('{"operations":[{"op":"get","key":"\xff"}]}', 'latin1')],
    ['a surrogate in UTF-8', Buffer.from('{"operations":["\xed\xa0\x80"]}', 'latin1')],
  ])('%s is a 400 of the whole', async (_, body) => {
    expect(await batch(body)).toEqual({ status: 400, codes: 'BAD_REQUEST' });
  });

  test.each([
    ['a number', '5', 'BAD_REQUEST'],
    ['null', 'null', 'BAD_REQUEST'],
    ['100,000 lists', deep, 'BAD_REQUEST'],
    ['__proto__ as op', '{"op":"__proto__","key":"a"}', 'BAD_REQUEST'],
    ['toString as op', '{"op":"toString","key":"a"}', 'BAD_REQUEST'],
    ['100,000 lists as op', `{"op":${deep},"key":"a"}`, 'BAD_REQUEST'],
    ['__proto__ as member', '{"op":"get","key":"a","__proto__":{"op":"delete"}}', 'BAD_REQUEST'],
    ['constructor as member', '{"op":"get","key":"a","constructor":1}', 'BAD_REQUEST'],
    ['no key', '{"op":"get"}', 'KEY_INVALID'],
    ['an empty key', '{"op":"get","key":""}', 'KEY_INVALID'],
    ['null as key', '{"op":"get","key":null}', 'KEY_INVALID'],
    ['100,000 lists as key', `{"op":"get","key":${deep}}`, 'KEY_INVALID'],
    ['half a surrogate pair as key', String.raw`{"op":"get","key":"\ud800"}`, 'KEY_INVALID'],
    ['a key of 1,025 bytes', `{"op":"get","key":"${long}"}`, 'KEY_INVALID'],
    [
      'a key of 1,025 bytes in 4-byte characters',
      `{"op":"get","key":"${'🐟'.repeat(256)}k"}`,
      'KEY_INVALID',
    ],
  ])('%s is a 400 of that operation alone', async (_, operation, code) => {
    const body = `{"operations":[${operation},{"op":"get","key":"nothing"}]}`;
    expect(await batch(body)).toEqual({ status: 200, codes: [code, 'KEY_NOT_FOUND'] });
  });

  test.each([
    '"value":5',
    '"value":null',
    '"value":{}',
    String.raw`"value":"\udc00"`,
    '"valueBase64":"="',
    '"valueBase64":"YQ"',
    '"valueBase64":"YR=="',
    '"valueBase64":" YQ=="',
    '"value":"v","valueBase64":"YQ=="',
    '"ttl":5',
    '"value":"v","ttl":0',
    '"value":"v","ttl":-1',
    '"value":"v","ttl":1.5',
    '"value":"v","ttl":1e999',
    '"value":"v","ttl":1e300',
    '"value":"v","ttl":"1y"',
    '"value":"v","ttl":"99999999999999999999d"',
    '"value":"v","ttl":null',
    '"value":"v","ifMatch":true',
    '"value":"v","ifMatch":[]',
    '"value":"v","ifMatch":-1',
    '"value":"v","ifMatch":1e999',
    '"value":"v","ifMatch":9007199254740993',
    '"value":"v","ifMatch":"1"',
    '"value":"v","ifNoneMatch":[1,"*"]',
    '"value":"v","expiresAt":1',
  ])('a put with %s is refused', async (members) => {
    expect(await batch(item(members))).toEqual({ status: 200, codes: ['BAD_REQUEST'] });
  });

  test('of members that stand twice the last counts, as in JSON.parse', async () => {
    const twice = '{"op":"put","key":"untouched","key":"odd-10","value":"first","value":"last"}';
    expect(await batch(`{"operations":[5],"operations":[${twice}]}`)).toMatchObject({
      codes: [201],
    });
    expect((await rawRequest(port, 'GET', '/v1/keys/odd-10')).body).toBe('last');
  });
});

const checked = (members: string) =>
  `{"checks":[{"key":"untouched",${members}}],"operations":[{"op":"delete","key":"untouched"}]}`;
const operated = (members: string) =>
  `{"operations":[{"op":"put","key":"untouched","value":"v"},{"key":"untouched",${members}}]}`;

async function transaction(body: string | Buffer): Promise<[number, unknown]> {
  const bytes = Buffer.from(body).toString('latin1');
  const reply = await rawRequest(port, 'POST', '/v1/transactions', { body: bytes });
  expect(reply.headers['content-type']).toBe('application/problem+json');
  const { code, outcome } = JSON.parse(reply.body) as { code: string; outcome: string };
  expect(outcome).toBe('not-applied');
  return [reply.status, code];
}

describe('hostile transactions', () => {
  test.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['NUL', '\0'],
    ['100,000 open lists', '['.repeat(100_000)],
    ['100,000 lists', deep],
    ['null', 'null'],
    ['a list', '[]'],
    ['no member', '{}'],
    ['nothing to do', '{"checks":[],"operations":[]}'],
    ['__proto__ as member', '{"__proto__":[],"operations":[{"op":"get","key":"a"}]}'],
    ['operations as object', '{"operations":{"length":1}}'],
    ['operations that are null', '{"checks":[{"key":"a","exists":true}],"operations":null}'],
    ['otherwise as a text', '{"checks":[{"key":"a","exists":true}],"otherwise":"get"}'],
    ['a comma too many', '{"operations":[{"op":"get","key":"a"},]}'],
    ['something behind', '{"operations":[{"op":"get","key":"a"}]}x'],
    ['invalid UTF-8', Buffer.from('{"operations":[{"op":"get","key":"\xff"}]}', 'latin1')],
    ['100,000 lists as check', `{"checks":[${deep}]}`],
    ['check: no statement', '{"checks":[{"key":"untouched"}]}'],
    ['check: 100,000 lists as value', checked(`"value":${deep}`)],
    ['check: two statements', checked('"exists":true,"version":1')],
    ['check: null beside another', checked('"exists":true,"version":null')],
    ['check: version beyond numbers', checked('"version":1e999')],
    ['check: version that is not exact', checked('"version":9007199254740993')],
    ['check: version as a list', checked('"version":[1]')],
    ['check: exists as a text', checked('"exists":"true"')],
    ['check: half a surrogate pair', checked(String.raw`"value":"\udc00"`)],
    ['check: an op', checked('"op":"get","exists":true')],
    ['check: __proto__', checked('"__proto__":{"exists":true}')],
    ['operation: none', operated('"value":"v"')],
    ['operation: 100,000 lists as op', operated(`"op":${deep}`)],
    ['operation: __proto__ as op', operated('"op":"__proto__"')],
    ['operation: a condition', operated('"op":"put","value":"v","ifNoneMatch":"*"')],
    ['operation: by as a text', operated('"op":"increment","by":"1"')],
    ['operation: by beyond numbers', operated('"op":"increment","by":1e999')],
    ['operation: by that is not exact', operated('"op":"increment","by":9223372036854775807')],
    ['operation: an increment with ttl', operated('"op":"increment","ttl":1')],
    ['operation: a value that is no base64', operated('"op":"put","valueBase64":" YQ=="')],
  ])('%s is a 400', async (_, body) => {
    expect(await transaction(body)).toEqual([400, 'BAD_REQUEST']);
  });

  test.each(['', '"key":null', String.raw`"key":"\ud800"`, `"key":"${long}"`])(
    'an item with the key %j is a 400 of the whole',
    async (member) => {
      const items = `{"op":"put","key":"untouched","value":"v"},{"op":"get"${member && ','}${member}}`;
      expect(await transaction(`{"operations":[${items}]}`)).toEqual([400, 'KEY_INVALID']);
    },
  );

  test('an increment of a value that is no number is a 422, and nothing of it happens', async () => {
    const body = operated('"op":"increment"');
    expect(await transaction(body)).toEqual([422, 'VALUE_NOT_AN_INTEGER']);
  });
});

/** Unusual keys in their percent-encoded form. */
const oddKeys = [
  '.',
  '..',
  '../..',
  '%2e%2e%2fx',
  '/',
  '//',
  '%2Fx',
  'a//b',
  'a/',
  '%00',
  '%00a',
  'a%00',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  'lock',
  'store.json',
  'shard-0',
  'shard-0%2Fjournal-1',
  'CON',
  'nul.txt',
  '-rf',
  '~',
  '*',
  '%F0%9F%90%9F',
  '%EF%BB%BF',
  '%EF%BF%BF',
  '%F4%8F%BF%BF',
  '%0A',
  '%0D%0A',
  '%22',
  '%5C',
  'e%CC%81',
  '%C3%A9',
  '%E2%80%AE',
  '%7F',
  '+',
  '%20',
  '%25',
  '%2525',
  '1e999',
  '-0',
  '0',
  'k'.repeat(1024),
  '%6C'.repeat(1024),
  '%F0%9F%90%9F'.repeat(256),
];

const everyByte = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('');

/** Each key has a value of its own, so that no key can pass for another. */
const valueOf = (index: number): string => `${index}\0${everyByte}`;

async function expectOddKeys(): Promise<void> {
  for (const [index, key] of oddKeys.entries()) {
    // oxlint-disable-next-line no-await-in-loop -- one at a time: it is the same server
    const reply = await rawRequest(port, 'GET', `/v1/keys/${key}`);
    const shown = key.slice(0, 40);
    expect([shown, reply.status, reply.body]).toEqual([shown, 200, valueOf(index)]);
  }
  const page = await rawRequest(port, 'GET', '/v1/keys?limit=1000');
  const { items } = JSON.parse(page.body) as { items: { key: string }[] };
  const others = ['odd-1', 'odd-2', 'odd-3', 'odd-4', 'odd-5', 'odd-6', 'odd-7', 'odd-9', 'odd-10'];
  const keys = [...oddKeys.map((key) => decodeURIComponent(key)), ...others, '..\\odd-8'];
  expect(new Set(items.map(({ key }) => Buffer.from(key, 'latin1').toString('utf8')))).toEqual(
    new Set(keys),
  );
  expect(items).toHaveLength(keys.length);
}

function openSocket(bytes: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectToPort(port);
    socket.write(bytes, () => resolve(socket));
    socket.once('error', reject);
  });
}

async function metrics(): Promise<string> {
  return (await rawRequest(port, 'GET', '/metrics')).body;
}

describe('hostile connections', () => {
  test('a half-closed connection is answered all the same', async () => {
    const socket = await openSocket(get('/livez'));
    const text = readToEnd(socket);
    socket.end();
    expect(await text).toContain(' 200 OK');
  });

  test.each([
    ['half a request line', 'GET /v1'],
    ['half a body', put('Content-Length: 9\r\n', 'half')],
    ['half a chunk', put(chunked, '9\r\nhalf')],
    ['a chunk of nearly 2^64 bytes', put(chunked, 'FFFFFFFFFFFFFFFF\r\nhalf')],
  ])('%s that ends with the connection changes nothing', async (_, bytes) => {
    const ended = await openSocket(bytes);
    ended.end();
    await once(ended.resume(), 'close');
    const reset = await openSocket(bytes);
    resetConnection(reset);
    await once(reset, 'close');
    expect((await sendRaw(port, get('/v1/keys/untouched', 'Connection: close\r\n'))).status).toBe(
      404,
    );
  });

  test('connections reset with replies and requests under way leave nothing held', async () => {
    const sockets = await Promise.all(
      Array.from({ length: 50 }, () =>
        openSocket(
          put(oneByte, 'v', 'odd-9').repeat(20) + put('Content-Length: 99999\r\n', 'half'),
        ),
      ),
    );
    for (const socket of sockets) resetConnection(socket);
    await expect
      .poll(metrics, { timeout: 15_000 })
      .toContain('\nholdfast_http_body_bytes_in_flight 0\n');
    await expect
      .poll(metrics, { timeout: 15_000 })
      .toContain('\nholdfast_http_reply_bytes_in_flight 0\n');
    await expect
      .poll(metrics, { timeout: 15_000 })
      .toContain('\nholdfast_http_work_in_flight_units 0\n');
    await expect.poll(metrics, { timeout: 15_000 }).toContain('\nholdfast_http_connections 1\n');
  });
});

describe('behind all of that', () => {
  test('odd keys have the values put there, and there are no others', async () => {
    for (const [index, key] of oddKeys.entries()) {
      // oxlint-disable-next-line no-await-in-loop -- one at a time: it is the same server
      const reply = await rawRequest(port, 'PUT', `/v1/keys/${key}`, { body: valueOf(index) });
      expect([key.slice(0, 40), reply.status]).toEqual([key.slice(0, 40), 201]);
    }
    await expectOddKeys();
  });

  test('the server has logged no error', () => {
    expect(server.program.stderr).not.toMatch(/"level":(40|50|60)/);
  });

  test.each(['SIGKILL', 'SIGTERM'] as const)('they hold it after a %s too', async (signal) => {
    server.program.kill(signal);
    await server.program.exited;
    await start();
    await expectOddKeys();
  });
});

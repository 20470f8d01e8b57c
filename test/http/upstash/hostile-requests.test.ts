// Over bare sockets: wrong requests get the right status and change nothing. The answers have the
// form that clients of this protocol read.
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ModelStore } from '../../support/stores/model-store.ts';
import { openApp, testLimits } from '../../support/http/open-app.ts';
import { rawRequest, sendRaw, type RawReply } from '../../support/http/raw-request.ts';

const { keyBytesMax, valueBytesMax, batchBytesMax } = testLimits;

function expectError(reply: RawReply, status: number, message: string | RegExp): void {
  expect([reply.status, reply.body]).toEqual([status, expect.any(String)]);
  expect(reply.headers['content-type']).toBe('application/json');
  expect(reply.headers['x-content-type-options']).toBe('nosniff');
  const { error, ...more } = JSON.parse(reply.body) as { error: string };
  expect(more).toEqual({});
  expect(error).toMatch(/^ERR /);
  expect(error).toMatch(message);
}

interface Request {
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** Asks a store with one entry. Checks afterwards that the store still has just that entry. */
async function ask(method: string, target: string, request: Request = {}): Promise<RawReply> {
  const { port, model } = await openApp();
  await rawRequest(port, 'PUT', '/v1/keys/there', { body: 'v' });
  const before = [...model.entries];
  const reply = await rawRequest(port, method, target, request);
  expect([...model.entries]).toEqual(before);
  return reply;
}

const post = (target: string, body: string, headers: readonly string[] = []) =>
  ask('POST', target, { body, headers });

/** Settings with room for bodies that are hostile by their size. */
const large = { batchBytesMax: 4_000_000, bodyBytesInFlightMax: 8_000_000 };

const setOther = '["set","other","v"]';

describe('methods that a path does not take are answered 405 with those that it takes', () => {
  const forCommands = 'GET, HEAD, POST, PUT';
  test.each([
    ['DELETE', '/upstash', 'POST, PUT'],
    ['GET', '/upstash', 'POST, PUT'],
    ['GET', '/upstash/', 'POST, PUT'],
    ['GET', '/upstash?x=1', 'POST, PUT'],
    ['PATCH', '/upstash', 'POST, PUT'],
    ['DELETE', '/upstash/del/there', forCommands],
    ['OPTIONS', '/upstash/del/there', forCommands],
    ['TRACE', '/upstash/del/there', forCommands],
    ['PROPFIND', '/upstash/del/there', forCommands],
    ['GET', '/upstash/pipeline', 'POST, PUT'],
    ['DELETE', '/upstash/pipeline', 'POST, PUT'],
    ['GET', '/upstash/multi-exec', 'POST, PUT'],
    ['OPTIONS', '/upstash/multi-exec', 'POST, PUT'],
  ])('%s %s', async (method, target, allow) => {
    const reply = await ask(method, target, { body: '["del","there"]' });
    expectError(reply, 405, `${method} is not allowed here`);
    expect(reply.headers['allow']).toBe(allow);
  });

  test.each(['/upstash', '/upstash/pipeline', '/upstash/multi-exec'])('HEAD %s', async (target) => {
    const reply = await ask('HEAD', target);
    expect([reply.status, reply.body]).toEqual([405, '']);
    expect(reply.headers).toMatchObject({ allow: 'POST, PUT', 'content-type': 'application/json' });
  });
});

describe('a target that is wrong is refused', () => {
  test.each([
    ['/upstash/del/there/%', 'percent-encoding'],
    ['/upstash/del/there/%4', 'percent-encoding'],
    ['/upstash/%zz', 'percent-encoding'],
    ['/upstash/set/there?%zz', 'percent-encoding'],
    ['/upstash/set/there?EX=%f', 'percent-encoding'],
    ['/upstash/del/there#x', 'no fragment'],
    ['/upstash#', 'no fragment'],
    ['/upstash/del/there/%FF', 'valid UTF-8'],
    ['/upstash/del/there/%C0%80', 'valid UTF-8'],
    ['/upstash/del/there/%ED%A0%80', 'valid UTF-8'],
    ['/upstash/del/there/', 'must not be empty'],
    ['/upstash/set//v', 'must not be empty'],
    [`/upstash/del/there/${'k'.repeat(keyBytesMax + 1)}`, `at most ${keyBytesMax} bytes`],
    ['/upstash/get/there/', 'wrong number of arguments'],
    ['/upstash/get//there', 'wrong number of arguments'],
    ['/upstash//del/there', "unknown command ''"],
    ['/upstash//', "unknown command ''"],
    ['/upstash/pipeline/', "unknown command 'pipeline'"],
    ['/upstash/./del/there', "unknown command '.'"],
    ['/upstash/../v1/keys/there', "unknown command '..'"],
    ['/upstash/%2Fdel/there', "unknown command '/del'"],
    ['/upstash/del%00/there', "unknown command 'del'"],
    ['/upstash/set/other/v?EX', 'syntax error'],
    ['/upstash/set/other/v?=', 'syntax error'],
    ['/upstash/set/other/v?EX=1&EX', 'syntax error'],
    ['/upstash/set/other/v?NX&XX', 'syntax error'],
    ['/upstash/set/other?&&&', 'wrong number of arguments'],
  ])('%s', async (target, message) => {
    for (const method of ['GET', 'POST', 'PUT']) {
      expectError(await ask(method, target), 400, message);
    }
  });

  test('by HEAD without a body', async () => {
    for (const target of ['/upstash/nope', '/upstash/get/%zz', '/upstash/get/']) {
      const reply = await ask('HEAD', target);
      expect([reply.status, reply.body]).toEqual([400, '']);
    }
  });

  test.each(['//upstash/get/there', '/upstashx', '/UPSTASH/get/there', '/v1/upstash'])(
    'as one that is not of this protocol: %s',
    async (target) => {
      const reply = await ask('GET', target);
      expect(reply.status).toBe(404);
      expect(JSON.parse(reply.body)).toMatchObject({ code: 'ROUTE_NOT_FOUND' });
    },
  );
});

describe('a body that is no command is refused', () => {
  const noJson = 'failed to parse';
  const noList = 'a list of arguments';
  const noArgument = 'a string, a number or a boolean';
  test.each([
    ['', noJson],
    [' ', noJson],
    ['["get","there"', noJson],
    ['["get","there"]]', noJson],
    ["['get','there']", noJson],
    ['["set","other",NaN]', noJson],
    ['["set","other",01]', noJson],
    ['["set","other",-]', noJson],
    ['["set","other",9e]', noJson],
    ['\u{ef}\u{bb}\u{bf}["get","there"]', noJson],
    ['null', noList],
    ['1', noList],
    ['"get"', noList],
    ['{}', noList],
    ['{"set":"a","set":"b"}', noList],
    ['[]', 'must not be empty'],
    ['[[]]', noArgument],
    ['["set","other",null]', noArgument],
    ['["set","other",{}]', noArgument],
    ['["set","other",{"a":1,"a":2}]', noArgument],
    ['["set","other",["v"]]', noArgument],
    ['["set","other","\\ud800"]', 'well-formed Unicode'],
    ['["set","other","\\udc00\\ud800"]', 'well-formed Unicode'],
    ['["set","\\ud800","v"]', 'well-formed Unicode'],
    ['["set","other","\u{ff}"]', 'valid UTF-8'],
    ['["set","other","\u{ed}\u{a0}\u{80}"]', 'valid UTF-8'],
    ['["set","","v"]', 'must not be empty'],
    [`["set","${'k'.repeat(keyBytesMax + 1)}","v"]`, `at most ${keyBytesMax} bytes`],
    [`["set","${'\u{c3}\u{bc}'.repeat(keyBytesMax)}","v"]`, `at most ${keyBytesMax} bytes`],
    [`["set","other","${'v'.repeat(valueBytesMax + 1)}"]`, 'exceeds maximum allowed size'],
    ['[1,2]', "unknown command '1'"],
    ['[true]', "unknown command 'true'"],
    ['["\\u0000"]', "unknown command ''"],
    ['["set\\r\\n","other","v"]', 'unknown command'],
    [`["set","other"${',1'.repeat(3000)}]`, 'syntax error'],
    ['["set","other","v","EX",1e400]', 'not an integer'],
    ['["set","other","v","PX",9223372036854775808]', 'not an integer'],
    ['["expire","there",1.5]', 'not an integer'],
  ])('%.60s', async (body, message) => {
    for (const target of ['/upstash', '/upstash/']) {
      expectError(await post(target, body), 400, message);
      expectError(await ask('PUT', target, { body }), 400, message);
    }
  });

  test('however deep it is', async () => {
    const { port } = await openApp({ limits: large });
    const deep = '['.repeat(900_000) + ']'.repeat(900_000);
    const one = await rawRequest(port, 'POST', '/upstash', { body: deep });
    expectError(one, 400, 'a string, a number or a boolean');
    const many = await rawRequest(port, 'POST', '/upstash/pipeline', { body: deep });
    expectError(many, 400, 'a string, a number or a boolean');
    const open = await rawRequest(port, 'POST', '/upstash', { body: '['.repeat(900_000) });
    expectError(open, 400, 'failed to parse');
  });

  test('with more than a million arguments before they are parsed', async () => {
    const { port } = await openApp({ limits: large });
    for (const [target, begin] of [
      ['/upstash', '["del"'],
      ['/upstash/pipeline', '[["del"'],
    ] as const) {
      const body = `${begin}${',1'.repeat(1_000_000)}]`;
      expectError(await rawRequest(port, 'POST', target, { body }), 413, '1000000 arguments');
    }
  });
});

describe('a pipeline or a transaction is refused as a whole if one of its commands is none', () => {
  test.each([
    ['{}', 'a list of commands'],
    ['"get"', 'a list of commands'],
    ['null', 'a list of commands'],
    ['', 'failed to parse'],
    [`[${setOther}`, 'failed to parse'],
    [`[${setOther},[]]`, 'must not be empty'],
    [`[${setOther},null]`, 'a list of arguments'],
    [`[${setOther},{}]`, 'a list of arguments'],
    [`[${setOther},"get"]`, 'a list of arguments'],
    [`[${setOther},["get",null]]`, 'a string, a number or a boolean'],
    [`[${setOther},["get","\\ud800"]]`, 'well-formed Unicode'],
    [`[${setOther},["get","\u{ff}"]]`, 'valid UTF-8'],
  ])('%s', async (body, message) => {
    expectError(await post('/upstash/pipeline', body), 400, message);
    expectError(await post('/upstash/multi-exec', body), 400, message);
  });

  test('or there are too many', async () => {
    const body = `[${Array.from({ length: 101 }, () => setOther).join(',')}]`;
    expectError(await post('/upstash/pipeline', body), 413, 'at most 100 commands');
    expectError(await post('/upstash/multi-exec', body), 413, 'at most 100 commands');
  });
});

test('commands of a pipeline that are wrong are answered each in its place', async () => {
  const body = '[["nope"],["set","","v"],["get"],["set","other","v","EX","x"],["get","there"]]';
  const reply = await post('/upstash/pipeline', body);
  expect(reply.status).toBe(200);
  expect(JSON.parse(reply.body)).toEqual([
    { error: expect.stringContaining('unknown command') },
    { error: expect.stringContaining('must not be empty') },
    { error: expect.stringContaining('wrong number of arguments') },
    { error: expect.stringContaining('not an integer') },
    { result: 'v' },
  ]);
});

test('an empty pipeline has an empty reply', async () => {
  expect(await post('/upstash/pipeline', ' [ ] ')).toMatchObject({ status: 200, body: '[]' });
  const resp2 = ['Upstash-Response-Format: resp2'];
  expect(await post('/upstash/pipeline', '[]', resp2)).toMatchObject({ status: 200, body: '' });
});

test('numbers beyond 2^53 keep their digits', async () => {
  const { port, model } = await openApp();
  const numbers = ['9007199254740993', '-9223372036854775808', '1e400', '0.1', '1e-7'];
  for (const number of numbers) {
    const body = `["set","other",${number}]`;
    expect((await rawRequest(port, 'POST', '/upstash', { body })).status).toBe(200);
    expect(String(model.entries.get('default\nother')?.value)).toBe(number);
  }
});

test('a key that names a member of every JavaScript object is a key like any other', async () => {
  const { port } = await openApp();
  for (const key of ['__proto__', 'constructor', 'toString']) {
    await rawRequest(port, 'POST', '/upstash', { body: `["set","${key}","${key}"]` });
    const reply = await rawRequest(port, 'GET', `/upstash/get/${key}`);
    expect(JSON.parse(reply.body)).toEqual({ result: key });
    const command = await rawRequest(port, 'GET', `/upstash/${key}`);
    expectError(command, 400, `unknown command '${key}'`);
  }
});

describe('headers that are wrong are refused before the command is looked at', () => {
  test.each([
    ['Upstash-Encoding: hex', 'Upstash-Encoding'],
    ['Upstash-Encoding:', 'Upstash-Encoding'],
    ['Upstash-Encoding: base64\r\nUpstash-Encoding: base64', 'Upstash-Encoding'],
    ['Upstash-Response-Format: resp3', 'Upstash-Response-Format'],
    ['Upstash-Response-Format:', 'Upstash-Response-Format'],
    ['Upstash-Response-Format: resp2\r\nUpstash-Encoding: base64', 'resp2'],
  ])('%j', async (header, message) => {
    expectError(await post('/upstash', setOther, [header]), 400, message);
    expectError(await post('/upstash/pipeline', `[${setOther}]`, [header]), 400, message);
    expectError(await post('/upstash/multi-exec', `[${setOther}]`, [header]), 400, message);
    expectError(await ask('GET', '/upstash/del/there', { headers: [header] }), 400, message);
  });

  test.each(['gzip', 'br', 'identity, gzip', ''])('Content-Encoding: %s', async (coding) => {
    for (const end of ['', '/pipeline', '/multi-exec', '/set/other']) {
      const target = `/upstash${end}`;
      const reply = await post(target, setOther, [`Content-Encoding: ${coding}`]);
      expectError(reply, 415, 'ENCODING_UNSUPPORTED, not-applied');
      expect(reply.headers['accept-encoding']).toBe('identity');
    }
  });

  test('so are heads that are no proper HTTP', async () => {
    const { port, model } = await openApp();
    const rest = `Content-Length: ${setOther.length}\r\n\r\n${setOther}`;
    const heads = [
      ['', 403],
      ['Host: localhost\r\nHost: localhost\r\n', 400],
    ] as const;
    for (const [head, status] of heads) {
      const reply = await sendRaw(port, `POST /upstash HTTP/1.1\r\n${head}${rest}`);
      expectError(reply, status, 'Host');
      expect(reply.headers['connection']).toBe('close');
    }
    expect(model.entries.size).toBe(0);
  });
});

describe('a body that is too large is refused', () => {
  const body = `["set","other","${'v'.repeat(batchBytesMax)}"]`;
  test.each(['/upstash', '/upstash/pipeline', '/upstash/multi-exec', '/upstash/set/other'])(
    '%s, whether or not its length is announced',
    async (target) => {
      expectError(await post(target, body), 413, 'REQUEST_TOO_LARGE, not-applied');
      const { port, model } = await openApp();
      const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
      const head = 'Host: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked';
      const reply = await sendRaw(port, `POST ${target} HTTP/1.1\r\n${head}\r\n\r\n${chunk}`);
      expectError(reply, 413, 'REQUEST_TOO_LARGE, not-applied');
      expect(model.entries.size).toBe(0);
    },
  );

  test('and a value that is too large, as Redis does', async () => {
    const reply = await post('/upstash/set/other', 'v'.repeat(valueBytesMax + 1));
    expectError(reply, 400, 'exceeds maximum allowed size');
  });
});

test('a client over the limit of connections is refused in the form of this protocol', async () => {
  const { app, port } = await openApp({ limits: { connectionsMax: 1 } });
  const only = connect(port, '127.0.0.1');
  onTestFinished(() => void only.destroy());
  await once(only, 'connect');
  await expect.poll(() => app.connections.socketCount).toBe(1);
  const reply = await rawRequest(port, 'POST', '/upstash/pipeline', { body: `[${setOther}]` });
  expectError(reply, 503, 'OVERLOADED, not-applied');
  expect(reply.headers['retry-after']).toBe('1');
});

test('a request that fails by a bug of the server may have been applied, by GET too', async () => {
  class BrokenStore extends ModelStore {
    override submitCommands(): never {
      throw new Error('out of order');
    }
  }
  const { port } = await openApp({ store: new BrokenStore() });
  for (const method of ['GET', 'POST']) {
    const reply = await rawRequest(port, method, '/upstash/set/other/v');
    expectError(reply, 500, 'INTERNAL, unknown');
    expect(reply.body).not.toContain('out of order');
  }
});

import { describe, expect, test } from 'vitest';
import { openApp } from '../../support/http/open-app.ts';

interface Asked {
  readonly method?: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
}

async function ask(url: string, path: string, { method = 'GET', ...rest }: Asked = {}) {
  const reply = await fetch(`${url}/upstash${path}`, { method, ...rest });
  const text = await reply.text();
  return { status: reply.status, text, headers: reply.headers };
}

const post = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) => ({
  method: 'POST',
  body,
  headers,
});

const base64 = { 'upstash-encoding': 'base64' };

describe('a command in the path', () => {
  test('is carried out, whatever its method and case', async () => {
    const { url } = await openApp();
    expect(await ask(url, '/SET/a%2Fb/x')).toMatchObject({ status: 200, text: '{"result":"OK"}' });
    expect(await ask(url, '/get/a%2Fb')).toMatchObject({ status: 200, text: '{"result":"x"}' });
    expect(await ask(url, '/get/a%2Fb', post(''))).toMatchObject({ text: '{"result":"x"}' });
    expect(await ask(url, '/get/none')).toMatchObject({ status: 200, text: '{"result":null}' });
    const head = await ask(url, '/get/a%2Fb', { method: 'HEAD' });
    expect([head.status, head.text]).toEqual([200, '']);
  });

  test('takes its body as the value, whatever its type, and its query as options', async () => {
    const { url, model } = await openApp();
    const body = Buffer.from([0xff, 0x00, 0x0a]);
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(await ask(url, '/set/k?EX=100&NX', post(body, type))).toMatchObject({
      text: '{"result":"OK"}',
    });
    expect(model.entries.get('default\nk')).toMatchObject({ value: body });
    expect(model.entries.get('default\nk')?.expiresAt).toBe(model.nowMs + 100_000);
    expect(await ask(url, '/set/k?NX', post('again'))).toMatchObject({ text: '{"result":null}' });
  });

  test('that is wrong is answered 400 with the error of Redis, in JSON', async () => {
    const { url } = await openApp();
    const unknown = await ask(url, '/nope/a');
    expect(unknown.headers.get('content-type')).toBe('application/json');
    expect(unknown).toMatchObject({
      status: 400,
      text: `{"error":"ERR unknown command 'nope', with args beginning with: 'a' "}`,
    });
    expect(await ask(url, '/get')).toMatchObject({
      status: 400,
      text: `{"error":"ERR wrong number of arguments for 'get' command"}`,
    });
    expect(await ask(url, '/get/%zz')).toMatchObject({ status: 400 });
  });
});

describe('a command in the body', () => {
  test('is a list of strings, numbers and booleans', async () => {
    const { url } = await openApp();
    expect(await ask(url, '', post('["set","n",12345678901234567890]'))).toMatchObject({
      text: '{"result":"OK"}',
    });
    expect(await ask(url, '/', post('["GET","n"]'))).toMatchObject({
      text: '{"result":"12345678901234567890"}',
    });
  });

  test.each(['{"a":1}', '[]', '["get",null]', 'no json', '["get"'])(
    '%s is answered 400',
    async (body) => {
      const { url } = await openApp();
      const { status, text } = await ask(url, '', post(body));
      expect(status).toBe(400);
      expect(JSON.parse(text)).toEqual({ error: expect.stringMatching(/^ERR /) });
    },
  );
});

describe('a pipeline', () => {
  test('is answered 200, each command by its own result or error, in order', async () => {
    const { url } = await openApp();
    const body = '[["set","a",1],["get","a"],["nope"],["mget","a","b"],["set","a",2],["get","a"]]';
    const { status, text } = await ask(url, '/pipeline', post(body));
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual([
      { result: 'OK' },
      { result: '1' },
      { error: expect.stringContaining('unknown command') },
      { result: ['1', null] },
      { result: 'OK' },
      { result: '2' },
    ]);
  });

  test('sets a value without options as Redis does: a deadline of before is gone', async () => {
    const { url, model } = await openApp();
    const body =
      '[["set","a","1","EX",100],["set","b","2","EX",100],["SET","a","\u00e9"],["ttl","a"]]';
    const { text } = await ask(url, '/pipeline', post(body));
    const results = [{ result: 'OK' }, { result: 'OK' }, { result: 'OK' }, { result: -1 }];
    expect(JSON.parse(text)).toEqual(results);
    expect(model.entries.get('default\na')).toMatchObject({ value: Buffer.from('é') });
    expect(model.entries.get('default\na')?.expiresAt).toBeUndefined();
    expect(model.entries.get('default\nb')?.expiresAt).toBeDefined();
  });

  test('has its place between commands over several shards', async () => {
    const { url } = await openApp();
    const body = '[["mset","a","1","b","2"],["get","a"],["dbsize"],["del","a","b"],["get","b"]]';
    const { text } = await ask(url, '/pipeline', post(body));
    expect(JSON.parse(text)).toEqual(['OK', '1', 2, 2, null].map((result) => ({ result })));
  });

  test('may have as many commands behind one over several shards as the limit allows', async () => {
    const count = 200_000;
    const bytes = 4 * 1024 * 1024;
    const limits = { batchOperationsMax: count, batchBytesMax: bytes, bodyBytesInFlightMax: bytes };
    const { url } = await openApp({ limits });
    const pings = Array<string>(count - 1).fill('["ping"]');
    const { text } = await ask(url, '/pipeline', post(`[["dbsize"],${pings.join(',')}]`));
    const results: unknown = JSON.parse(text);
    expect(results).toHaveLength(count);
    expect(results).toMatchObject({ 0: { result: 0 }, [count - 1]: { result: 'PONG' } });
  });

  test('that is empty has an empty reply', async () => {
    const { url } = await openApp();
    expect(await ask(url, '/pipeline', post('[]'))).toMatchObject({ status: 200, text: '[]' });
  });

  test('that is no list of commands is refused as a whole', async () => {
    const { url, model } = await openApp();
    const { status, text } = await ask(url, '/pipeline', post('[["set","a",1],"get"]'));
    expect(status).toBe(400);
    expect(JSON.parse(text)).toEqual({ error: expect.stringMatching(/^ERR /) });
    expect(model.entries.size).toBe(0);
  });

  test('past the limit is answered 413', async () => {
    const { url } = await openApp({ limits: { batchOperationsMax: 2 } });
    const { status } = await ask(url, '/pipeline', post('[["ping"],["ping"],["ping"]]'));
    expect(status).toBe(413);
  });
});

describe('keys', () => {
  test.each([
    ['empty', '["get",""]', 'must not be empty'],
    ['too long', `["get","${'k'.repeat(65)}"]`, 'at most 64 bytes'],
    ['of half a surrogate pair', '["set","\\ud800","v"]', 'well-formed Unicode'],
  ])('that are %s are refused', async (_, body, message) => {
    const { url, model } = await openApp();
    const { status, text } = await ask(url, '', post(body));
    expect(status).toBe(400);
    expect(text).toContain(message);
    expect(model.entries.size).toBe(0);
  });

  test('that are not UTF-8 are refused', async () => {
    const { url } = await openApp();
    expect(await ask(url, '/set/%FF/v')).toMatchObject({
      status: 400,
      text: '{"error":"ERR a key must be valid UTF-8"}',
    });
  });
});

describe('how a reply is written', () => {
  test('in base64 any bytes come back as they went', async () => {
    const { url } = await openApp();
    await ask(url, '/set/k', post(Buffer.from([0xff, 0x00])));
    const headers = { 'upstash-encoding': 'base64' };
    expect(await ask(url, '/get/k', { headers })).toMatchObject({ text: '{"result":"/wA="}' });
    expect(await ask(url, '/pipeline', post('[["get","k"],["set","k","OK"],["get","k"]]', headers)))
      // prettier-ignore
      .toMatchObject({ text: '[{"result":"/wA="},{"result":"OK"},{"result":"T0s="}]' });
  });

  test('in RESP 2 too', async () => {
    const { url } = await openApp();
    const headers = { 'upstash-response-format': 'resp2' };
    await ask(url, '/set/k/v');
    const one = await ask(url, '/get/k', { headers });
    expect(one.headers.get('content-type')).toBe('application/octet-stream');
    expect(one.text).toBe('$1\r\nv\r\n');
    expect(await ask(url, '/pipeline', post('[["get","k"],["get","x"]]', headers))).toMatchObject({
      text: '$1\r\nv\r\n$-1\r\n',
    });
    expect((await ask(url, '/nope', { headers })).text).toMatch(/^-ERR unknown command/);
  });

  test.each([
    [{ 'upstash-response-format': 'resp3' }],
    [{ 'upstash-encoding': 'hex' }],
    [{ 'upstash-response-format': 'resp2', 'upstash-encoding': 'base64' }],
  ])('%j is answered 400', async (headers) => {
    const { url } = await openApp();
    const { status, text } = await ask(url, '/get/k', { headers });
    expect(status).toBe(400);
    expect(JSON.parse(text)).toEqual({ error: expect.stringMatching(/^ERR /) });
  });
});

describe('many commands at one moment', () => {
  test('are answered each, and see those before them', async () => {
    const { url } = await openApp();
    const body = '[["SET","a",1],["INCR","a"],["INCRBY","a","x"],["PING"],["GET","a"]]';
    expect(await ask(url, '/multi-exec', post(body))).toMatchObject({
      status: 200,
      text:
        '[{"result":"OK"},{"result":2},{"error":"ERR value is not an integer or out of range"},' +
        '{"result":"PONG"},{"result":"2"}]',
    });
    const encoded = await ask(url, '/multi-exec', post('[["GET","a"]]', base64));
    expect(encoded.text).toBe('[{"result":"Mg=="}]');
    expect(await ask(url, '/multi-exec', post('[]'))).toMatchObject({ status: 200, text: '[]' });
  });

  test.each([
    ['["NOPE","x"]', "unknown command 'NOPE'"],
    ['["GET"]', "wrong number of arguments for 'get' command"],
    ['["DBSIZE"]', "'dbsize' is about all keys"],
    ['["FLUSHDB"]', "'flushdb' is about all keys"],
    ['["GET",""]', 'a key must not be empty'],
  ])('are discarded, all of them and with one error, for %s', async (command, why) => {
    const { url, model } = await openApp();
    const { status, text } = await ask(url, '/multi-exec', post(`[["SET","a",1],${command}]`));
    expect(status).toBe(400);
    const { error } = JSON.parse(text) as { error: string };
    expect(error).toMatch(/^EXECABORT Transaction discarded because of previous errors\. /);
    expect(error).toContain(`(command 2: ERR ${why}`);
    expect(model.entries.size).toBe(0);
  });

  test('are not discarded for an error that Redis finds only when it runs a command', async () => {
    const { url, model } = await openApp();
    const body = '[["PING","a","b"],["SET","a",1,"FOO"],["SET","a",1]]';
    expect(await ask(url, '/multi-exec', post(body))).toMatchObject({
      status: 200,
      text:
        `[{"error":"ERR wrong number of arguments for 'ping' command"},` +
        '{"error":"ERR syntax error"},{"result":"OK"}]',
    });
    expect(model.entries.size).toBe(1);
  });

  test('are not answered in RESP 2', async () => {
    const { url } = await openApp();
    const format = { 'upstash-response-format': 'resp2' };
    expect(await ask(url, '/multi-exec', post('[]', format))).toMatchObject({ status: 400 });
  });
});

describe('with an Idempotency-Key', () => {
  const key = { 'idempotency-key': '"1"' };

  test.each([
    ['a command in the path', '/incr/a', '', '{"result":1}'],
    ['a command in the body', '', '["INCR","a"]', '{"result":1}'],
    ['a pipeline', '/pipeline', '[["INCR","a"],["NOPE"],["GET","a"]]', /^\[{"result":1},{"error"/],
    ['a transaction', '/multi-exec', '[["INCR","a"],["GET","a"]]', '[{"result":1},{"result":"1"}]'],
  ])('%s is carried out once', async (_, path, body, expected) => {
    const { url, model } = await openApp();
    const first = await ask(url, path, post(body, key));
    const again = await ask(url, path, post(body, key));
    expect(first.text).toMatch(expected);
    expect(again.text).toBe(first.text);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('content-type')).toBe('application/json');
    expect(model.entries.get('default\na')?.value.toString()).toBe('1');
  });

  test('another request to the same path is refused in the words of the dialect', async () => {
    const { url } = await openApp();
    await ask(url, '/pipeline', post('[["INCR","a"]]', key));
    const other = await ask(url, '/pipeline', post('[["INCR","b"]]', key));
    expect(other.status).toBe(422);
    expect(other.text).toMatch(/^{"error":"ERR .*IDEMPOTENCY_KEY_REUSED, not-applied\)"}$/);
    const inBase64 = await ask(url, '/pipeline', post('[["INCR","a"]]', { ...key, ...base64 }));
    expect(inBase64.status).toBe(422);
  });

  test('a command that changes nothing is carried out as ever', async () => {
    const { url, model } = await openApp();
    await ask(url, '/pipeline', post('[["GET","a"],["DBSIZE"]]', key));
    expect(await ask(url, '/pipeline', post('[["GET","b"]]', key))).toMatchObject({ status: 200 });
    expect(model.entries.size).toBe(0);
  });

  test('all keys are deleted once', async () => {
    const { url, model } = await openApp();
    await ask(url, '/set/a/1');
    expect(await ask(url, '', post('["FLUSHDB"]', key))).toMatchObject({ text: '{"result":"OK"}' });
    expect([...model.entries.keys()].filter((name) => name.startsWith('default'))).toEqual([]);
    await ask(url, '/set/b/1');
    const again = await ask(url, '', post('["FLUSHDB"]', key));
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(model.entries.has('default\nb')).toBe(true);
    const wrong = await ask(url, '', post('["FLUSHDB","now"]', { 'idempotency-key': '2' }));
    expect(wrong).toMatchObject({ status: 400, text: '{"error":"ERR syntax error"}' });
  });

  test('several commands of which one is about all keys are refused, and so is a malformed key', async () => {
    const { url, model } = await openApp();
    await ask(url, '/set/a/1');
    const flushed = await ask(url, '/pipeline', post('[["FLUSHDB"],["SET","b",1]]', key));
    expect(flushed).toMatchObject({ status: 400 });
    expect(flushed.text).toContain("'flushdb' is about all keys");
    const unquoted = await ask(url, '/set/a/2', post('', { 'idempotency-key': 'a b' }));
    expect(unquoted).toMatchObject({ status: 400 });
    expect([...model.entries.keys()]).toEqual(['default\na']);
  });

  test('an answer too large to be kept is refused before anything is done', async () => {
    const { url, model } = await openApp({
      limits: { valueBytesMax: 100_000, batchBytesMax: 100_000, bodyBytesInFlightMax: 200_000 },
    });
    await ask(url, '/set/a', post('x'.repeat(70_000)));
    const refused = await ask(url, '/getdel/a', post('', key));
    expect(refused).toMatchObject({ status: 413 });
    expect(model.entries.size).toBe(1);
  });
});

describe('a token in the query is no word of the command', () => {
  const token = '_token=s3cret';
  test.each([
    ['GET', '/set/k/v', token],
    ['GET', '/set/k/v', '_token='],
    ['GET', '/set/k/v', '_token'],
    ['GET', '/set/k/v', '%5Ftoken=s3cret'],
    ['GET', '/set/k/v', `${token}&${token}`],
    ['GET', '/set/k/v', `NX&${token}&EX=100`],
    ['HEAD', '/set/k/v', token],
    ['POST', '/set/k/v', token],
    ['POST', '/set/k', token, 'v'],
    ['PUT', '/set/k', `${token}&EX=100`, 'v'],
    ['POST', '/set/k', `EX=100&${token}`, 'v'],
    ['POST', '', token, '["set","k","v"]'],
    ['PUT', '/', token, '["set","k","v"]'],
    ['POST', '/pipeline', token, '[["set","k","v"]]'],
  ])('%s %s?%s', async (method, path, query, body?: string) => {
    const { url, model } = await openApp();
    const asked = body === undefined ? { method } : { method, body };
    expect((await ask(url, `${path}?${query}`, asked)).status).toBe(200);
    const entry = model.entries.get('default\nk');
    expect(String(entry?.value)).toBe('v');
    expect(entry?.expiresAt).toBe(query.includes('EX') ? model.nowMs + 100_000 : undefined);
  });

  test('and is not repeated if the command is wrong', async () => {
    const { url } = await openApp();
    for (const path of ['/nope/a', '/get', '/set/k/v/bad', '/%zz', '/get/%FF']) {
      const { status, text } = await ask(url, `${path}?${token}`);
      expect(status).toBe(400);
      expect(text).not.toContain('s3cret');
      expect(text).not.toContain('_token');
    }
  });

  test('but anywhere else it is one', async () => {
    const { url, model } = await openApp();
    await ask(url, '/set/_token/_token=s3cret');
    expect(String(model.entries.get('default\n_token')?.value)).toBe('_token=s3cret');
    await ask(url, '', post('["set","k","_token"]'));
    expect(String(model.entries.get('default\nk')?.value)).toBe('_token');
    expect((await ask(url, '/get/k?_TOKEN=s3cret')).status).toBe(400);
  });
});

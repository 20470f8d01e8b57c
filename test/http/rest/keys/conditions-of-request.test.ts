// RFC 9110 section 13 without dates. The present entry has version 7.
import { beforeEach, describe, expect, test } from 'vitest';
import { openApp } from '../../../support/http/open-app.ts';
import { rawRequest, type RawReply } from '../../../support/http/raw-request.ts';

let port: number;

beforeEach(async () => {
  const app = await openApp();
  port = app.port;
  for (let version = 1; version <= 7; version++) {
    await rawRequest(port, 'PUT', '/v1/keys/a', { body: 'value' });
  }
});

type Header = readonly [name: 'If-Match' | 'If-None-Match', value: string];

function ask(method: string, key: string, ...conditions: readonly Header[]): Promise<RawReply> {
  const headers = conditions.map(([name, value]) => `${name}: ${value}`);
  const body = method === 'PUT' ? { body: 'new' } : {};
  return rawRequest(port, method, `/v1/keys/${key}`, { headers, ...body });
}

const matching = ['*', '"7"', '"6", "7"', '"7","8"', ',, "7" ,', ' "7" ', '"x","7"'];
const others = ['"8"', '"07"', '"7.0"', '"+7"', '"a,b"', '"99999999999999999999"', '""'];

describe('If-Match', () => {
  test.each(matching)('%j holds', async (value) => {
    expect((await ask('GET', 'a', ['If-Match', value])).status).toBe(200);
    expect((await ask('HEAD', 'a', ['If-Match', value])).status).toBe(200);
    expect((await ask('PUT', 'a', ['If-Match', value])).status).toBe(204);
  });

  test.each(matching)('%j lets a delete through', async (value) => {
    expect((await ask('DELETE', 'a', ['If-Match', value])).status).toBe(204);
  });

  test.each([...others, 'W/"7"'])('%j does not hold, and nothing changes', async (value) => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      const reply = await ask(method, 'a', ['If-Match', value]);
      expect(reply.status).toBe(412);
      expect(reply.headers['etag']).toBe('"7"');
    }
    const unchanged = await ask('GET', 'a');
    expect(unchanged).toMatchObject({ status: 200, body: 'value' });
  });

  test('never holds for a missing key, but a read of one is a 404 all the same', async () => {
    for (const value of ['*', '"7"']) {
      for (const method of ['PUT', 'DELETE']) {
        const reply = await ask(method, 'missing', ['If-Match', value]);
        expect(reply.status).toBe(412);
        expect(reply.headers['etag']).toBeUndefined();
        expect(JSON.parse(reply.body)).toMatchObject({ code: 'CONDITION_FAILED' });
      }
      expect((await ask('GET', 'missing', ['If-Match', value])).status).toBe(404);
      expect((await ask('HEAD', 'missing', ['If-Match', value])).status).toBe(404);
    }
  });
});

describe('If-None-Match', () => {
  test.each([...matching, 'W/"7"', 'W/"6", W/"7"'])('%j does not hold', async (value) => {
    for (const method of ['GET', 'HEAD']) {
      const reply = await ask(method, 'a', ['If-None-Match', value]);
      expect(reply.status).toBe(304);
      expect(reply.body).toBe('');
      expect(reply.headers).toMatchObject({ etag: '"7"', vary: 'Accept' });
      expect(reply.headers['content-length']).toBeUndefined();
      expect(reply.headers['content-type']).toBeUndefined();
    }
    for (const method of ['PUT', 'DELETE']) {
      const reply = await ask(method, 'a', ['If-None-Match', value]);
      expect(reply.status).toBe(412);
      expect(reply.headers['etag']).toBe('"7"');
    }
  });

  test.each([...others, 'W/"8"'])('%j holds', async (value) => {
    expect((await ask('GET', 'a', ['If-None-Match', value])).status).toBe(200);
    expect((await ask('HEAD', 'a', ['If-None-Match', value])).status).toBe(200);
    expect((await ask('DELETE', 'a', ['If-None-Match', value])).status).toBe(204);
    expect((await ask('PUT', 'a', ['If-None-Match', value])).status).toBe(201);
  });

  test('always holds for a missing key', async () => {
    expect((await ask('GET', 'missing', ['If-None-Match', '*'])).status).toBe(404);
    expect((await ask('DELETE', 'missing', ['If-None-Match', '*'])).status).toBe(404);
    expect((await ask('PUT', 'missing', ['If-None-Match', '*'])).status).toBe(201);
  });
});

describe('both', () => {
  test('If-Match is judged first', async () => {
    const failing = await ask('GET', 'a', ['If-Match', '"8"'], ['If-None-Match', '"7"']);
    expect(failing.status).toBe(412);
    const holding = await ask('GET', 'a', ['If-Match', '"7"'], ['If-None-Match', '"7"']);
    expect(holding.status).toBe(304);
  });

  test('a header that comes twice is one list', async () => {
    const reply = await ask('GET', 'a', ['If-Match', '"6"'], ['If-Match', '"7"']);
    expect(reply.status).toBe(200);
  });
});

describe.each(['If-Match', 'If-None-Match'] as const)('a malformed %s', (name) => {
  test.each([
    '',
    ',',
    ' , ,',
    '7',
    "'7'",
    '"7',
    '7"',
    '"7" "8"',
    '"7 "',
    '*, "7"',
    '"7", *',
    '**',
    'w/"7"',
  ])('%j is refused by name, before the store is asked', async (value) => {
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      const reply = await ask(method, 'missing', [name, value]);
      expect(reply.status).toBe(400);
      if (method === 'HEAD') continue;
      expect(JSON.parse(reply.body)).toMatchObject({ code: 'BAD_REQUEST', parameter: name });
    }
  });
});

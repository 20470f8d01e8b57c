// Over bare sockets: wrong requests get the right status and a problem document, and change nothing.
import { describe, expect, test } from 'vitest';
import { openApp, testLimits } from '../../support/http/open-app.ts';
import { rawRequest, sendRaw, type RawReply } from '../../support/http/raw-request.ts';

const { keyBytesMax, valueBytesMax } = testLimits;
const there = 'app\nthere';
const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

function expectProblem(reply: RawReply, status: number, code: string): void {
  expect(reply.status).toBe(status);
  expect(reply.headers['content-type']).toBe('application/problem+json');
  expect(reply.headers['x-content-type-options']).toBe('nosniff');
  const problem: unknown = JSON.parse(reply.body);
  expect(problem).toMatchObject({
    code,
    status,
    outcome: 'not-applied',
    detail: expect.any(String),
  });
}

interface Request {
  readonly headers?: readonly string[];
  readonly body?: string;
}

async function openAppWithItem() {
  const opened = await openApp();
  await rawRequest(opened.port, 'PUT', '/unstorage/app/there', { body: 'v' });
  expect(opened.model.clientNames).toEqual([there]);
  return opened;
}

/** Asks a store with one item. Checks afterwards that the store still has just that item. */
async function ask(method: string, target: string, request: Request = {}): Promise<RawReply> {
  const { port, model } = await openAppWithItem();
  const before = [...model.entries];
  const reply = await rawRequest(port, method, target, request);
  expect([...model.entries]).toEqual(before);
  return reply;
}

test.each(['POST', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'])(
  '%s is answered 405 with the methods that are taken',
  async (method) => {
    for (const target of ['/unstorage/app/there', '/unstorage/app/', '/unstorage/app/:']) {
      const reply = await ask(method, target, { body: 'x' });
      expectProblem(reply, 405, 'METHOD_NOT_ALLOWED');
      expect(reply.headers['allow']).toBe('DELETE, GET, HEAD, PUT');
    }
  },
);

describe('a path that names no namespace is refused by every method', () => {
  test.each([
    '/unstorage/',
    '/unstorage//',
    '/unstorage//there',
    '/unstorage/../v1/keys/there',
    '/unstorage/.app/there',
    '/unstorage/~access/rule',
    '/unstorage/%7Eaccess/rule',
    '/unstorage/a%20b/there',
    '/unstorage/caf%C3%A9/there',
    '/unstorage/%61pp%00/there',
    `/unstorage/${'n'.repeat(65)}/there`,
  ])('%s', async (target) => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expectProblem(await ask(method, target, { body: 'x' }), 400, 'NAMESPACE_INVALID');
    }
    expect((await ask('HEAD', target)).status).toBe(400);
  });
});

describe('a path that names no item is refused by every method', () => {
  test.each([
    ['/unstorage/app'],
    ['/unstorage/app/%'],
    ['/unstorage/app/%4'],
    ['/unstorage/app/%zz'],
    ['/unstorage/app/%FF'],
    ['/unstorage/app/%C0%80'],
    ['/unstorage/app/%ED%A0%80'],
    ['/unstorage/app/%ED%A0%80:'],
    ['/unstorage/app/.'],
    ['/unstorage/app/..'],
    ['/unstorage/app/../'],
    ['/unstorage/app/%2e%2E/:'],
    ['/unstorage/app/a/../there'],
    ['/unstorage/app/a%2F..%2Fthere'],
    ['/unstorage/app/a%5C..%5Cthere'],
    ['/unstorage/app/a:..:there'],
    ['/unstorage/%FF/there'],
    [`/unstorage/app/${'k'.repeat(keyBytesMax + 1)}`],
    [`/unstorage/app/${'%C3%BC'.repeat(keyBytesMax / 2 + 1)}`],
    [`/unstorage/app/${'k:'.repeat(keyBytesMax)}`],
  ])('%s', async (target) => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expectProblem(await ask(method, target, { body: 'x' }), 400, 'KEY_INVALID');
    }
    const head = await ask('HEAD', target);
    expect([head.status, head.body]).toEqual([400, '']);
  });

  test.each(['/unstorage/app/there#x', '/unstorage/app/#', '/unstorage#'])(
    'nor has it a fragment: %s',
    async (target) => {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        expectProblem(await ask(method, target, { body: 'x' }), 400, 'BAD_REQUEST');
      }
    },
  );

  test.each([
    '/unstorage',
    '//unstorage/app/there',
    '/Unstorage/app/there',
    '/unstoragex/app/there',
  ])('nor is it of this protocol: %s', async (target) => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expectProblem(await ask(method, target, { body: 'x' }), 404, 'ROUTE_NOT_FOUND');
    }
  });
});

test.each(['/unstorage/a%20b/k', '/unstorage/', `/unstorage/${'n'.repeat(65)}/k`])(
  'the error names the namespace as the fault of %s',
  async (target) => {
    const { body } = await ask('PUT', target, { body: 'x' });
    expect(JSON.parse(body)).toMatchObject({ code: 'NAMESPACE_INVALID', parameter: 'namespace' });
  },
);

test('the error for a path without a namespace or a key gives the form of the path', async () => {
  for (const [target, detail] of [
    ['/unstorage/', 'The path names no namespace; its form is /unstorage/{namespace}/{key}.'],
    ['/unstorage//k', 'The path names no namespace; its form is /unstorage/{namespace}/{key}.'],
    [
      '/unstorage/there',
      'The path names no namespace or no key; its form is /unstorage/{namespace}/{key}.',
    ],
  ] as const) {
    const { body } = await ask('PUT', target, { body: 'x' });
    expect(JSON.parse(body)).toMatchObject({ status: 400, detail });
  }
});

test('a path that ends like a base is never written to', async () => {
  for (const end of ['/', '//', ':', '::', '/:', '%2F', '%3A']) {
    const target = `/unstorage/app/there${end}`;
    expectProblem(await ask('PUT', target, { body: 'x' }), 400, 'KEY_INVALID');
    expect(await ask('HEAD', target)).toMatchObject({ status: 400, body: '' });
  }
});

test('a base that no key can lie below is empty, and deleting below it deletes nothing', async () => {
  for (const base of ['there/', `${'k'.repeat(keyBytesMax)}/`, 'ther:', '%00/']) {
    expect(await ask('GET', `/unstorage/app/${base}`)).toMatchObject({ status: 200, body: '[]' });
    expect((await ask('DELETE', `/unstorage/app/${base}`)).status).toBe(200);
  }
});

describe('ordinary keys, however odd', () => {
  test.each([
    ['/there', 'there'],
    ['//there', 'there'],
    ['a//b', 'a:b'],
    ['a:::b', 'a:b'],
    ['a%5Cb', 'a:b'],
    ['...', '...'],
    ['%00', '\0'],
    ['__proto__', '__proto__'],
    ['a$', 'a$'],
    ['%2525', '%25'],
    ['a+b', 'a+b'],
    ['%F0%9F%90%9F', utf8('🐟')],
    ['k'.repeat(keyBytesMax), 'k'.repeat(keyBytesMax)],
  ])('%s is %j', async (target, key) => {
    const { port, model } = await openApp();
    expect((await rawRequest(port, 'PUT', `/unstorage/app/${target}`, { body: 'x' })).status).toBe(
      200,
    );
    expect(model.clientNames).toEqual([`app\n${key}`]);
    expect((await rawRequest(port, 'GET', `/unstorage/app/${target}`)).body).toBe('x');
    expect((await rawRequest(port, 'DELETE', `/unstorage/app/${target}`)).status).toBe(200);
    expect(model.clientNames).toEqual([]);
  });
});

describe('a PUT with headers that are wrong is refused', () => {
  test.each(['', '0', '-1', '+1', '1.', '.5', '1e3', 'NaN', '1s', '1, 2', '-Infinity'])(
    'x-ttl: %s',
    async (ttl) => {
      const request = { headers: [`x-ttl: ${ttl}`], body: 'x' };
      expectProblem(await ask('PUT', '/unstorage/app/there', request), 400, 'BAD_REQUEST');
    },
  );

  test('two of x-ttl', async () => {
    const request = { headers: ['x-ttl: 1', 'x-ttl: 2'], body: 'x' };
    expectProblem(await ask('PUT', '/unstorage/app/there', request), 400, 'BAD_REQUEST');
  });

  test.each(['gzip', 'br', 'identity, gzip', ''])('Content-Encoding: %s', async (coding) => {
    const request = { headers: [`Content-Encoding: ${coding}`], body: 'x' };
    const reply = await ask('PUT', '/unstorage/app/there', request);
    expectProblem(reply, 415, 'ENCODING_UNSUPPORTED');
    expect(reply.headers['accept-encoding']).toBe('identity');
  });

  test('no Host, or two', async () => {
    const { port, model } = await openAppWithItem();
    const before = [...model.entries];
    const put = 'PUT /unstorage/app/there HTTP/1.1\r\n';
    const rest = 'Content-Length: 1\r\n\r\nx';
    expectProblem(await sendRaw(port, `${put}${rest}`), 403, 'FORBIDDEN_ORIGIN');
    const twice = 'Host: localhost\r\nHost: localhost\r\n';
    expectProblem(await sendRaw(port, `${put}${twice}${rest}`), 400, 'BAD_REQUEST');
    expect([...model.entries]).toEqual(before);
  });
});

test('a value that is too large is refused, whether or not its length is announced', async () => {
  const body = 'v'.repeat(valueBytesMax + 1);
  const target = '/unstorage/app/there';
  expectProblem(await ask('PUT', target, { body }), 413, 'VALUE_TOO_LARGE');
  const { port, model } = await openAppWithItem();
  const before = [...model.entries];
  const head = `PUT ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked`;
  const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  expectProblem(await sendRaw(port, `${head}\r\n\r\n${chunk}`), 413, 'VALUE_TOO_LARGE');
  expect([...model.entries]).toEqual(before);
});

test('a value is stored whatever its type says, and need not be JSON', async () => {
  const { port, model } = await openApp();
  for (const type of ['application/json', 'nonsense', 'text/html']) {
    const request = { headers: [`Content-Type: ${type}`], body: '{"a":\u{ff}' };
    expect((await rawRequest(port, 'PUT', '/unstorage/app/k', request)).status).toBe(200);
    expect(Buffer.from(model.entries.get('app\nk')?.value ?? '').toString('latin1')).toBe(
      '{"a":\u{ff}',
    );
  }
});

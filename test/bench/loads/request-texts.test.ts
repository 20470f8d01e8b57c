// Finished requests have a whole head, a token if one is needed, and fit into the memory for them.
import { expect, test } from 'vitest';
import { requestText, requestTextsFile, textsFor } from '../../../bench/loads/request-texts.ts';
import { restDialect, templatesFor } from '../../../bench/rows/request-template.ts';
import type { Work } from '../../../bench/rows/row.ts';

const planOf = (work: Work, valueBytes = 100) =>
  ({
    url: 'http://127.0.0.1:7411',
    templates: templatesFor(restDialect, work) ?? [],
    conditions: { keys: 1000, draw: 'uniform', valueBytes, connections: 16 },
    seconds: 1,
    seed: 7,
  }) as const;

/** Reads the file as the script of wrk does. */
function textsIn(file: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < file.length;) {
    const length = Number(file.toString('latin1', at, at + 8));
    texts.push(file.toString('latin1', at + 8, at + 8 + length));
    at += 8 + length;
  }
  return texts;
}

test('a request has its head, the token, and the length of its body', () => {
  const put = {
    method: 'PUT',
    path: '/a',
    headers: { 'content-type': 'b/c' },
    body: 'xyz',
  } as const;
  expect(requestText(put, '127.0.0.1:1', 'secret')).toBe(
    'PUT /a HTTP/1.1\r\nhost: 127.0.0.1:1\r\nauthorization: Bearer secret\r\n' +
      'content-type: b/c\r\ncontent-length: 3\r\n\r\nxyz',
  );
  const get = { method: 'GET', path: '/a' } as const;
  expect(requestText(get, '127.0.0.1:1', undefined)).toBe(
    'GET /a HTTP/1.1\r\nhost: 127.0.0.1:1\r\n\r\n',
  );
});

test('a file has a hundred thousand requests, each behind its length', () => {
  const texts = textsIn(requestTextsFile(planOf('get')));
  expect(texts).toHaveLength(100_000);
  expect(new Set(texts).size).toBe(1000);
  const others = texts.filter((text) => !/^GET \/v1\/keys\/key-00000\d{3} HTTP/.test(text));
  expect(others).toEqual([]);
});

test('large requests are fewer, so that they fit into memory', () => {
  const plan = planOf('put', 64 * 1024);
  expect(textsFor(plan)).toBeGreaterThan(400);
  expect(requestTextsFile(plan).length).toBeLessThanOrEqual(32 * 1024 * 1024);
});

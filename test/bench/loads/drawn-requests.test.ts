// Templates become whole requests: keys, values, Base64, and pipelines of distinct keys.
import { expect, test } from 'vitest';
import { drawnRequests, requestFor } from '../../../bench/loads/drawn-requests.ts';
import { restDialect, templatesFor } from '../../../bench/rows/request-template.ts';
import { rows } from '../../../bench/rows/rows.ts';
import { seededValue } from '../../../bench/rows/values.ts';
import { randomStream } from '../../../bench/workload.ts';

const conditions = { keys: 100_000, draw: 'uniform', valueBytes: 100, connections: 16 } as const;

test('a put has the value of its key and its round', () => {
  expect(requestFor(restDialect.put, conditions, 3, 42)).toEqual({
    method: 'PUT',
    path: '/v1/keys/key-00000042',
    body: seededValue(42, 3, 100),
  });
});

test('keys and values are written in Base64 if the template says so', () => {
  const template = { method: 'POST', path: '/', body: '$key64 $value64' } as const;
  const [key = '', value = ''] = (requestFor(template, conditions, 0, 5).body ?? '').split(' ');
  expect(Buffer.from(key, 'base64').toString()).toBe('key-00000005');
  expect(Buffer.from(value, 'base64').toString()).toBe(seededValue(5, 0, 100));
});

test.each(rows.filter(({ work }) => typeof work === 'object' && 'length' in work))(
  'the commands of a request of $name have keys that all differ',
  (row) => {
    const [first] = templatesFor(restDialect, row.work) ?? [];
    if (first === undefined) throw new Error('the work has no requests');
    for (const index of [0, 1, row.keys - 1]) {
      const { body = '' } = requestFor(first.template, row, 1, index);
      const commands: string[][] = JSON.parse(body);
      expect(commands).toHaveLength(100);
      expect(new Set(commands.map(([, key]) => key)).size).toBe(100);
    }
  },
);

test('a mix has the share of GETs that it names', () => {
  const templates = templatesFor(restDialect, { getPercent: 95 }) ?? [];
  const random = randomStream(1);
  const plan = { url: '', templates, conditions, seconds: 1, seed: 1 };
  const requests = drawnRequests(plan, () => 1, random, 10_000);
  const gets = requests.filter(({ method }) => method === 'GET').length;
  expect(gets).toBeGreaterThan(9400);
  expect(gets).toBeLessThan(9600);
});

test('a dialect without pipelines has no requests for them', () => {
  const { pipeline: _pipeline, ...plain } = restDialect;
  expect(templatesFor(plain, { command: 'get', length: 100 })).toBeUndefined();
});

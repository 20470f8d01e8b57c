// Templates become whole requests: keys, values, Base64, and pipelines of distinct keys.
import { expect, test } from 'vitest';
import { drawnRequests, requestFor } from '../../../bench/loads/drawn-requests.ts';
import { restDialect, templatesFor } from '../../../bench/rows/request-template.ts';
import { operationsIn } from '../../../bench/rows/row.ts';
import { rows } from '../../../bench/rows/rows.ts';
import { seededValue } from '../../../bench/rows/values.ts';
import { otherIndex } from '../../../bench/rows/other-index.ts';
import { keyOf, randomStream } from '../../../bench/workload.ts';
import { shardOfKey } from '../../../src/store/slot.ts';

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
      expect(commands).toHaveLength(operationsIn(row.work));
      expect(new Set(commands.map(([, key]) => key)).size).toBe(commands.length);
    }
  },
);

test('a mix has the share of GETs that it names', () => {
  const templates = templatesFor(restDialect, { getPercent: 95, rest: 'put' }) ?? [];
  const random = randomStream(1);
  const plan = { url: '', templates, conditions, seconds: 1, seed: 1 };
  const requests = drawnRequests(plan, () => 1, random, 10_000);
  const gets = requests.filter(({ method }) => method === 'GET').length;
  expect(gets).toBeGreaterThan(9400);
  expect(gets).toBeLessThan(9600);
});

test('a transaction writes two keys, which no even number of shards has together', () => {
  const { transaction } = restDialect;
  if (transaction === undefined) throw new Error('there is no template');
  for (const index of [0, 1, 2, 99_999]) {
    const { body = '' } = requestFor(transaction, conditions, 3, index);
    const { operations }: { operations: { key: string; value: string }[] } = JSON.parse(body);
    const [first, second] = operations;
    expect(first).toMatchObject({ key: keyOf(index), value: seededValue(index, 3, 100) });
    const other = Number(second?.key.slice(4));
    expect(second?.value).toBe(seededValue(other, 3, 100));
    for (const shards of [2, 4, 8]) {
      expect(shardOfKey(keyOf(other), shards)).not.toBe(shardOfKey(keyOf(index), shards));
    }
  }
});

test('one key has none of another shard', () => {
  expect(() => otherIndex(0, 1)).toThrow('no key of 1 is of another shard than key-00000000');
});

test('a listing asks for the hundred keys around the drawn one', () => {
  const { list } = restDialect;
  if (list === undefined) throw new Error('there is no template');
  const { path } = requestFor(list, conditions, 0, 1234);
  expect(path).toBe('/v1/keys?prefix=key-000012&limit=100');
});

test('a dialect without pipelines has no requests for them', () => {
  const { pipeline: _pipeline, ...plain } = restDialect;
  expect(templatesFor(plain, { command: 'get', length: 100 })).toBeUndefined();
});

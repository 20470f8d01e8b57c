// No value and no token gets into the audit log, whatever a request looks like. Requests are random, each
// with marked secrets wherever a client may put one.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { openAuditedApp, type SentRequest } from '../../support/http/audited-app.ts';

/** Secrets begin with this, and keys never do. */
const mark = 'SECRET';

const key = fc.constantFrom('a', 'b', 'n', 'é', 'a/b');
const secret = fc.nat().map((number) => `${mark}${number}`);
const path = (text: string): string => encodeURIComponent(text);

const keyed = fc.tuple(key, key, secret);

const operation = keyed.chain(([one, , value]) =>
  fc.constantFrom<Record<string, unknown>>(
    { op: 'put', key: one, value },
    { op: 'put', key: one, valueBase64: Buffer.from(value).toString('base64') },
    { op: 'put', key: one, value, unknown: value },
    { op: 'get', key: one },
    { op: 'delete', key: one },
    { op: value, key: one },
  ),
);

const command = keyed.chain(([one, other, value]) =>
  fc.constantFrom<string[]>(
    ['SET', one, value],
    ['SET', one, value, 'EX', value],
    ['SETEX', one, '10', value],
    ['APPEND', one, value],
    ['GETSET', one, value],
    ['MSET', one, value, other, value],
    ['INCRBY', one, value],
    ['SETRANGE', one, '1', value],
    ['KEYS', value],
    [value, one],
    ['SET', one],
    ['GET', one],
    ['LCS', one, other],
    ['ECHO', value],
  ),
);

const request: fc.Arbitrary<SentRequest> = fc.oneof(
  keyed.map(([one, , value]): SentRequest => ['PUT', `/v1/keys/${path(one)}`, value]),
  keyed.map(([one, , value]): SentRequest => ['PUT', `/v1/keys/${path(one)}?ttl=${value}`, value]),
  keyed.map(([one]): SentRequest => ['GET', `/v1/keys/${path(one)}`]),
  keyed.map(([one, , value]): SentRequest => ['PUT', `/unstorage/app/${path(one)}`, value]),
  keyed.map(([one, , value]): SentRequest => [
    'GET',
    `/upstash/set/${path(one)}/${value}?_token=${value}`,
  ]),
  keyed.map(([one, , value]): SentRequest => [
    'POST',
    `/upstash/set/${path(one)}?EX=${value}`,
    value,
  ]),
  keyed.map(([, , value]): SentRequest => [
    'PUT',
    `/v1/admin/users/hf_0123456789ab_${value.padEnd(43, 'x')}`,
  ]),
  keyed.map(([, , value]): SentRequest => ['DELETE', `/v1/admin/users/ann/tokens/${value}`]),
  fc
    .array(operation, { maxLength: 3 })
    .map((operations): SentRequest => ['POST', '/v1/batch', JSON.stringify({ operations })]),
  fc
    .tuple(fc.array(operation, { maxLength: 3 }), keyed)
    .map(([operations, [one, , value]]): SentRequest => [
      'POST',
      '/v1/transactions',
      JSON.stringify({ checks: [{ key: one, value }], operations }),
    ]),
  command.map((words): SentRequest => ['POST', '/upstash', JSON.stringify(words)]),
  fc
    .array(command, { maxLength: 4 })
    .map((lines): SentRequest => ['POST', '/upstash/pipeline', JSON.stringify(lines)]),
  fc
    .array(command, { maxLength: 4 })
    .map((lines): SentRequest => ['POST', '/upstash/multi-exec', JSON.stringify(lines)]),
);

const headers = secret.chain((text) =>
  fc.constantFrom<Record<string, string>>(
    {},
    { 'idempotency-key': text },
    { 'if-match': `"${text}"` },
    { cookie: `session=${text}` },
    { authorization: `Bearer ${text}` },
    { authorization: `Basic ${text}` },
    { 'x-ttl': text },
    { 'x-forwarded-for': text },
  ),
);

test('random requests leave records without a secret', { timeout: 120_000 }, async () => {
  const { send, sendAsAdmin, records, folder, ann } = await openAuditedApp();
  await fc.assert(
    fc.asyncProperty(fc.boolean(), request, headers, async (isAdmin, sent, more) => {
      await (isAdmin ? sendAsAdmin : send)(sent, { 'holdfast-namespace': 'app', ...more });
    }),
    { numRuns: 1500 },
  );
  expect((await records()).length).toBeGreaterThan(500);
  expect(folder.text).not.toContain(mark);
  expect(folder.text).not.toContain(Buffer.from(mark).toString('base64').slice(0, 6));
  expect(folder.text).not.toContain(ann.token.slice(-20));
});

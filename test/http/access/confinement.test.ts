// A token that is bound to one namespace and some prefixes tries to get at all other keys: by any
// spelling of a key, by ranges and cursors, and by commands with keys on both sides of the border.
import { describe, expect, test, vi } from 'vitest';
import type { GrantDocument } from '../../../src/access/grant.ts';
import { bearer, closedAccess, fullToken } from '../../support/http/closed-access.ts';
import { makeNamespaces, openApp } from '../../support/http/open-app.ts';
import { makeToken } from '../../support/http/open-roles.ts';
import { rawRequest } from '../../support/http/raw-request.ts';
import { ModelStore } from '../../support/stores/model-store.ts';

/** Each key has a shard of its own: commands with several keys go other ways through the server. */
class SplitStore extends ModelStore {
  override areOnOneShard(keys: readonly string[] = []): boolean {
    return new Set(keys).size < 2;
  }
}

const stores = [
  ['all keys in one shard', () => new ModelStore()],
  ['each key in a shard of its own', () => new SplitStore()],
] as const;

const inside: readonly GrantDocument[] = [{ namespace: 'own', role: 'write', prefixes: ['in:'] }];

/** Values that no reply may show. */
const hidden = /of-out|of-foreign|out:|foreign/;

async function openConfined(grants = inside, model: ModelStore = new ModelStore()) {
  const clock = { wallMs: () => model.nowMs, monotonicMs: () => performance.now() };
  const limits = { keyBytesMax: 200 };
  const opened = await openApp({ store: model, clock, limits, access: closedAccess() });
  const { url, port, access } = opened;
  await makeNamespaces(access, 'own', 'foreign');
  for (const namespace of ['own', 'foreign']) {
    for (const key of ['in:a', 'in:b', 'out:a', 'out:b']) {
      const name = namespace === 'own' ? key.slice(0, -2) : namespace;
      void model.submit({ op: 'put', namespace, key, value: Buffer.from(`of-${name}`) });
    }
  }
  const { token } = await makeToken(access, 'ann', grants);
  const before = new Map(model.entries);
  /** Names that changed, but for those that the token may write. */
  const changedOutside = (): string[] =>
    [...new Set([...before.keys(), ...model.entries.keys()])]
      .filter((name) => before.get(name) !== model.entries.get(name))
      .filter((name) => !name.startsWith('own\nin:') && !name.startsWith('~'));
  const send = async (method: string, target: string, body?: string, of = token) => {
    const headers = [`Authorization: Bearer ${of}`];
    return await rawRequest(
      port,
      method,
      target,
      body === undefined ? { headers } : { headers, body },
    );
  };
  const run = async (...words: string[]): Promise<{ error?: string; result?: unknown }> => {
    const reply = await send('POST', '/upstash', JSON.stringify(words));
    return JSON.parse(reply.body) as { error?: string; result?: unknown };
  };
  return { ...opened, url, model, token, send, run, changedOutside, before };
}

const noKey = { error: 'NOPERM No permissions to access a key' };

describe('a spelling of a key', () => {
  /** As they stand in a path. The first of them are outside; some others are keys of their own inside. */
  const spellings = [
    'out:a', '%6fut:a', '%6Fut%3Aa', 'ou%74:a', 'IN:a', 'In:a', 'in', 'i', 'in;a', 'in%3Ba', '%20in:a',
    '+in:a', '%00in:a', '%0din:a', '/in:a', '//in:a', './in:a', '../own/in:a', '%2e%2e/in:a', '{in:}out:a',
    '{out:a}', '{out}in:a', '%7Bin:%7Dout:a', '%EF%BB%BFin:a', '%E2%80%8Bin:a', 'in%EF%BC%9Aa', 'i%CC%87n:a',
    '%D1%96n:a', 'in%CB%90a', 'in%C0%BAa', '%C0%AE%C0%AE/out:a', 'in%E0%80%BAa', '%ED%A0%80in:a', '%ffin:a',
    '%u0069n:a', '%69%6e%3aa%', '%', 'in:/../out:a', 'in:%2f..%2fout:a', 'in:%2e%2e%2fout:a', 'in:a%00out:a',
    'in:a%0aout:a', 'in:%5c..%5cout:a', 'in:{out:a}', 'in:?out:a', 'in:%3fout:a', 'in:%23out:a', 'in:%0d%0aout:a',
    '*', '%2A', 'in:*', 'own%0Aout:a', 'own%0Ain:a', 'foreign%0Ain:a', '../foreign/in:a', '..%2fforeign%2fin:a',
    'in:a/../../../ns/foreign/v1/keys/in:a', '%2e%2e%2f%2e%2e%2fns%2fforeign%2fv1%2fkeys%2fin:a',
  ]; // prettier-ignore

  test.each(spellings)('%s leads to no key outside', async (key) => {
    const { send, changedOutside } = await openConfined();
    const targets = [`/v1/keys/${key}`, `/unstorage/own/${key}`, `/upstash/getset/${key}/new`];
    for (const target of targets) {
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
        // oxlint-disable-next-line no-await-in-loop
        const reply = await send(method, target, 'new');
        expect(reply.body).not.toMatch(/of-out|of-foreign/);
        expect([200, 201, 204, 400, 403, 404, 405]).toContain(reply.status);
      }
    }
    expect(changedOutside()).toEqual([]);
  });

  test.each(spellings.slice(0, 28))('%s is no key inside', async (key) => {
    const { send, before, model } = await openConfined();
    for (const method of ['GET', 'PUT', 'DELETE']) {
      // oxlint-disable-next-line no-await-in-loop
      const reply = await send(method, `/v1/keys/${key}`, 'new');
      expect(reply.status).toBe(403);
    }
    expect([...model.entries]).toEqual([...before]);
  });
});

function cursorOf(body: string): string {
  return (JSON.parse(body) as { readonly cursor?: string }).cursor ?? '';
}

describe('a listing', () => {
  test.each([
    '', '?limit=1000', '?prefix=out:', '?prefix=o', '?prefix=', '?prefix=in:', '?start=%01', '?start=a&end=z',
    '?start=out:', '?start=out:a&end=out:b', '?end=out:b', '?reverse=true', '?order=desc', '?values=true',
    '?start=in:b&end=zzz', '?prefix=%F4%8F%BF%BF', '?prefix=in:&prefix=out:', '?prefix=out:%00',
  ])('with %s shows keys inside alone', async (query) => {
    const { send } = await openConfined();
    const reply = await send('GET', `/v1/keys${query}`);
    const text = reply.status === 200 ? reply.body : '';
    expect([200, 400]).toContain(reply.status);
    expect(text).not.toMatch(hidden);
  }); // prettier-ignore

  test('goes on behind no cursor to keys outside', async () => {
    const { send } = await openConfined();
    let behind = '';
    const cursors: string[] = [];
    for (let page = 0; page < 3; page++) {
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the last one ended
      const all = await send('GET', `/ns/own/v1/keys?limit=1${behind}`, undefined, fullToken);
      cursors.push(cursorOf(all.body));
      behind = `&cursor=${cursorOf(all.body)}`;
    }
    expect(cursors.every((each) => each !== '')).toBe(true);
    for (const each of cursors) {
      // oxlint-disable-next-line no-await-in-loop
      const reply = await send('GET', `/v1/keys?limit=1&cursor=${each}`);
      expect(reply.status).toBe(200);
      expect(reply.body).not.toMatch(hidden);
      // oxlint-disable-next-line no-await-in-loop
      const elsewhere = await send('GET', `/ns/foreign/v1/keys?limit=1&cursor=${each}`);
      expect(elsewhere.status).toBe(403);
    }
  });

  test('goes on behind no forged cursor', async () => {
    const { send } = await openConfined();
    const first = await send('GET', '/v1/keys?limit=1');
    const { cursor = '' } = JSON.parse(first.body) as { readonly cursor?: string };
    const bytes = Buffer.from(cursor, 'base64url');
    for (const position of ['\0', 'a', 'in:', 'oua', 'out:', 'out:a', 'z', '\u{10ffff}']) {
      const forged = Buffer.concat([bytes.subarray(0, 8), Buffer.from(position)]);
      // oxlint-disable-next-line no-await-in-loop
      const reply = await send('GET', `/v1/keys?limit=1&cursor=${forged.toString('base64url')}`);
      expect(reply.status).toBe(200);
      expect(reply.body).not.toMatch(hidden);
    }
  });

  test('of unstorage shows and clears keys inside alone, whatever its base', async () => {
    const { send, changedOutside, model } = await openConfined();
    for (const base of [':', 'o:', 'out:', 'out/', 'in/../:', '%2e%2e/:', 'in:', '/:', '::']) {
      // oxlint-disable-next-line no-await-in-loop
      const list = await send('GET', `/unstorage/own/${base}`);
      expect(list.body).not.toMatch(/of-out|out[:/]|foreign/);
      // oxlint-disable-next-line no-await-in-loop
      await send('DELETE', `/unstorage/own/${base}`);
    }
    expect(changedOutside()).toEqual([]);
    expect(model.clientNames.filter((name) => name.startsWith('own'))).toEqual([
      'own\nout:a',
      'own\nout:b',
    ]);
  });
});

describe.each(stores)('commands, %s', (_, makeStore) => {
  test.each([
    '*',
    'out:*',
    '[io]*',
    '??*',
    '?ut:*',
    '[^i]*',
    '\\o*',
    '*a',
    'o',
    'in:*',
    '[a-z]*:a',
  ])('KEYS and SCAN of %s show keys inside alone', async (pattern) => {
    const { run } = await openConfined(inside, makeStore());
    const found = JSON.stringify([
      await run('KEYS', pattern),
      await run('SCAN', '0', 'MATCH', pattern, 'COUNT', '1000'),
    ]);
    expect(found).not.toMatch(hidden);
  });

  test('SCAN goes on behind no cursor to keys outside', async () => {
    const { run, send } = await openConfined(inside, makeStore());
    let cursor = '0';
    const cursors: string[] = ['1', '18446744073709551615', '9007199254740993'];
    do {
      const body = JSON.stringify(['SCAN', cursor, 'COUNT', '1']);
      // oxlint-disable-next-line no-await-in-loop
      const reply = await send('POST', '/ns/own/upstash', body, fullToken);
      const { result } = JSON.parse(reply.body) as { result: [string, string[]] };
      [cursor] = result;
      cursors.push(cursor);
    } while (cursor !== '0');
    expect(cursors.length).toBeGreaterThan(5);
    for (const each of cursors) {
      // oxlint-disable-next-line no-await-in-loop
      expect(JSON.stringify(await run('SCAN', each, 'COUNT', '1000'))).not.toMatch(hidden);
    }
  });

  test('RANDOMKEY draws, and DBSIZE counts, keys inside alone', async () => {
    const { run } = await openConfined(inside, makeStore());
    const drawn = new Set<unknown>();
    for (let draw = 0; draw < 60; draw++) {
      // oxlint-disable-next-line no-await-in-loop
      drawn.add((await run('RANDOMKEY')).result);
    }
    expect(drawn).toEqual(new Set(['in:a', 'in:b']));
    expect(await run('DBSIZE')).toEqual({ result: 2 });
  });

  test.each([
    'GET out:a', 'GETDEL out:a', 'GETEX out:a', 'SET out:a 1', 'SET out:a 1 NX', 'SET out:a 1 GET', 'STRLEN out:a',
    'EXISTS out:a', 'EXISTS in:a out:a', 'EXISTS out:none', 'TYPE out:a', 'TTL out:none', 'TOUCH in:a out:a',
    'MGET in:a out:a', 'MGET out:none in:a', 'MSET in:a 1 out:a 1', 'MSET out:a 1 in:a 1', 'MSETNX in:c 1 out:c 1',
    'DEL in:a out:a', 'UNLINK out:a in:a', 'RENAME in:a out:a', 'RENAME out:a in:a', 'RENAMENX in:a out:c',
    'RENAMENX out:a in:c', 'COPY in:a out:a REPLACE', 'COPY out:a in:a REPLACE', 'COPY out:none in:a',
    'BITOP AND out:a in:a', 'BITOP AND in:a out:a', 'BITOP OR in:a in:b out:a', 'BITOP NOT in:a out:none',
    'LCS in:a out:a', 'LCS out:a in:a', 'LCS out:a out:b LEN', 'GET {in:}out:a', 'MGET in:a {in:a}', 'APPEND out:a 1',
    'SETRANGE out:a 0 1', 'GETRANGE out:a 0 -1', 'EXPIRE out:a 9', 'PERSIST out:a', 'INCR out:n', 'BITFIELD out:a GET u8 0',
  ])('%s gets at no key outside: alone, in a pipeline, in a transaction', async (text) => {
    const { run, send, model, before } = await openConfined(inside, makeStore());
    const words = text.split(' ');
    expect(await run(...words)).toEqual(noKey);
    const many = await send('POST', '/upstash/pipeline', JSON.stringify([['GET', 'in:a'], words]));
    expect(JSON.parse(many.body)).toEqual([{ result: 'of-in' }, noKey]);
    const all = JSON.stringify([['SET', 'in:a', 'new'], words]);
    const discarded = await send('POST', '/upstash/multi-exec', all);
    expect(discarded.status).toBe(400);
    expect(JSON.parse(discarded.body)).toEqual({
      error: `EXECABORT Transaction discarded because of previous errors. (command 2: ${noKey.error})`,
    });
    expect([...model.entries]).toEqual([...before]);
  }); // prettier-ignore

  test.each([
    ['COPY out:a in:c', { result: 1 }],
    ['BITOP AND in:c out:a', { result: 6 }],
    ['BITOP OR in:c in:a out:a', { result: 6 }],
    ['MGET in:a out:a', { result: ['of-in', 'of-out'] }],
    ['COPY in:a out:c', noKey],
    ['COPY out:a out:c', noKey],
    ['BITOP AND out:c out:a', noKey],
    ['BITOP AND out:a in:a out:a', noKey],
    ['RENAME out:a in:c', noKey],
    ['RENAME in:a out:c', noKey],
    ['GETEX out:a PERSIST', noKey],
    ['GETDEL out:a', noKey],
    ['SET out:a 1 GET', noKey],
    ['MSET in:a 1 out:a 1', noKey],
    ['BITFIELD out:a GET u8 0', noKey],
  ])('with a right to read all and to write some, %s gives %j', async (text, answer) => {
    const grants: readonly GrantDocument[] = [{ namespace: 'own', role: 'read' }, ...inside];
    const { run, send, changedOutside } = await openConfined(grants, makeStore());
    const words = text.split(' ');
    const many = await send('POST', '/upstash/multi-exec', JSON.stringify([['PING'], words]));
    expect(many.status).toBe('error' in answer ? 400 : 200);
    expect(await run(...words)).toEqual(
      text.startsWith('COPY out:a in:c') ? { result: 0 } : answer,
    );
    expect(changedOutside()).toEqual([]);
  });

  test('FLUSHDB and FLUSHALL are refused before any key is held', async () => {
    const grants: readonly GrantDocument[] = [
      { namespace: 'own', role: 'admin', prefixes: ['in:'] },
    ];
    const { run, model, before } = await openConfined(grants, makeStore());
    const transact = vi.spyOn(model, 'transact');
    for (const name of ['flushdb', 'flushall']) {
      const error = `NOPERM this user has no permissions to run the '${name}' command`;
      // oxlint-disable-next-line no-await-in-loop
      expect(await run(name.toUpperCase())).toEqual({ error });
    }
    expect(transact).not.toHaveBeenCalled();
    expect([...model.entries]).toEqual([...before]);
  });
});

const get = (key: string) => ({ op: 'get', key });
const put = (key: string) => ({ op: 'put', key, value: 'new' });

describe('a request with several keys', () => {
  test('in a batch: each item outside is refused, each on its own', async () => {
    const { send, changedOutside } = await openConfined();
    const operations = [get('in:a'), get('out:a'), get('out:none'), put('out:a'), put('in:b'), { op: 'delete', key: 'out:b' }]; // prettier-ignore
    const reply = await send('POST', '/v1/batch', JSON.stringify({ operations }));
    const { results } = JSON.parse(reply.body) as { results: { status: number }[] };
    expect(results.map(({ status }) => status)).toEqual([200, 403, 403, 403, 204, 403]);
    // Whether the key exists makes no difference.
    expect(results[1]).toEqual(results[2]);
    expect(changedOutside()).toEqual([]);
  });

  test('in a batch of reads alone, too', async () => {
    const { send } = await openConfined();
    const operations = [get('in:a'), get('out:a'), get('out:none')];
    const reply = await send('POST', '/v1/batch', JSON.stringify({ operations }));
    const { results } = JSON.parse(reply.body) as { results: { status: number }[] };
    expect(results.map(({ status }) => status)).toEqual([200, 403, 403]);
    expect(results[1]).toEqual(results[2]);
  });

  test.each([
    { operations: [put('in:a'), put('out:a')] },
    { operations: [put('in:a'), get('out:a')] },
    { operations: [put('in:a'), { op: 'delete', key: 'out:none' }] },
    { operations: [put('in:a'), { op: 'increment', key: 'out:n' }] },
    { checks: [{ key: 'out:a', exists: true }], operations: [put('in:a')] },
    { checks: [{ key: 'out:none', exists: true }], operations: [put('in:a')] },
    { checks: [{ key: 'out:a', value: 'of-out' }] },
    { checks: [{ key: 'out:a', version: 1 }], operations: [get('in:a')] },
    {
      checks: [{ key: 'in:a', exists: true }],
      operations: [get('in:a')],
      otherwise: [get('out:a')],
    },
    { checks: [{ key: 'in:a', exists: false }], operations: [], otherwise: [get('out:a')] },
  ])('in a transaction: none is carried out. %j', async (transaction) => {
    const { send, model, before } = await openConfined();
    const reply = await send('POST', '/v1/transactions', JSON.stringify(transaction));
    expect(reply.status).toBe(403);
    expect(JSON.parse(reply.body)).toMatchObject({ code: 'FORBIDDEN', outcome: 'not-applied' });
    expect([...model.entries]).toEqual([...before]);
  });
});

describe('whether a key exists', () => {
  const requests: readonly (readonly [string, string, string | undefined])[] = [
    ['GET', '/v1/keys/KEY', undefined],
    ['HEAD', '/v1/keys/KEY', undefined],
    ['PUT', '/v1/keys/KEY', 'v'],
    ['DELETE', '/v1/keys/KEY', undefined],
    ['POST', '/v1/batch', '{"operations":[{"op":"get","key":"KEY"}]}'],
    ['POST', '/v1/batch', '{"operations":[{"op":"put","key":"KEY","value":"v"}]}'],
    ['POST', '/v1/transactions', '{"checks":[{"key":"KEY","exists":true}]}'],
    ['POST', '/v1/transactions', '{"operations":[{"op":"put","key":"KEY","value":"v"}]}'],
    ['GET', '/unstorage/SPACE/KEY', undefined],
    ['HEAD', '/unstorage/SPACE/KEY', undefined],
    ['PUT', '/unstorage/SPACE/KEY', 'v'],
    ['DELETE', '/unstorage/SPACE/KEY', undefined],
    ['GET', '/upstash/get/KEY', undefined],
    ['POST', '/upstash', '["SET","KEY","v"]'],
    ['POST', '/upstash', '["EXISTS","in:a","KEY"]'],
    ['POST', '/upstash/pipeline', '[["EXISTS","KEY"],["GETDEL","KEY"],["MGET","in:a","KEY"]]'],
    ['POST', '/upstash/multi-exec', '[["EXISTS","KEY"]]'],
  ];

  /** Two entries of which one exists, or of which none is in a namespace that exists. */
  const pairs = [
    ['a key outside', ['own', 'out:a'], ['own', 'out:none']],
    ['a key of a foreign namespace', ['foreign', 'in:a'], ['foreign', 'in:none']],
    ['a foreign namespace', ['foreign', 'in:a'], ['nowhere', 'in:a']],
  ] as const;

  describe.each(pairs)('%s', (_, there, missing) => {
    test.each(requests)(
      'is told neither by the reply nor by the work: %s %s %s',
      async (method, target, body) => {
        const { port, model, token } = await openConfined();
        const looked: string[] = [];
        const lookUp = model.entries.get.bind(model.entries);
        vi.spyOn(model.entries, 'get').mockImplementation((name) => {
          if (!name.startsWith('~')) looked.push(name);
          return lookUp(name);
        });
        const seen = [];
        for (const [space, key] of [there, missing]) {
          const fill = (text: string) => text.replaceAll('KEY', key).replaceAll('SPACE', space);
          const scope = target.includes('SPACE') ? [] : [`Holdfast-Namespace: ${space}`];
          const headers = [`Authorization: Bearer ${token}`, ...scope];
          const init = body === undefined ? { headers } : { headers, body: fill(body) };
          // oxlint-disable-next-line no-await-in-loop
          const reply = await rawRequest(port, method, fill(target), init);
          const {
            date,
            'upstash-sync-token': sync,
            'holdfast-request-id': id,
            ...rest
          } = reply.headers;
          expect(date === '' || sync === '' || id === '').toBe(false);
          seen.push([reply.status, rest, reply.body]);
          expect(JSON.stringify(seen)).toMatch(/403|NOPERM/);
        }
        expect(seen[0]).toEqual(seen[1]);
        // No entry outside was looked up, so that no time tells of one.
        expect(looked.filter((name) => !name.startsWith('own\nin:'))).toEqual([]);
      },
    );
  });
});

test('a header of an ordinary request is enough for a stranger to learn nothing', async () => {
  const { url } = await openConfined();
  const texts = await Promise.all(
    ['/v1/keys/in:a', '/v1/keys/none', '/ns/own/v1/keys', '/ns/nowhere/v1/keys', '/v1/whoami'].map(
      async (target) => await (await fetch(url + target, { headers: bearer('a-stranger') })).text(),
    ),
  );
  expect(new Set(texts).size).toBe(1);
});

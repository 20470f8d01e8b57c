// Over the real store with several shards, which the tests close and open again.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contentAnswer, type Answer } from '../../../src/http/wire/answer.ts';
import {
  IdempotentRequests,
  keptAnswerBytesMax,
  type AtomicWork,
  type RequestIdentity,
} from '../../../src/http/idempotency/idempotent-requests.ts';
import { reshard } from '../../../src/tools/reshard.ts';
import { restoreBackup } from '../../../src/tools/restore.ts';
import { nodeFileSystem } from '../../../src/storage/node-file-system.ts';
import type { CommandStore } from '../../../src/store/store.ts';
import {
  makeTestFolder,
  openTestStore,
  type TestFolder,
} from '../../support/stores/embedded-store.ts';
import { ManualClock } from '../../support/simulated/manual-clock.ts';
import { get, put, textOf } from '../../support/stores/operations.ts';
import { storeOfAnyone } from '../../support/stores/store-of-anyone.ts';
import type { AuthorizedStore } from '../../../src/http/access/authorized-store.ts';

const namespace = 'default';
const windowMs = 60_000;

let folder: TestFolder;
let clock: ManualClock;
let store: CommandStore;
let own: AuthorizedStore;
let requests: IdempotentRequests;

async function open(shards = 2, recordsMax = 5): Promise<void> {
  store = await openTestStore(folder.path, { shards, clock });
  own = await storeOfAnyone(store);
  requests = new IdempotentRequests({ store, windowMs, recordsMax, wallMs: () => clock.wallMs() });
  await requests.load();
}

async function reopen(shards?: number): Promise<void> {
  await store.close();
  await open(shards);
}

beforeEach(async () => {
  folder = await makeTestFolder();
  clock = new ManualClock();
  await open();
});
afterEach(async () => {
  await store.close();
  await folder.remove();
});

function identity(key: string, body = 'body', path = '/path'): RequestIdentity {
  return { userId: '', namespace, key, method: 'POST', path, rest: [body] };
}

function by(userId: string, key: string): RequestIdentity {
  return { ...identity(key), userId };
}

/** Adds one to every key, and answers with the new numbers. */
function increment(...keys: string[]): AtomicWork {
  return {
    names: keys.map((key) => ({ namespace, key })),
    plan: ({ entries }) => {
      const values = entries.map(
        (entry) => `${Number(textOf(entry ?? { kind: 'missing' }) ?? 0) + 1}`,
      );
      return {
        changes: values.map((value) => ({ value: Buffer.from(value), expiresAt: undefined })),
        answer: () => contentAnswer(201, 'text/plain', values.join()),
      };
    },
  };
}

function shown({ status, headers, body }: Answer): unknown[] {
  return [status, body.toString(), headers['idempotent-replayed'] ?? 'first'];
}

async function valueOf(key: string): Promise<string | undefined> {
  return textOf(await store.submit(get(key)));
}

const several = ['a', 'b', 'c', 'd', 'e'];

describe('a request that comes again with its key', () => {
  test.each([[['a']], [several]])('is answered as before, for %j', async (keys) => {
    expect(shown(await requests.run(own, identity('1'), increment(...keys)))).toEqual([
      201,
      keys.map(() => '1').join(),
      'first',
    ]);
    const again = await requests.run(own, identity('1'), increment(...keys));
    expect(shown(again)).toEqual([201, keys.map(() => '1').join(), 'true']);
    for (const key of keys) expect(await valueOf(key)).toBe('1');
  });

  test('is, behind a restart', async () => {
    await requests.run(own, identity('1'), increment(...several));
    await requests.run(own, identity('2'), increment('z'));
    await reopen();
    expect(requests.records.count).toBe(2);
    expect(shown(await requests.run(own, identity('1'), increment(...several)))).toEqual([
      201,
      '1,1,1,1,1',
      'true',
    ]);
    expect(shown(await requests.run(own, identity('2'), increment('z')))).toEqual([
      201,
      '1',
      'true',
    ]);
  });

  test.each([1, 3, 5])('is, with %i shards instead of 2', async (shards) => {
    for (const key of several) {
      // oxlint-disable-next-line no-await-in-loop
      await requests.run(own, identity(key), increment(key));
    }
    await store.close();
    reshard(nodeFileSystem, folder.path, shards);
    await open(shards);
    for (const key of several) {
      // oxlint-disable-next-line no-await-in-loop
      const again = await requests.run(own, identity(key), increment(key));
      expect(shown(again)).toEqual([201, '1', 'true']);
    }
  });

  test('is, from a backup that was restored into another number of shards', async () => {
    await requests.run(own, identity('1'), increment(...several));
    const pieces: Uint8Array[] = [];
    for await (const piece of (await store.backup?.()) ?? []) pieces.push(piece);
    await requests.run(own, identity('2'), increment(...several));
    await store.close();
    await folder.remove();
    folder = await makeTestFolder();
    const kept = await makeTestFolder();
    const name = join(kept.path, 'backup');
    await writeFile(name, pieces);
    const file = nodeFileSystem.openReadOnly(name);
    const plan = { fileSystem: nodeFileSystem, dataDir: folder.path, store: 'restored', shards: 3 };
    restoreBackup({ file, name }, { ...plan, now: clock.wallMs() });
    file.close();
    await kept.remove();
    await open(3);
    const again = await requests.run(own, identity('1'), increment(...several));
    expect(shown(again)).toEqual([201, '1,1,1,1,1', 'true']);
    // The backup has nothing of a later request: neither its effect nor its record.
    const later = await requests.run(own, identity('2'), increment(...several));
    expect(shown(later)).toEqual([201, '2,2,2,2,2', 'first']);
  });

  test('is carried out again when the window has passed', async () => {
    await requests.run(own, identity('1'), increment('a'));
    clock.advance(windowMs - 1);
    expect(shown(await requests.run(own, identity('1'), increment('a')))).toEqual([
      201,
      '1',
      'true',
    ]);
    clock.advance(1);
    expect(shown(await requests.run(own, identity('1'), increment('a')))).toEqual([
      201,
      '2',
      'first',
    ]);
  });

  test('is not taken for one of another path', async () => {
    await requests.run(own, identity('1'), increment('a'));
    const other = await requests.run(own, identity('1', 'body', '/other'), increment('a'));
    expect(shown(other)).toEqual([201, '2', 'first']);
  });
});

describe('the record', () => {
  test("is in the shard of the request's changes, and so in one line with them", async () => {
    await requests.run(own, identity('1'), increment('a'));
    const { items } = await store.list({
      namespace: '~kept.default',
      prefix: '',
      start: undefined,
      end: undefined,
      after: undefined,
      limit: 10,
      reverse: false,
      includeValues: true,
    });
    expect(items).toHaveLength(1);
    expect(store.areOnOneShard([items[0]?.key ?? '', 'a'])).toBe(true);
    expect(items[0]?.expiresAt).toBe(clock.wallMs() + windowMs);
  });

  test('is not seen by any count or listing of the namespace that it is about', async () => {
    await requests.run(own, identity('1'), increment('a'));
    expect(await store.count(namespace)).toBe(1);
  });

  test('goes before its time only if there are too many, the oldest first', async () => {
    for (let n = 0; n < 7; n++) {
      // oxlint-disable-next-line no-await-in-loop
      await requests.run(own, identity(String(n)), increment(`k${n}`));
      clock.advance(1);
    }
    expect(requests.records).toMatchObject({ count: 5, evicted: 2 });
    expect(await store.count('~kept.default')).toBe(5);
    expect(shown(await requests.run(own, identity('6'), increment('k6')))).toEqual([
      201,
      '1',
      'true',
    ]);
    expect(shown(await requests.run(own, identity('0'), increment('k0')))).toEqual([
      201,
      '2',
      'first',
    ]);
    await reopen();
    expect(requests.records).toMatchObject({ count: 5, evicted: 0 });
    expect(shown(await requests.run(own, identity('0'), increment('k0')))).toEqual([
      201,
      '2',
      'true',
    ]);
  });

  test('goes for newer ones of its own user alone', async () => {
    for (const user of ['ann', '', 'ben']) {
      // oxlint-disable-next-line no-await-in-loop
      await requests.run(own, by(user, 'first'), increment('a'));
    }
    for (let n = 0; n < 7; n++) {
      // oxlint-disable-next-line no-await-in-loop
      await requests.run(own, by('ann', String(n)), increment('a'));
    }
    expect(requests.records).toMatchObject({ count: 7, evicted: 3 });
    await reopen();
    expect(requests.records).toMatchObject({ count: 7, evicted: 0 });
    const kindOf = async (user: string) =>
      shown(await requests.run(own, by(user, 'first'), increment('a')))[2];
    expect([await kindOf('ben'), await kindOf(''), await kindOf('ann')]).toEqual([
      'true',
      'true',
      'first',
    ]);
  });

  test('that has expired goes, also if its user asks no more', async () => {
    await requests.run(own, by('ann', '1'), increment('a'));
    clock.advance(windowMs);
    await requests.run(own, identity('2'), increment('a'));
    await requests.run(own, identity('3'), increment('a'));
    expect(requests.records).toMatchObject({ count: 2, evicted: 0 });
  });

  test('that has expired does not count as one that went too early', async () => {
    for (let n = 0; n < 5; n++) {
      // oxlint-disable-next-line no-await-in-loop
      await requests.run(own, identity(String(n)), increment('a'));
    }
    clock.advance(windowMs);
    await requests.run(own, identity('5'), increment('a'));
    expect(requests.records).toMatchObject({ count: 1, evicted: 0 });
  });
});

describe('a key that came before', () => {
  test('with another request to the path is refused, and nothing happens', async () => {
    await requests.run(own, identity('1'), increment('a'));
    const other = requests.run(own, identity('1', 'another body'), increment('b'));
    await expect(other).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
      outcome: 'not-applied',
    });
    await reopen();
    const later = requests.run(own, identity('1', 'another body'), increment('b'));
    await expect(later).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await valueOf('b')).toBeUndefined();
  });

  test('and is still being carried out is refused, and to be tried again', async () => {
    const first = requests.run(own, identity('1'), increment('a'));
    const second = requests.run(own, identity('1'), increment('a'));
    const other = requests.run(own, identity('1', 'another body'), increment('a'));
    await expect(second).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_IN_FLIGHT',
      retryable: true,
      outcome: 'not-applied',
    });
    await expect(other).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(shown(await first)).toEqual([201, '1', 'first']);
    expect(shown(await requests.run(own, identity('1'), increment('a')))).toEqual([
      201,
      '1',
      'true',
    ]);
  });
});

const large = (bytes: number): AtomicWork => ({
  ...increment('a'),
  plan: (moment) => ({
    changes: increment('a').plan(moment).changes,
    answer: () => contentAnswer(200, 'text/plain', Buffer.alloc(bytes, 'x')),
  }),
});

describe('an answer that cannot be kept', () => {
  test('is refused before anything is carried out', async () => {
    const asked = requests.run(own, identity('1'), large(keptAnswerBytesMax + 1));
    await expect(asked).rejects.toMatchObject({
      code: 'REPLY_TOO_LARGE',
      limit: keptAnswerBytesMax,
      outcome: 'not-applied',
    });
    expect(await valueOf('a')).toBeUndefined();
    expect(requests.records.count).toBe(0);
  });

  test('of just the limit is kept', async () => {
    await requests.run(own, identity('1'), large(keptAnswerBytesMax));
    const { body, headers } = await requests.run(own, identity('1'), large(keptAnswerBytesMax));
    expect(body.length).toBe(keptAnswerBytesMax);
    expect(headers).toEqual({ 'content-type': 'text/plain', 'idempotent-replayed': 'true' });
  });
});

test('a request that is refused leaves nothing behind, and may come again', async () => {
  await store.submit(put('a', '5'));
  const work: AtomicWork = {
    ...increment('a'),
    plan: () => {
      throw new Error('a bug');
    },
  };
  await expect(requests.run(own, identity('1'), work)).rejects.toThrow('a bug');
  expect(requests.records.count).toBe(0);
  expect(shown(await requests.run(own, identity('1'), increment('a')))).toEqual([
    201,
    '6',
    'first',
  ]);
});

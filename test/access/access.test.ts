// Over the real store with several shards, which the tests close and open again.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openAccess, type Access } from '../../src/access/access.ts';
import type { GrantDocument } from '../../src/access/grant.ts';
import { namespaceDefaults } from '../../src/access/namespace-settings.ts';
import { nodeFileSystem } from '../../src/storage/node-file-system.ts';
import type { CommandStore } from '../../src/store/store.ts';
import { reshard } from '../../src/tools/reshard.ts';
import { admin, tokenRequest } from '../support/access/test-access.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';
import {
  makeTestFolder,
  openTestStore,
  type TestFolder,
} from '../support/stores/embedded-store.ts';

let folder: TestFolder;
let clock: ManualClock;
let store: CommandStore;
let access: Access;

async function open(shards = 4): Promise<void> {
  store = await openTestStore(folder.path, { shards, clock, fsync: 'never' });
  access = await openAccess({ store, nowMs: () => store.timestamp(), namespacesMax: 100 });
}

async function close(): Promise<void> {
  await access.close();
  await store.close();
}

beforeEach(async () => {
  folder = await makeTestFolder();
  clock = new ManualClock();
  await open();
});
afterEach(async () => {
  await close();
  await folder.remove();
});

async function make(name: string, grants: readonly GrantDocument[] = [admin]): Promise<string> {
  await access.administration.putUser(name, { isDisabled: false });
  return (await access.administration.createToken(name, tokenRequest(grants))).token;
}

const find = (token: string) => access.callers.find(token, access.nowMs);

function put(namespace: string, key: string): Promise<string> {
  return access.namespaces.makeBy(namespace, key, async (making) => {
    const names = [{ namespace, key }, ...(making === undefined ? [] : [making.name])];
    expect(store.areOnOneShard(names.map((name) => name.key))).toBe(true);
    const entry = { value: Buffer.from('1'), expiresAt: undefined };
    const plan = () => ({ output: undefined, changes: [entry, making?.put] });
    return (await store.transact(names, plan)).kind;
  });
}

describe('a store on disk', () => {
  test('that is new is open, and access has written nothing to it', async () => {
    expect(access.callers.isOpen).toBe(true);
    expect(await store.measure()).toEqual([]);
  });

  test('keeps users, tokens, their use and namespaces over a restart and a reshard', async () => {
    const root = await make('root');
    const ann = await make('ann', [{ namespace: 'app', role: 'read', prefixes: ['é/'] }]);
    for (const key of ['a', 'b', 'c', 'd', 'e'])
      expect(await put(`by-${key}`, key)).toBe('committed');
    await access.namespaces.put('app', { ...namespaceDefaults, bytesMax: 1000 });
    access.uses.note(find(ann)!, access.nowMs());
    const before = {
      users: access.administration.users(undefined, 10),
      tokens: access.administration.tokens('ann'),
      namespaces: await access.namespaces.views(undefined, 10, (name) => name !== 'default'),
    };
    expect(before.tokens).toMatchObject([{ lastUsedAt: clock.wallMs() }]);
    for (const shards of [4, 1, 7]) {
      // oxlint-disable-next-line no-await-in-loop -- one shard count after the other
      await close();
      if (shards !== 4) reshard(nodeFileSystem, folder.path, shards);
      clock.advance(1000);
      await open(shards);
      expect({
        users: access.administration.users(undefined, 10),
        tokens: access.administration.tokens('ann'),
        namespaces: await access.namespaces.views(undefined, 10, (name) => name !== 'default'),
      }).toEqual(before);
      expect(access.callers.isOpen).toBe(false);
      expect(find(root)?.rights.isServerAdmin).toBe(true);
      expect(find(ann)?.rights.in('app').mayRead('\u{c3}\u{a9}/1')).toBe(true);
      expect(await put('by-a', 'a')).toBe('committed');
    }
  });

  test('refuses an expired token although its clock was set back over a restart', async () => {
    await make('root');
    const request = tokenRequest([admin], { expiresAt: clock.wallMs() + 1000 });
    const { token } = await access.administration.createToken('root', request);
    expect(find(token)?.user).toBe('root');
    clock.advance(1000);
    await put('default', 'a write at the time of the expiry');
    expect(find(token)).toBeUndefined();
    await close();
    clock.jump(-1_000_000);
    await open();
    expect(find(token)).toBeUndefined();
  });

  test('drops a namespace of many shards, its grants and its record at one moment', async () => {
    const token = await make('root', [admin, { namespace: 'app', role: 'read' }]);
    const lost = await make('ann', [{ namespace: 'app', role: 'write' }]);
    for (let key = 0; key < 50; key++) await put('app', `${key}`);
    await put('other', 'a');
    await access.namespaces.drop('app');
    for (const isReopened of [false, true]) {
      if (isReopened) {
        await close();
        await open();
      }
      expect(await store.measure(['app', 'other'])).toMatchObject([{ keys: 0 }, { keys: 1 }]);
      expect(find(token)?.rights.grants).toHaveLength(1);
      expect(find(lost)).toBeUndefined();
      expect(access.namespaces.state('app')).toBe('absent');
    }
  });
});

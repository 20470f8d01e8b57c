// The stock `http` driver of unstorage, unchanged, over a socket.
import { createStorage, type Storage } from 'unstorage';
import httpDriver from 'unstorage/drivers/http';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Access } from '../../../src/access/access.ts';
import type { ModelStore } from '../../support/stores/model-store.ts';
import { makeNamespaces, openApp } from '../../support/http/open-app.ts';

let storage: Storage;
let model: ModelStore;
let url: string;
let access: Access;

beforeEach(async () => {
  ({ url, model, access } = await openApp());
  storage = createStorage({ driver: httpDriver({ base: `${url}/unstorage/app` }) });
});

describe('an item', () => {
  test('comes back as it was set, whatever its type', async () => {
    await storage.setItem('user:1', { name: 'Ann' });
    await storage.setItem('text', 'plain');
    await storage.setItem('number', 12);
    expect(await storage.getItem('user:1')).toEqual({ name: 'Ann' });
    expect(await storage.getItem('user/1')).toEqual({ name: 'Ann' });
    expect(await storage.getItem('text')).toBe('plain');
    expect(await storage.getItem('number')).toBe(12);
  });

  test('that is not there is null, and removing it is no error', async () => {
    expect(await storage.getItem('none')).toBeNull();
    expect(await storage.hasItem('none')).toBe(false);
    await storage.removeItem('none');
  });

  test('is there until it is removed', async () => {
    await storage.setItem('a', 'x');
    expect(await storage.hasItem('a')).toBe(true);
    await storage.removeItem('a');
    expect(await storage.hasItem('a')).toBe(false);
  });

  test('may be any bytes', async () => {
    const bytes = Buffer.from([0xff, 0x00, 0x0a]);
    await storage.setItemRaw('raw', bytes);
    const back = await storage.getItemRaw<ArrayBuffer>('raw');
    expect(Buffer.from(back ?? new ArrayBuffer(0))).toEqual(bytes);
  });

  test('may have any characters in its key', async () => {
    for (const key of ['é漢', 'a b', 'x%y', 'q?r', 'h#i', '{tag}', '__proto__']) {
      // oxlint-disable-next-line no-await-in-loop -- one key after the other
      await storage.setItem(key, key);
      // oxlint-disable-next-line no-await-in-loop
      expect(await storage.getItem(key)).toBe(key);
    }
  });

  test('expires after its ttl, which its meta tells', async () => {
    await storage.setItem('short', 'x', { ttl: 60 });
    expect(await storage.getMeta('short')).toMatchObject({ ttl: 60 });
    model.nowMs += 59_500;
    expect(await storage.getMeta('short')).toMatchObject({ ttl: 1 });
    model.nowMs += 500;
    expect(await storage.getItem('short')).toBeNull();
  });

  test('has the meta that was set beside it', async () => {
    await storage.setItem('a', 'x');
    await storage.setMeta('a', { owner: 'ann' });
    expect(await storage.getMeta('a')).toMatchObject({ owner: 'ann' });
  });
});

describe('keys', () => {
  test('are listed from the root and below a base', async () => {
    for (const key of ['u:a', 'u:b', 'v', 'ux']) {
      // oxlint-disable-next-line no-await-in-loop -- one key after the other
      await storage.setItem(key, 'x');
    }
    expect((await storage.getKeys()).toSorted()).toEqual(['u:a', 'u:b', 'ux', 'v']);
    expect((await storage.getKeys('u')).toSorted()).toEqual(['u:a', 'u:b']);
    expect(await storage.getKeys('none')).toEqual([]);
  });

  test('are many', async () => {
    await makeNamespaces(access, 'app');
    const many = Array.from({ length: 2500 }, (_, index) => `k${String(index).padStart(5, '0')}`);
    for (const key of many) {
      const value = Buffer.from('x');
      void model.submit({ op: 'put', namespace: 'app', key, value });
    }
    expect(await storage.getKeys()).toEqual(many);
  });

  test('of one namespace are not those of another', async () => {
    await storage.setItem('a', 'x');
    const driver = httpDriver({ base: `${url}/unstorage/other` });
    expect(await createStorage({ driver }).getKeys()).toEqual([]);
  });

  test('are cleared all together', async () => {
    await storage.setItem('a', 'x');
    await storage.setItem('b:c', 'x');
    await storage.clear();
    expect(await storage.getKeys()).toEqual([]);
  });

  test('are cleared below a base alone', async () => {
    await storage.setItem('a', 'x');
    await storage.setItem('b:c', 'x');
    await fetch(`${url}/unstorage/app/b/:`, { method: 'DELETE' });
    expect(await storage.getKeys()).toEqual(['a']);
  });
});

describe('a wrong request is refused', () => {
  test.each([
    ['GET', '/unstorage/app/', 200],
    ['GET', '/unstorage/app/a%2F..%2Fb', 400],
    ['GET', '/unstorage/app/.%2Fb', 400],
    ['GET', '/unstorage/app/%zz', 400],
    ['GET', '/unstorage/app', 400],
    ['GET', '/unstorage/a%20b/key', 400],
    ['PUT', '/unstorage/app/base/', 400],
    ['HEAD', '/unstorage/app/base:', 400],
    ['PATCH', '/unstorage/app/key', 405],
  ])('%s %s: %i', async (method, path, status) => {
    const reply = await fetch(`${url}${path}`, { method });
    expect(reply.status).toBe(status);
  });

  test.each(['0', '-1', 'abc', '1e3'])('x-ttl %s: 400', async (ttl) => {
    const headers = { 'x-ttl': ttl };
    const reply = await fetch(`${url}/unstorage/app/a`, { method: 'PUT', headers, body: 'x' });
    expect(reply.status).toBe(400);
    expect(model.entries.size).toBe(0);
  });
});

describe('with an Idempotency-Key', () => {
  const headers = { 'idempotency-key': '1' };

  async function ask(method: string, path: string, body?: string): Promise<unknown[]> {
    const reply = await fetch(`${url}/unstorage/app/${path}`, { method, headers, body });
    return [reply.status, await reply.text(), reply.headers.get('idempotent-replayed')];
  }

  test('an item is set once', async () => {
    expect(await ask('PUT', 'a', 'x')).toEqual([200, 'OK', null]);
    await storage.setItem('a', 'y');
    expect(await ask('PUT', 'a', 'x')).toEqual([200, 'OK', 'true']);
    expect(await storage.getItem('a')).toBe('y');
    expect((await ask('PUT', 'a', 'other'))[0]).toBe(422);
  });

  test('an item, and all below a base, are deleted once', async () => {
    const paths = ['a', 'b:c', 'b:d'];
    for (const path of ['a', 'b/:', 'none/:', ':']) {
      await Promise.all(paths.map((each) => storage.setItem(each, 'x')));
      expect(await ask('DELETE', path)).toEqual([200, 'OK', null]);
      const left = await storage.getKeys();
      await Promise.all(paths.map((each) => storage.setItem(each, 'x')));
      expect(await ask('DELETE', path)).toEqual([200, 'OK', 'true']);
      expect(await storage.getKeys()).toHaveLength(3);
      expect(left).toHaveLength({ a: 2, 'b/:': 1, 'none/:': 3, ':': 0 }[path] ?? NaN);
    }
  });
});

// Commands that look at all keys.
import * as fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { cursorBehind, keyOfCursor } from '../../src/commands/scan-cursor.ts';
import { CommandSession, type Plain } from '../support/stores/command-session.ts';

let session: CommandSession;
const type = (line: string) => session.type(line);

beforeEach(() => {
  session = new CommandSession();
});

/** Cursor and keys of a step. */
function step(reply: Plain): [cursor: string, keys: string[]] {
  if (!Array.isArray(reply)) throw new Error(`no step: ${String(reply)}`);
  return [reply[0] as string, reply[1] as string[]];
}

async function walk(options = '', between: () => Promise<unknown> = async () => undefined) {
  const seen: string[] = [];
  let cursor = '0';
  do {
    const [next, keys] = step(await type(`SCAN ${cursor}${options}`));
    seen.push(...keys);
    cursor = next;
    await between();
  } while (cursor !== '0');
  return seen;
}

describe('SCAN', () => {
  const names = Array.from({ length: 25 }, (_, i) => `k${String(i).padStart(2, '0')}`);

  beforeEach(async () => {
    for (const name of names) await type(`SET ${name} v`);
  });

  test('gives ten keys a step unless COUNT says otherwise', async () => {
    const [, keys] = step(await type('SCAN 0'));
    expect(keys).toHaveLength(10);
    expect(step(await type('SCAN 0 COUNT 100'))).toEqual(['0', names]);
  });

  test.each(['', ' COUNT 1', ' COUNT 7', ' MATCH k*', ' TYPE string'])(
    'walks every key exactly once:%s',
    async (options) => {
      expect(await walk(options)).toEqual(names);
    },
  );

  test('gives every key that exists throughout, while others come and go', async () => {
    let turn = 0;
    const seen = await walk(' COUNT 2', async () => {
      await type(`DEL k0${turn * 2 + 1}`);
      await type(`SET a${turn} v`);
      turn += 1;
    });
    const stayed = names.filter((name) => !/^k0[13579]$/.test(name));
    expect(seen.filter((name) => stayed.includes(name))).toEqual(stayed);
    expect(new Set(seen).size).toBe(seen.length);
  });

  test('looks with a literal prefix only at keys that begin with it', async () => {
    expect(step(await type('SCAN 0 MATCH k2* COUNT 5'))).toEqual(['0', names.slice(20)]);
    expect(await walk(' MATCH *4')).toEqual(['k04', 'k14', 'k24']);
  });

  test('for another type ends at once', async () => {
    expect(await type('SCAN 0 TYPE list')).toEqual(['0', []]);
  });

  test('leaves out expired keys', async () => {
    await type('PEXPIRE k00 5');
    session.now += 5;
    expect(await walk()).toEqual(names.slice(1));
  });

  test.each([
    ['x', 'invalid cursor'],
    ['1256', 'invalid cursor'],
    ['17', 'invalid cursor'],
    ['0 COUNT 0', 'syntax error'],
    ['0 COUNT x', 'value is not an integer or out of range'],
    ['0 MATCH', 'syntax error'],
    ['0 LIMIT 1', 'syntax error'],
  ])('%s is refused', async (args, message) => {
    expect(await type(`SCAN ${args}`)).toBe(`ERR ${message}`);
  });
});

test('a cursor is digits, never 0, and leads back to any key', () => {
  const keys = fc
    .uint8Array({ maxLength: 40 })
    .map((bytes) => Buffer.from(bytes).toString('latin1'));
  fc.assert(
    fc.property(keys, (key) => {
      const cursor = cursorBehind(key);
      expect(cursor).toMatch(/^[1-9]\d*$/);
      expect(keyOfCursor(cursor)).toBe(key);
    }),
  );
  expect(cursorBehind(undefined)).toBe('0');
  expect(keyOfCursor('0')).toBeUndefined();
});

test('KEYS walks in steps, and refuses to give too many', async () => {
  session = new CommandSession({ valueBytesMax: 10, keysReplyMax: 3 }, 2);
  await type('MSET a1 v a2 v b1 v');
  expect(await type('KEYS *')).toEqual(['a1', 'a2', 'b1']);
  expect(await type('KEYS ?1')).toEqual(['a1', 'b1']);
  expect(await type('KEYS a*')).toEqual(['a1', 'a2']);
  expect(await type('KEYS none')).toEqual([]);
  await type('SET c v');
  expect(await type('KEYS *')).toBe('ERR more than 3 keys match; use SCAN');
});

test('DBSIZE, RANDOMKEY and FLUSHDB', async () => {
  expect(await type('RANDOMKEY')).toBe(null);
  await type('MSET a 1 b 2');
  expect(await type('DBSIZE')).toBe(2);
  expect(['a', 'b']).toContain(await type('RANDOMKEY'));
  expect(await type('FLUSHDB NOW')).toBe('ERR syntax error');
  expect(await type('FLUSHDB ASYNC SYNC')).toBe('ERR syntax error');
  expect(await type('DBSIZE')).toBe(2);
  expect(await type('FLUSHDB ASYNC')).toBe('OK');
  expect(await type('DBSIZE')).toBe(0);
  expect(await type('FLUSHALL')).toBe('OK');
});

test('PING, ECHO and TIME', async () => {
  expect(await type('PING')).toBe('PONG');
  expect(await type('PING hi')).toBe('hi');
  expect(await type('PING a b')).toBe("ERR wrong number of arguments for 'ping' command");
  expect(await type('ECHO hi')).toBe('hi');
  session.now = 1_800_000_000_123;
  expect(await type('TIME')).toEqual(['1800000000', '123000']);
});

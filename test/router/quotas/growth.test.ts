// The commands must not write more than is reserved for them.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultCommandLimits, keysThatAreOnlyRead } from '../../../src/commands/command.ts';
import { isResolved, resolveCommand } from '../../../src/commands/resolve-command.ts';
import { runKeyed } from '../../../src/commands/run-command.ts';
import { growthBound } from '../../../src/router/quotas/growth.ts';

const valueBytesMax = 200;
const limits = { ...defaultCommandLimits, valueBytesMax };
const key = fc.constantFrom('a', 'b', 'long-key');
const text = fc.oneof(
  fc.string({ unit: 'binary-ascii', maxLength: 30 }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.constantFrom('1.5', '-3.25e10', '1e-17', '0'),
);
const small = fc.integer({ min: 0, max: 150 }).map(String);
const words = fc.oneof(
  fc.tuple(fc.constantFrom('del', 'unlink', 'getdel', 'persist', 'getex', 'incr', 'decr'), key),
  fc.tuple(fc.constantFrom('set', 'setnx', 'getset', 'append', 'incrbyfloat'), key, text),
  fc.tuple(fc.constantFrom('incrby', 'decrby'), key, text),
  fc.tuple(fc.constantFrom('setex', 'psetex'), key, fc.constant('100'), text),
  fc.tuple(fc.constant('getex'), key, fc.constant('PERSIST')),
  fc.tuple(fc.constantFrom('expire', 'pexpire', 'expireat', 'pexpireat'), key, small),
  fc.tuple(fc.constantFrom('mset', 'msetnx'), key, text, key, text),
  fc.tuple(fc.constant('setrange'), key, small, text),
  fc.tuple(fc.constant('setbit'), key, small, fc.constant('1')),
  fc.tuple(fc.constant('bitfield'), key, fc.constant('set'), fc.constant('u8'), small, small),
  fc.tuple(fc.constant('bitop'), fc.constant('or'), key, key, key),
  fc.tuple(fc.constantFrom('copy', 'rename', 'renamenx'), key, key),
);
const entry = fc.option(fc.record({ value: text }), { nil: undefined });

test('no command grows its keys by more than its bound', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(words, fc.record({ a: entry, b: entry, 'long-key': entry }), (line, standing) => {
      const found = resolveCommand([...line]);
      if (!isResolved(found) || found.command.kind !== 'keyed') throw new Error(line.join(' '));
      const { command, args, keys } = found;
      const entries = new Map(Object.entries(standing));
      const before = keys.map((one) => entries.get(one));
      const { changes } = runKeyed(command, { args, keys, entries: before, now: 1, limits });
      const sizeOf = (): { keys: number; bytes: number } => {
        const all = [...entries].filter(([, one]) => one !== undefined);
        const bytes = all.reduce(
          (sum, [name, one]) => sum + name.length + (one?.value.length ?? 0),
          0,
        );
        return { keys: all.length, bytes };
      };
      const old = sizeOf();
      for (const [index, change] of changes.entries()) {
        if (change !== undefined) seen.add(command.name);
        const name = keys[index] ?? '';
        if (change === 'delete') entries.set(name, undefined);
        else if (change !== undefined) entries.set(name, { value: change.put.value });
      }
      const grown = sizeOf();
      const bound = growthBound({
        op: 'command',
        namespace: 'default',
        key: keys[0] ?? '',
        name: command.name,
        access: command.access,
        args,
        keys,
        keysOnlyRead: keysThatAreOnlyRead(command, keys),
        valueBytesMax,
      });
      expect(grown.keys - old.keys).toBeLessThanOrEqual(bound.keys);
      expect(grown.bytes - old.bytes).toBeLessThanOrEqual(bound.bytes);
    }),
    { numRuns: 20_000 },
  );
  expect(seen.size).toBeGreaterThan(20);
});

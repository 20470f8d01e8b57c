// The table of commands keeps the promises that dialects and documentation rely on.
import { expect, test } from 'vitest';
import { commandTable } from '../../src/commands/command-table.ts';
import { isResolved, resolveCommand } from '../../src/commands/resolve-command.ts';

test('names are in lower case, and each comes once', () => {
  for (const [name, command] of commandTable) {
    expect(command.name).toBe(name);
    expect(name).toMatch(/^[a-z]+(?:_[a-z]+)?$/);
  }
  expect(commandTable.size).toBe(55);
});

test('summaries are one sentence', () => {
  for (const { summary } of commandTable.values()) expect(summary).toMatch(/^[A-Z-][^\n]*\.$/);
});

test('options are those of the syntax', () => {
  for (const { name, syntax, options = {} } of commandTable.values()) {
    const words = syntax.match(/\b[A-Z]{2,}\b/g) ?? [];
    const documented = Object.keys(options).map((option) => option.split(' ')[0]);
    expect([name, documented.toSorted()]).toEqual([name, [...words].toSorted()]);
    for (const option of Object.keys(options)) expect(syntax).toContain(option);
  }
});

test.each([
  ['get k', ['k'], 'read'],
  ['MSET a 1 b 2', ['a', 'b'], 'write'],
  ['mget a b a', ['a', 'b', 'a'], 'read'],
  ['bitop or d s t', ['d', 's', 't'], 'write'],
  ['bitfield k get u8 0', ['k'], 'write'],
  ['BITFIELD_RO k get u8 0', ['k'], 'read'],
  ['lcs a b len', ['a', 'b'], 'read'],
  ['copy a b replace', ['a', 'b'], 'write'],
  ['keys *', [], 'read'],
  ['flushall', [], 'write'],
  ['ping', [], 'none'],
])('%s has the keys %j and is judged as %s', (line, keys, access) => {
  const found = resolveCommand(line.split(' '));
  if (!isResolved(found)) throw new Error('not resolved');
  expect(found.keys).toEqual(keys);
  expect(found.command.access).toBe(access);
});

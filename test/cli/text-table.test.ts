import { expect, test } from 'vitest';
import { textTable } from '../../src/cli/text-table.ts';

test('columns are as wide as their widest cell, and no line ends with spaces', () => {
  const table = textTable([
    ['USER', 'STATE', 'NOTE'],
    ['ann', 'disabled', ''],
    ['benjamin', '', 'x'],
  ]);
  expect(table).toBe('USER      STATE     NOTE\nann       disabled\nbenjamin            x\n');
});

test('a cell cannot move the cursor, begin a line or turn the direction of writing', () => {
  const lines = textTable([['a\u001b[2Jb'], ['c\nd'], ['\u202ee']]).split('\n');
  expect(lines).toEqual([String.raw`a\u001b[2Jb`, String.raw`c\u000ad`, String.raw`\u202ee`, '']);
});

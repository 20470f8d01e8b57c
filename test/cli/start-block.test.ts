import { expect, test } from 'vitest';
import { startBlock } from '../../src/cli/start-block.ts';
import { defaultSettings } from '../../src/cli/load-settings.ts';

function tryLineOf(host: string, url: string, neededToken = false): string | undefined {
  const settings = { ...defaultSettings(), host };
  const lines = startBlock({ version: '0.0.0', url, port: 8000, neededToken, settings });
  return lines.split('\n').find((line) => line.startsWith('  try '));
}

const put = 'curl -i -X PUT --data-binary hello';

test('the line to try has the address of the server', () => {
  expect(tryLineOf('127.0.0.1', 'http://127.0.0.1:8000')).toBe(
    `  try    ${put} http://127.0.0.1:8000/v1/keys/greeting`,
  );
});

test.each([
  ['0.0.0.0', 'http://0.0.0.0:8000', 'http://127.0.0.1:8000'],
  ['::', 'http://[::]:8000', 'http://[::1]:8000'],
])('the line to try has an address that can be asked: %s', (host, url, asked) => {
  expect(tryLineOf(host, url)).toBe(`  try    ${put} ${asked}/v1/keys/greeting`);
});

test('the line to try carries a token if the server needs one', () => {
  expect(tryLineOf('127.0.0.1', 'http://127.0.0.1:8000', true)).toBe(
    `  try    ${put} -H "Authorization: Bearer $HOLDFAST_TOKEN" http://127.0.0.1:8000/v1/keys/greeting`,
  );
});

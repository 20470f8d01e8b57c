import { expect, test } from 'vitest';
import { newToken } from '../../src/cli/new-token.ts';
import { runToEnd } from '../support/processes/server-process.ts';

test('a token has 43 characters of base64url, from 32 random bytes', () => {
  const asked: number[] = [];
  const random = (bytes: number): Buffer => {
    asked.push(bytes);
    return Buffer.alloc(bytes, 0x41);
  };
  expect(newToken(random)).toBe(Buffer.alloc(32, 0x41).toString('base64url'));
  expect(asked).toEqual([32]);
});

test.each(['-', '_', 'hf_'])('no token begins with %s', (start) => {
  const taken = Buffer.from(start.padEnd(43, 'A'), 'base64url');
  const drawn = [taken, Buffer.alloc(32, 7)];
  expect(newToken(() => drawn.shift() ?? taken)).toBe(Buffer.alloc(32, 7).toString('base64url'));
  expect(drawn).toEqual([]);
});

test('the command prints the token as a member of an object with --json', async () => {
  for (const line of ['token new --json', 'token --json new']) {
    const { code, stdout } = await runToEnd(line.split(' '));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\{"token":"[\w-]{43}"\}\n$/);
  }
});

test('the command prints one token and nothing else, another one each time', async () => {
  const made = [await runToEnd(['token', 'new']), await runToEnd(['token', 'new'])];
  for (const { code, stdout, stderr } of made) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^[\w-]{43}\n$/);
  }
  expect(made[0]?.stdout).not.toBe(made[1]?.stdout);
});

// Names of hosts, as they stand in a Host header and in settings.
import { describe, expect, test } from 'vitest';
import { addressOfHost, isLoopbackName, parseHost } from '../../src/base/host-name.ts';

describe('a Host header', () => {
  test.each([
    ['localhost', { name: 'localhost', port: undefined }],
    ['LocalHost:7411', { name: 'localhost', port: '7411' }],
    ['localhost.:80', { name: 'localhost', port: '80' }],
    ['127.0.0.1:7411', { name: '127.0.0.1', port: '7411' }],
    ['[::1]:7411', { name: '[::1]', port: '7411' }],
    ['[::1]', { name: '[::1]', port: undefined }],
    ['kv.example', { name: 'kv.example', port: undefined }],
    ['localhost:', { name: 'localhost', port: undefined }],
  ])('%s has a name and perhaps a port', (text, expected) => {
    expect(parseHost(text)).toEqual(expected);
  });

  test.each([
    '',
    ':80',
    '.',
    'a b',
    'a:b',
    'a:80:90',
    '::1',
    'a@b',
    'a/b',
    'a?b',
    'a#b',
    'a:123456',
  ])('%j names no host', (text) => expect(parseHost(text)).toBeUndefined());
});

test.each(['localhost', 'a.localhost', 'a.b.localhost', '127.0.0.1', '127.255.255.254', '[::1]'])(
  '%s is of loopback',
  (name) => expect(isLoopbackName(name)).toBe(true),
);

test.each([
  'localhost.example', 'notlocalhost', '127.0.0.1.example', '127.0.0.256', '127.1', '128.0.0.1', '0.0.0.0',
  '[::]', '[::2]', '[::ffff:127.0.0.1]', '0x7f.0.0.1', '2130706433', '',
])('%j is not of loopback', (name) => expect(isLoopbackName(name)).toBe(false)); // prettier-ignore

test('the address of localhost is one alone, and every other host stays as it is', () => {
  expect(['localhost', '127.0.0.2', '::1', 'kv.example'].map(addressOfHost)).toEqual([
    '127.0.0.1',
    '127.0.0.2',
    '::1',
    'kv.example',
  ]);
});

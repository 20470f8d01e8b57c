import { describe, expect, test } from 'vitest';
import { commandOfPath } from '../../../src/http/upstash/command-of-path.ts';

const none = Buffer.alloc(0);

describe('a command in the path', () => {
  test('has a segment an argument, decoded after they are split', () => {
    expect(commandOfPath('set/a%2Fb/%C3%A9%FF/EX/100', '', none)).toEqual([
      'set',
      'a/b',
      '\u{c3}\u{a9}\u{ff}',
      'EX',
      '100',
    ]);
  });

  test('has an empty argument for each empty segment', () => {
    expect(commandOfPath('set/a/', '', none)).toEqual(['set', 'a', '']);
  });

  test('takes the body as an argument after the path, and then the query', () => {
    const body = Buffer.from([0x00, 0xff, 0x0a]);
    expect(commandOfPath('set/a', 'EX=100&NX&GET=', body)).toEqual([
      'set',
      'a',
      '\0\u{ff}\n',
      'EX',
      '100',
      'NX',
      'GET',
    ]);
  });

  test('takes plus for a space in the query alone', () => {
    expect(commandOfPath('echo/a+b', 'x+y=%2B', none)).toEqual(['echo', 'a+b', 'x y', '+']);
  });

  test.each(['get/%', 'get/%4', 'get/%zz'])('%s is refused', (path) => {
    expect(() => commandOfPath(path, '', none)).toThrow('percent-encoding');
  });
});

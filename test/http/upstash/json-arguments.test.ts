import { describe, expect, test } from 'vitest';
import { commandOfJson, commandsOfJson } from '../../../src/http/upstash/json-arguments.ts';

describe('one command', () => {
  test('has strings as bytes, and numbers and booleans as they are written', () => {
    const body = Buffer.from('["set","é",12,true,false,-0.5,"a\\"b"]');
    expect(commandOfJson(body)).toEqual([
      'set',
      Buffer.from('é').toString('latin1'),
      '12',
      'true',
      'false',
      '-0.5',
      'a"b',
    ]);
  });

  test('keeps the digits of numbers beyond 2^53', () => {
    const body = Buffer.from(
      '["x","1 \\" 2",9223372036854775807,7,-12345678901234567890,"3",1e400]',
    );
    expect(commandOfJson(body)).toEqual([
      'x',
      '1 " 2',
      '9223372036854775807',
      '7',
      '-12345678901234567890',
      '3',
      '1e400',
    ]);
  });

  test.each([
    ['{"a":1}', 'a list of arguments'],
    ['[]', 'must not be empty'],
    ['["get",null]', 'a string, a number or a boolean'],
    ['["get",["a"]]', 'a string, a number or a boolean'],
    ['["get","\\ud800"]', 'well-formed Unicode'],
    ['["get"', 'failed to parse'],
    ['', 'failed to parse'],
  ])('%s is refused', (body, message) => {
    expect(() => commandOfJson(Buffer.from(body))).toThrow(message);
  });

  test('more than a million arguments are refused before they are parsed', () => {
    const body = Buffer.from('['.repeat(1_000_001));
    expect(() => commandOfJson(body)).toThrow(expect.objectContaining({ status: 413 }));
  });

  test('keeps those digits beside a string of many megabytes', () => {
    const long = `${'x'.repeat(20_000_000)}${String.raw`\"`.repeat(1_000_000)}`;
    const [text, digits] = commandOfJson(Buffer.from(`["${long}",9223372036854775807]`));
    expect([text?.length, digits]).toEqual([21_000_000, '9223372036854775807']);
  });

  test('bytes that are not UTF-8 are refused', () => {
    expect(() => commandOfJson(Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]))).toThrow('UTF-8');
  });
});

describe('many commands', () => {
  test('come in order', () => {
    const body = Buffer.from('[["get","a"],["set","b",18446744073709551616]]');
    expect(commandsOfJson(body, 2)).toEqual([
      ['get', 'a'],
      ['set', 'b', '18446744073709551616'],
    ]);
  });

  test('may be none', () => {
    expect(commandsOfJson(Buffer.from('[]'), 2)).toEqual([]);
  });

  test('are refused past the limit', () => {
    const body = Buffer.from('[["ping"],["ping"],["ping"]]');
    expect(() => commandsOfJson(body, 2)).toThrow(expect.objectContaining({ status: 413 }));
  });

  test.each(['["get","a"]', '{}', '[["get"],[]]'])('%s is refused', (body) => {
    expect(() => commandsOfJson(Buffer.from(body), 10)).toThrow('ERR');
  });
});

import { describe, expect, test } from 'vitest';
import { byteStringOfText } from '../../src/base/byte-string.ts';
import { documentOfGrant, grantsOfJson } from '../../src/access/grant.ts';

const read = { namespace: 'app', role: 'read' };

function faultOf(json: unknown): unknown {
  try {
    return grantsOfJson(json);
  } catch (error) {
    return error;
  }
}

describe('grants', () => {
  test('come back as they were given, with prefixes as byte strings in between', () => {
    const documents = [
      { namespace: '*', role: 'admin' },
      { namespace: 'app', role: 'read', prefixes: ['user/', 'é漢😀', '\0', '"'] },
      { namespace: 'app', role: 'write', prefixes: ['user/ann/'] },
    ];
    const grants = grantsOfJson(documents);
    expect(grants[1]?.prefixes?.[1]).toBe(byteStringOfText('é漢😀'));
    expect(grants.map(documentOfGrant)).toEqual(documents);
  });

  test('may have as many, and prefixes as long, as the bounds say', () => {
    expect(grantsOfJson(Array.from({ length: 100 }, () => read))).toHaveLength(100);
    const prefixes = Array.from({ length: 100 }, (_, index) => `${index}/`);
    expect(grantsOfJson([{ ...read, prefixes }])[0]?.prefixes).toEqual(prefixes);
    expect(grantsOfJson([{ ...read, prefixes: ['é'.repeat(512)] }])[0]?.prefixes).toHaveLength(1);
    const full = Array.from({ length: 64 }, (_, index) => `${index}`.padEnd(1024, 'x'));
    expect(grantsOfJson([{ ...read, prefixes: full }])[0]?.prefixes).toHaveLength(64);
  });

  test.each([
    [undefined, 'grants'],
    [null, 'grants'],
    [{}, 'grants'],
    ['read', 'grants'],
    [[], 'grants'],
    [Array.from({ length: 101 }, () => read), 'grants'],
    [[null], 'grants[0]'],
    [[read, []], 'grants[1]'],
    [[{ ...read, key: 'a' }], 'key'],
    [[{ role: 'read' }], 'grants[0].namespace'],
    [[{ ...read, namespace: 5 }], 'grants[0].namespace'],
    [[{ ...read, namespace: '~access' }], 'grants[0].namespace'],
    [[{ ...read, namespace: '' }], 'grants[0].namespace'],
    [[{ ...read, namespace: '**' }], 'grants[0].namespace'],
    [[{ namespace: 'app' }], 'grants[0].role'],
    [[{ ...read, role: 'owner' }], 'grants[0].role'],
    [[{ ...read, role: 'Read' }], 'grants[0].role'],
    [[{ ...read, role: ['read'] }], 'grants[0].role'],
    [[{ ...read, prefixes: null }], 'grants[0].prefixes'],
    [[{ ...read, prefixes: [] }], 'grants[0].prefixes'],
    [[{ ...read, prefixes: 'user/' }], 'grants[0].prefixes'],
    [[{ ...read, prefixes: Array.from({ length: 101 }, () => 'a') }], 'grants[0].prefixes'],
    [[{ ...read, prefixes: [''] }], 'grants[0].prefixes[0]'],
    [[{ ...read, prefixes: ['a', ''] }], 'grants[0].prefixes[1]'],
    [[{ ...read, prefixes: [5] }], 'grants[0].prefixes[0]'],
    [[{ ...read, prefixes: ['\ud800'] }], 'grants[0].prefixes[0]'],
    [[{ ...read, prefixes: ['x'.repeat(1025)] }], 'grants[0].prefixes[0]'],
    [[{ ...read, prefixes: ['é'.repeat(513)] }], 'grants[0].prefixes[0]'],
  ])('%j are refused, and the error names the fault', (json, parameter) => {
    expect(faultOf(json)).toMatchObject({ name: 'StoreError', parameter, outcome: 'not-applied' });
  });

  test('with too many bytes of prefixes together are refused with the limit', () => {
    const prefixes = Array.from({ length: 33 }, () => 'x'.repeat(1024));
    const grants = [
      { ...read, prefixes },
      { ...read, prefixes },
    ];
    expect(faultOf(grants)).toMatchObject({ code: 'BAD_REQUEST', limit: 65_536 });
  });
});

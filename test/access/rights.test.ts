// Grants against a plain reading of what they say.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Grant, Role } from '../../src/access/grant.ts';
import type { GrantedKeys } from '../../src/access/key-ranges.ts';
import { allRights, readingRights, Rights } from '../../src/access/rights.ts';

function grant(namespace: string, role: Role, ...prefixes: readonly string[]): Grant {
  return { namespace, role, prefixes: prefixes.length === 0 ? undefined : prefixes };
}

const namespaces = ['a', 'b', 'default', '__proto__'];
/** Few characters, the lowest and the highest byte of UTF-8 among them: prefixes of each other are likely. */
const texts = fc.string({ unit: fc.constantFrom('\0', 'a', 'b', '\u{f4}'), maxLength: 5 });
const prefixes = fc.array(
  texts.filter((text) => text !== ''),
  { minLength: 1, maxLength: 6 },
);
const anyGrant = fc.record({
  namespace: fc.constantFrom('*', ...namespaces),
  role: fc.constantFrom<Role>('read', 'write', 'admin'),
  prefixes: fc.option(prefixes, { nil: undefined }),
});

function covers(one: Grant, namespace: string, key: string): boolean {
  if (one.namespace !== '*' && one.namespace !== namespace) return false;
  return one.prefixes?.some((prefix) => key.startsWith(prefix)) ?? true;
}

function isIn(granted: GrantedKeys, key: string): boolean {
  return granted === 'all' || granted.some(({ low, high }) => low <= key && key < high);
}

function expectAscending(granted: GrantedKeys): void {
  if (granted === 'all') return;
  for (const [index, { low, high }] of granted.entries()) {
    expect(low < high).toBe(true);
    expect((granted[index - 1]?.high ?? '') <= low).toBe(true);
  }
}

describe('rights', () => {
  test('are those that the grants name, and no others', () => {
    const property = fc.property(
      fc.array(anyGrant, { maxLength: 6 }),
      fc.constantFrom(...namespaces, 'elsewhere'),
      fc.array(texts, { minLength: 1, maxLength: 20 }),
      (grants, namespace, keys) => {
        const rights = new Rights(grants).in(namespace);
        const ofWriters = grants.filter(({ role }) => role !== 'read');
        for (const key of keys) {
          const mayRead = grants.some((one) => covers(one, namespace, key));
          const mayWrite = ofWriters.some((one) => covers(one, namespace, key));
          expect(rights.mayRead(key)).toBe(mayRead);
          expect(rights.mayWrite(key)).toBe(mayWrite);
          expect(isIn(rights.readable, key)).toBe(mayRead);
          expect(isIn(rights.writable, key)).toBe(mayWrite);
        }
        expectAscending(rights.readable);
        expectAscending(rights.writable);
        const here = grants.filter((one) => one.namespace === '*' || one.namespace === namespace);
        expect(rights.isAdmin).toBe(
          here.some(({ role, prefixes: some }) => role === 'admin' && some === undefined),
        );
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });

  test('of no grants are none', () => {
    const rights = new Rights([]);
    expect(rights.in('default')).toMatchObject({ readable: [], writable: [], isAdmin: false });
    expect(rights.in('default').mayRead('')).toBe(false);
    expect([rights.isServerAdmin, rights.readsEverything]).toEqual([false, false]);
  });

  test('in a namespace join those of every grant that counts there', () => {
    const rights = new Rights([
      grant('a', 'read', 'user/', 'x'),
      grant('*', 'read', 'shared/'),
      grant('a', 'write', 'user/ann/'),
    ]);
    expect(rights.in('a').readable).toEqual([
      { low: 'shared/', high: 'shared/\u{ff}' },
      { low: 'user/', high: 'user/\u{ff}' },
      { low: 'x', high: 'x\u{ff}' },
    ]);
    expect(rights.in('a').writable).toEqual([{ low: 'user/ann/', high: 'user/ann/\u{ff}' }]);
    expect(rights.in('b').readable).toEqual([{ low: 'shared/', high: 'shared/\u{ff}' }]);
  });

  test('an admin of some keys writes them, and administers nothing', () => {
    const rights = new Rights([grant('*', 'admin', 'a/'), grant('b', 'admin', 'b/')]);
    for (const one of [rights.in('b'), rights.in('c')]) {
      expect(one.isAdmin).toBe(false);
      expect([one.mayWrite('a/1'), one.mayWrite('c')]).toEqual([true, false]);
    }
    expect([rights.isServerAdmin, rights.readsEverything]).toEqual([false, false]);
  });

  test('an admin of one namespace administers that one alone', () => {
    const rights = new Rights([grant('a', 'admin'), grant('*', 'read')]);
    expect([rights.in('a').isAdmin, rights.in('b').isAdmin]).toEqual([true, false]);
    expect([rights.isServerAdmin, rights.readsEverything]).toEqual([false, true]);
  });

  test.each([
    [[grant('*', 'admin')], 'default'],
    [[grant('*', 'read'), grant('b', 'read'), grant('a', 'admin')], 'b'],
    [[grant('a', 'read', 'x'), grant('b', 'admin')], 'a'],
  ])('of %j, the home is the first namespace that is named: %s', (grants, home) => {
    expect(new Rights(grants).homeNamespace).toBe(home);
  });

  test('of server tokens are all, or all that read', () => {
    expect([allRights.isServerAdmin, allRights.readsEverything]).toEqual([true, true]);
    expect([readingRights.isServerAdmin, readingRights.readsEverything]).toEqual([false, true]);
    expect(readingRights.in('a').writable).toEqual([]);
  });

  test('in a namespace that no grant names are always the same object', () => {
    const rights = new Rights([grant('a', 'read'), grant('*', 'read', 'x')]);
    expect(rights.in('b')).toBe(rights.everywhere);
    expect(rights.in('hasOwnProperty')).toBe(rights.everywhere);
    expect(rights.in('a')).toBe(rights.in('a'));
    expect(rights.namedNamespaces).toEqual(['a']);
  });
});

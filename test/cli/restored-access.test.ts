// The users and tokens of a backup on their way into a restored store.
import { describe, expect, test } from 'vitest';
import {
  accessNamespace,
  encodeRule,
  encodeToken,
  encodeUse,
  encodeUser,
  nameOfRule,
  nameOfToken,
  nameOfUse,
  nameOfUser,
} from '../../src/access/access-records.ts';
import { hashOfToken } from '../../src/access/token.ts';
import { restoredAccessText } from '../../src/cli/restored-access-text.ts';
import { RestoredAccess, type RestoredAccessOptions } from '../../src/cli/restored-access.ts';
import { compareEntries, type StreamedEntry } from '../../src/shard/streams/entry-stream.ts';
import type { EntryName } from '../../src/store/operation.ts';

const entryOf = ({ namespace, key }: EntryName, value: Buffer, version = 5): StreamedEntry => ({
  namespace,
  key,
  version,
  record: { key, value: value.toString('latin1') },
});

const plain = (namespace: string, key: string): StreamedEntry =>
  entryOf({ namespace, key }, Buffer.from('x'));

const [id, tokenText] = ['abcdefghijk1', 'hf_abcdefghijk1_the-secret-of-ann'];
const user = entryOf(
  nameOfUser('ann'),
  encodeUser({ name: 'ann', id: 'u1', createdAt: 1, isDisabled: false }),
);
const token = entryOf(
  nameOfToken(id),
  encodeToken({
    id,
    userId: 'u1',
    name: 'lap top',
    hash: hashOfToken(tokenText),
    grants: [{ namespace: 'app', role: 'write', prefixes: ['user:'] }],
    createdAt: 1,
    expiresAt: Date.parse('2027-01-31T00:00:00Z'),
    requestsPerSecond: undefined,
    writtenBytesPerSecond: undefined,
  }),
);
const use = entryOf(nameOfUse(id), encodeUse({ tokenId: id, lastUsedAt: 7 }));
const ruleOf = (isRequired: boolean, version: number): StreamedEntry =>
  entryOf(nameOfRule, encodeRule(isRequired), version);

const around = [plain('default', 'a'), plain('z', 'b'), plain('~idempotency', 'c')];
const withTokens = [...around, user, token, use];

const restoring = (options: Partial<RestoredAccessOptions> = {}): RestoredAccess =>
  new RestoredAccess({ isOpen: false, revokesTokens: false, ...options });

/** Sorted, as backups are, and as restored stores must be. */
const sorted = (entries: readonly StreamedEntry[]) => entries.toSorted(compareEntries);
const restored = (access: RestoredAccess, entries: readonly StreamedEntry[]) => [
  ...access.transform(sorted(entries)),
];

describe('a restored store needs a token', () => {
  test.each<[string, readonly StreamedEntry[]]>([
    ['an empty backup', []],
    ['a backup of an open server', around],
    ['a backup whose last entry comes before the rule', [plain('default', 'a')]],
    ['a backup of a server of which only tokens are known', withTokens],
  ])('after %s', (_what, entries) => {
    const access = restoring();
    expect(restored(access, entries)).toEqual(sorted([...entries, ruleOf(true, 1)]));
    expect(access.added).toBe(1);
  });

  test.each([true, false])('after a backup whose rule is %s', (isRequired) => {
    const access = restoring();
    const found = restored(access, [...withTokens, ruleOf(isRequired, 9)]);
    expect(found).toEqual(sorted([...withTokens, ruleOf(true, 9)]));
    expect(access.added).toBe(0);
  });
});

describe('a store that is restored open', () => {
  test('has the rule only if tokens would close it', () => {
    const access = restoring({ isOpen: true });
    expect(restored(access, withTokens)).toEqual(sorted([...withTokens, ruleOf(false, 1)]));
    for (const entries of [[], around, [...around, user]]) {
      expect(restored(restoring({ isOpen: true }), entries)).toEqual(sorted(entries));
    }
    const revoking = restoring({ isOpen: true, revokesTokens: true });
    expect(restored(revoking, withTokens)).toEqual(sorted([...around, user]));
  });

  test('has the rule of the backup, turned', () => {
    const access = restoring({ isOpen: true });
    expect(restored(access, [...around, ruleOf(true, 9)])).toEqual(
      sorted([...around, ruleOf(false, 9)]),
    );
  });
});

test('revoked tokens are left out with their times of use, and users stay', () => {
  const access = restoring({ revokesTokens: true });
  expect(restored(access, withTokens)).toEqual(sorted([...around, user, ruleOf(true, 1)]));
});

test('a record that the program does not know ends the restore', () => {
  const strange = plain(accessNamespace, '{access}token/odd');
  expect(() => restored(restoring(), [...around, strange])).toThrow(
    /is no record of a user or token that this version of the program knows/,
  );
});

function reportOf(
  entries: readonly StreamedEntry[],
  options: Partial<RestoredAccessOptions> = {},
): string {
  const access = restoring(options);
  restored(access, entries);
  const text = restoredAccessText('/my data', access);
  expect(text).not.toContain('secret');
  expect(text).not.toContain(Buffer.from(hashOfToken(tokenText), 'latin1').toString('hex'));
  return text;
}

describe('the report of a restore', () => {
  const table =
    'ID            USER  NAME     EXPIRES               GRANTS\n' +
    'abcdefghijk1  ann   lap top  2027-01-31T00:00:00Z  app:write:user:\n';

  test('lists the tokens, without secrets', () => {
    expect(reportOf(withTokens)).toBe(
      `a server on it needs a token: that of HOLDFAST_TOKEN, or one of these:\n${table}`,
    );
    expect(reportOf(withTokens, { isOpen: true })).toBe(
      'a server on it needs no token. These tokens count again once another one is made:\n' + table,
    );
  });

  test('marks tokens of disabled users, which give no way in', () => {
    const disabled = entryOf(
      nameOfUser('ann'),
      encodeUser({ name: 'ann', id: 'u1', createdAt: 1, isDisabled: true }),
    );
    const text = reportOf([...around, disabled, token]);
    expect(text).toMatch(/^a server on it needs HOLDFAST_TOKEN;/);
    expect(text).toMatch(/^abcdefghijk1 +ann \(disabled\) +lap top/m);
  });

  test('leaves out tokens whose user is lost', () => {
    const text = reportOf([...around, token]);
    expect(text).toMatch(/^a server on it needs HOLDFAST_TOKEN;/);
    expect(text).not.toContain('abcdefghijk1');
  });

  test('names the ways in if there is no token', () => {
    const ways =
      'a server on it needs HOLDFAST_TOKEN; to let callers in without a token: ' +
      "holdfast access open '/my data'\n";
    expect(reportOf(around)).toBe(ways);
    expect(reportOf(withTokens, { revokesTokens: true })).toBe(
      `all tokens are revoked: 1\n${ways}`,
    );
    expect(reportOf(around, { isOpen: true })).toBe('a server on it needs no token\n');
  });
});

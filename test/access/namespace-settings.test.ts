import { describe, expect, test } from 'vitest';
import { namespaceDefaults, parseNamespaceSettings } from '../../src/access/namespace-settings.ts';

describe('the settings of a namespace', () => {
  test('are the defaults, except those that are given', () => {
    expect(parseNamespaceSettings({})).toEqual(namespaceDefaults);
    const all = { keysMax: 0, bytesMax: 2 ** 40, audit: 'all' };
    expect(parseNamespaceSettings(all)).toEqual(all);
    expect(parseNamespaceSettings({ audit: 'writes' })).toEqual({
      ...namespaceDefaults,
      audit: 'writes',
    });
  });

  test.each([
    [null, undefined],
    [[], undefined],
    [5, undefined],
    [{ keysMax: -1 }, 'keysMax'],
    [{ keysMax: 1.5 }, 'keysMax'],
    [{ keysMax: '1' }, 'keysMax'],
    [{ keysMax: null }, 'keysMax'],
    [{ bytesMax: 2 ** 53 }, 'bytesMax'],
    [{ bytesMax: true }, 'bytesMax'],
    [{ audit: 'reads' }, 'audit'],
    [{ audit: ['all'] }, 'audit'],
    [{ name: 'app' }, 'name'],
  ])('are not %j, and the error names the member at fault', (json, parameter) => {
    expect(() => parseNamespaceSettings(json)).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST', parameter }),
    );
  });
});

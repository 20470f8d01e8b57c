// A setting takes the values of its bounds or choices, and nothing near them.
import { describe, expect, test } from 'vitest';
import { readSettingJson, readSettingText } from '../../src/settings/setting-value.ts';
import {
  settingNames,
  settingsSchema,
  type SettingName,
  type SettingSchema,
} from '../../src/settings/settings-schema.ts';

const schemaOf = (name: SettingName): SettingSchema => settingsSchema[name];

const integers = settingNames.flatMap((name) => {
  const schema = schemaOf(name);
  return schema.kind === 'integer' ? [[name, schema] as const] : [];
});

describe('an integer', () => {
  test.each(integers)('of %s may be either bound, and not beyond', (name, schema) => {
    for (const bound of [schema.minimum, schema.maximum]) {
      expect(readSettingJson(name, bound)).toBe(bound);
      expect(readSettingText(name, String(bound))).toBe(bound);
    }
    for (const beyond of [schema.minimum - 1, schema.maximum + 1]) {
      expect(readSettingJson(name, beyond)).toBeUndefined();
      expect(readSettingText(name, String(beyond))).toBeUndefined();
    }
  });

  test.each(integers)(
    'of %s is no fraction, and auto only if the schema says so',
    (name, schema) => {
      expect(readSettingJson(name, schema.minimum + 0.5)).toBeUndefined();
      expect(readSettingJson(name, Number.NaN)).toBeUndefined();
      const auto = schema.orAuto ? 'auto' : undefined;
      expect([readSettingJson(name, 'auto'), readSettingText(name, 'auto')]).toEqual([auto, auto]);
    },
  );
});

test.each(settingNames)('%s takes each of its choices, and no other value', (name) => {
  const schema = schemaOf(name);
  const choices = schema.kind === 'choice' ? schema.choices : [];
  const isEmptyAllowed = schema.kind === 'text' && schema.orNone;
  expect(readSettingJson(name, '')).toBe(isEmptyAllowed ? '' : undefined);
  for (const one of choices) {
    expect(readSettingJson(name, one)).toBe(one);
    expect(readSettingText(name, one)).toBe(one);
  }
  const lists = schema.kind === 'list' ? [] : [[...choices]];
  for (const other of [null, undefined, {}, ...lists, [1]]) {
    expect(readSettingJson(name, other)).toBeUndefined();
  }
});

const isSwitch = (name: SettingName): boolean => schemaOf(name).kind === 'boolean';

test.each(settingNames)('%s takes true and false only if it is a switch', (name) => {
  for (const value of [true, false]) {
    expect(readSettingJson(name, value)).toBe(isSwitch(name) ? value : undefined);
  }
});

test.each(settingNames.filter(isSwitch))('the switch %s takes two words, and no other', (name) => {
  expect([readSettingText(name, 'true'), readSettingText(name, 'false')]).toEqual([true, false]);
  for (const text of ['', '1', '0', 'yes', 'no', 'TRUE', ' true']) {
    expect([text, readSettingText(name, text)]).toEqual([text, undefined]);
  }
  for (const other of ['true', 'false', 1, 0]) expect(readSettingJson(name, other)).toBeUndefined();
});

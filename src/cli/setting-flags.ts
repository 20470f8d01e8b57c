// Gives a command one flag per setting, with help from the schema and the defaults. Reads the flags
// that the operator typed. Judges no value.
import { type Command, Option } from 'commander';
import { defaultSettings } from './load-settings.ts';
import { environmentNameOf, flagOf } from './setting-spelling.ts';
import {
  allowedValues,
  descriptionOf,
  placeholderOf,
  spellValue,
} from '../settings/setting-value.ts';
import { settingNames, type SettingName, type Settings } from '../settings/settings-schema.ts';

export interface TypedFlags {
  readonly flags: ReadonlyMap<SettingName, string>;
  readonly configFile: string | undefined;
}

export function addSettingFlags(command: Command): Command {
  const defaults = defaultSettings();
  command.option('--config <file>', 'JSON file with settings; environment and flags override it');
  for (const name of settingNames) command.addOption(optionOf(name, defaults));
  return command;
}

function optionOf(name: SettingName, defaults: Settings): Option {
  const facts = [
    `allowed: ${allowedValues(name)}`,
    `default: ${spellValue(name, defaults[name])}`,
    `environment: ${environmentNameOf(name)}`,
  ];
  return new Option(
    `${flagOf(name)} <${placeholderOf(name)}>`,
    `${descriptionOf(name)} (${facts.join('; ')})`,
  );
}

/** The flags as typed, by setting rather than by commander's own spelling of their names. */
export function typedFlags(command: Command): TypedFlags {
  const values = command.opts<Record<string, string | undefined>>();
  const flags = new Map<SettingName, string>();
  for (const name of settingNames) {
    const value = values[new Option(flagOf(name)).attributeName()];
    if (value !== undefined) flags.set(name, value);
  }
  return { flags, configFile: values['config'] };
}

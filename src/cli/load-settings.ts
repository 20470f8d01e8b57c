// Owns the precedence of settings: config/default.json, then the file of --config, then the
// environment, then flags. Judges no value: src/settings does.
import { visibleText } from '../base/visible-text.ts';
import {
  combineSettings,
  givenByFile,
  givenByText,
  type GivenSetting,
  type GivenSettings,
} from '../settings/combine-settings.ts';
import { settingNames, type SettingName, type Settings } from '../settings/settings-schema.ts';
import { environmentNameOf, environmentPrefix, flagOf } from './setting-spelling.ts';
import { tokenVariables } from './token-variables.ts';

export interface SettingSources {
  /** By setting name, as typed. */
  readonly flags: ReadonlyMap<SettingName, string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The file of --config, or undefined. */
  readonly configFile: string | undefined;
}

/** @throws SettingError, in one line, for an unknown setting or a value that is not allowed */
export function loadSettings({ flags, environment, configFile }: SettingSources): Settings {
  return combineSettings([
    ...(configFile === undefined ? [] : [givenByFile(configFile, `--config ${configFile}`)]),
    fromEnvironment(environment),
    fromFlags(flags),
  ]);
}

/** The defaults alone, as help shows them. */
export function defaultSettings(): Settings {
  return combineSettings([]);
}

/**
 * One setting as the environment alone gives it, or its default. Other variables are not judged.
 *
 * @throws SettingError for a value that is not allowed
 */
export function settingOfEnvironment<Name extends SettingName>(
  name: Name,
  environment: SettingSources['environment'],
): Settings[Name] {
  const variable = environmentNameOf(name);
  const alone = { [variable]: environment[variable] };
  return loadSettings({ flags: new Map(), environment: alone, configFile: undefined })[name];
}

function fromEnvironment(environment: SettingSources['environment']): GivenSettings {
  const given = new Map<SettingName, GivenSetting>();
  for (const name of settingNames) {
    const variable = environmentNameOf(name);
    const text = environment[variable];
    // Empty is how many tools spell "not set".
    if (text === undefined || text === '') continue;
    given.set(name, givenByText(name, text, `environment variable ${variable}`));
  }
  return given;
}

/** Variables that look like settings and are none. They may be those of another version. */
export function unknownVariables(environment: SettingSources['environment']): string[] {
  const known = new Set([...settingNames.map(environmentNameOf), ...tokenVariables]);
  const isUnknown = (name: string): boolean =>
    name.startsWith(environmentPrefix) && !known.has(name);
  return Object.keys(environment).filter(isUnknown).map(visibleText);
}

function fromFlags(flags: SettingSources['flags']): GivenSettings {
  const given = new Map<SettingName, GivenSetting>();
  for (const [name, text] of flags) {
    given.set(name, givenByText(name, text, `flag ${flagOf(name)}`));
  }
  return given;
}

// Owns the precedence of settings: config/default.json, then the file of --config, then the
// environment, then flags. Refuses, in one line, an unknown setting or a value that is not allowed.
import { join } from 'node:path';
import { programFolder } from '../base/program-folder.ts';
import { usageError } from './command-error.ts';
import { environmentNameOf, environmentPrefix, flagOf, tokenVariable } from './setting-spelling.ts';
import { allowedValues, areSettings, readSettingJson, readSettingText } from './setting-value.ts';
import { readSettingsFile } from './settings-file.ts';
import { isSettingName, settingNames, type SettingName, type Settings } from './settings-schema.ts';
import { visibleName, visibleText } from './visible-text.ts';

export interface SettingSources {
  /** By setting name, as typed. */
  readonly flags: ReadonlyMap<SettingName, string>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The file of --config, or undefined. */
  readonly configFile: string | undefined;
}

interface Given {
  readonly value: Settings[SettingName];
  /** The source of the value, as messages say it after "from ". */
  readonly origin: string;
}

type GivenSettings = Map<SettingName, Given>;

const defaultSettingsFile = join(programFolder, 'config', 'default.json');

export function loadSettings(sources: SettingSources): Settings {
  const given: GivenSettings = fromFile(defaultSettingsFile, defaultSettingsFile);
  const { configFile } = sources;
  const layers = [
    configFile === undefined ? new Map() : fromFile(configFile, `--config ${configFile}`),
    fromEnvironment(sources.environment),
    fromFlags(sources.flags),
  ];
  for (const layer of layers) for (const [name, one] of layer) given.set(name, one);
  const settings = Object.fromEntries([...given].map(([name, { value }]) => [name, value]));
  if (areSettings(settings)) return checkTogether(settings, given);
  const missing = settingNames.filter((name) => !given.has(name));
  throw usageError(`${defaultSettingsFile} lacks ${missing.join(', ')}`);
}

/** The defaults alone, as help shows them. */
export function defaultSettings(): Settings {
  return loadSettings({ flags: new Map(), environment: {}, configFile: undefined });
}

function fromFile(file: string, origin: string): GivenSettings {
  const given: GivenSettings = new Map();
  for (const [name, json] of Object.entries(readSettingsFile(file, origin))) {
    if (!isSettingName(name)) throw unknownSetting(name, origin);
    const value = readSettingJson(name, json);
    if (value === undefined) throw notAllowed(name, origin, json);
    given.set(name, { value, origin });
  }
  return given;
}

function fromEnvironment(environment: SettingSources['environment']): GivenSettings {
  const given: GivenSettings = new Map();
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
  const known = new Set([...settingNames.map(environmentNameOf), tokenVariable]);
  const isUnknown = (name: string): boolean =>
    name.startsWith(environmentPrefix) && !known.has(name);
  return Object.keys(environment).filter(isUnknown).map(visibleText);
}

function fromFlags(flags: SettingSources['flags']): GivenSettings {
  const given: GivenSettings = new Map();
  for (const [name, text] of flags) {
    given.set(name, givenByText(name, text, `flag ${flagOf(name)}`));
  }
  return given;
}

function givenByText(name: SettingName, text: string, origin: string): Given {
  const value = readSettingText(name, text);
  if (value === undefined) throw notAllowed(name, origin, text);
  return { value, origin };
}

/** Pairs of settings of which the first must not exceed the second, or be less by so much. */
const orderedPairs: readonly (readonly [SettingName, SettingName, gap?: number])[] = [
  // Node refuses to start an HTTP server otherwise.
  ['headersTimeoutMs', 'requestTimeoutMs'],
  // The largest body must fit into the memory for bodies, or it could never finish.
  ['valueBytesMax', 'bodyBytesInFlightMax'],
  ['batchBytesMax', 'bodyBytesInFlightMax'],
  // Some time must be left to answer what is in flight and to sync.
  ['drainDelayMs', 'shutdownDeadlineMs', 100],
];

function checkTogether(settings: Settings, given: GivenSettings): Settings {
  for (const [lesser, greater, gap = 0] of orderedPairs) {
    if (Number(settings[lesser]) + gap <= Number(settings[greater])) continue;
    const originOf = (name: SettingName) => given.get(name)?.origin ?? '';
    const most = Number(settings[greater]) - gap;
    throw usageError(
      `${lesser} is ${settings[lesser]} (from ${originOf(lesser)}); allowed: at most ` +
        `${gap === 0 ? '' : `${most}, ${gap} less than `}${greater}, which is ${settings[greater]} (from ${originOf(greater)})`,
    );
  }
  return settings;
}

function unknownSetting(name: string, origin: string): Error {
  const allowed = settingNames.join(', ');
  return usageError(`unknown setting ${visibleName(name)} in ${origin}; allowed: ${allowed}`);
}

function notAllowed(name: SettingName, origin: string, value: unknown): Error {
  const shown = visibleText(JSON.stringify(value));
  return usageError(`${name} is ${shown} (from ${origin}); allowed: ${allowedValues(name)}`);
}

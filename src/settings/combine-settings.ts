// Makes settings of the values that several sources give: a later source overrides an earlier one.
// Refuses an unknown setting, a value that is not allowed, and values that contradict each other.
// Knows no environment and no flag: src/cli/load-settings.ts does.
import { join } from 'node:path';
import { programFolder } from '../base/program-folder.ts';
import { visibleName, visibleText } from '../base/visible-text.ts';
import { SettingError } from './setting-error.ts';
import {
  allowedValues,
  areSettings,
  readSettingJson,
  readSettingText,
  type SettingForm,
} from './setting-value.ts';
import { readSettingsFile } from './settings-file.ts';
import { isSettingName, settingNames, type SettingName, type Settings } from './settings-schema.ts';

export interface GivenSetting {
  readonly value: Settings[SettingName];
  /** The source of the value, as messages say it after "from ". */
  readonly origin: string;
}

export type GivenSettings = ReadonlyMap<SettingName, GivenSetting>;

const defaultSettingsFile = join(programFolder, 'config', 'default.json');

/**
 * @param layers over the defaults, each over those before it
 * @throws SettingError that names two settings which contradict each other
 */
export function combineSettings(layers: readonly GivenSettings[]): Settings {
  const given = new Map(givenByFile(defaultSettingsFile, defaultSettingsFile));
  for (const layer of layers) for (const [name, one] of layer) given.set(name, one);
  const settings = Object.fromEntries([...given].map(([name, { value }]) => [name, value]));
  if (areSettings(settings)) return checkTogether(settings, given);
  const missing = settingNames.filter((name) => !given.has(name));
  throw new SettingError(`${defaultSettingsFile} lacks ${missing.join(', ')}`);
}

/** @throws SettingError if the file cannot be used, or as `givenByMembers` does */
export function givenByFile(file: string, origin: string): GivenSettings {
  return givenByMembers(readSettingsFile(file, origin), origin);
}

/**
 * @param members by setting name, with values of JSON; a member that is undefined counts as missing
 * @throws SettingError for an unknown member, and for a value that is not allowed
 */
export function givenByMembers(members: object, origin: string): GivenSettings {
  const given = new Map<SettingName, GivenSetting>();
  for (const [name, member] of Object.entries(members)) {
    if (!isSettingName(name)) throw unknownSetting(name, origin);
    if (member === undefined) continue;
    const value = readSettingJson(name, member);
    if (value === undefined) throw notAllowed(name, origin, member, 'json');
    given.set(name, { value, origin });
  }
  return given;
}

/**
 * @param text as a flag or variable spells the value
 * @throws SettingError for a value that is not allowed
 */
export function givenByText(name: SettingName, text: string, origin: string): GivenSetting {
  const value = readSettingText(name, text);
  if (value === undefined) throw notAllowed(name, origin, text, 'text');
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
  checkTlsPair(settings, given);
  for (const [lesser, greater, gap = 0] of orderedPairs) {
    // The plan of the memory makes such a value fit the other one.
    if (settings[lesser] === 'auto' || settings[greater] === 'auto') continue;
    if (Number(settings[lesser]) + gap <= Number(settings[greater])) continue;
    const originOf = (name: SettingName) => given.get(name)?.origin ?? '';
    const most = Number(settings[greater]) - gap;
    throw new SettingError(
      `${lesser} is ${String(settings[lesser])} (from ${originOf(lesser)}); allowed: at most ` +
        `${gap === 0 ? '' : `${most}, ${gap} less than `}${greater}, which is ${String(settings[greater])} (from ${originOf(greater)})`,
    );
  }
  return settings;
}

function checkTlsPair({ tlsCert, tlsKey }: Settings, given: GivenSettings): void {
  if ((tlsCert === '') === (tlsKey === '')) return;
  const [set, other] =
    tlsKey === '' ? (['tlsCert', 'tlsKey'] as const) : (['tlsKey', 'tlsCert'] as const);
  const one = given.get(set);
  throw new SettingError(
    `${set} is ${shown(one?.value)} (from ${one?.origin}), and ${other} is not set; allowed: both, or neither`,
  );
}

function unknownSetting(name: string, origin: string): Error {
  const allowed = settingNames.join(', ');
  return new SettingError(`unknown setting ${visibleName(name)} in ${origin}; allowed: ${allowed}`);
}

function notAllowed(name: SettingName, origin: string, value: unknown, form: SettingForm): Error {
  return new SettingError(
    `${name} is ${shown(value)} (from ${origin}); allowed: ${allowedValues(name, form)}`,
  );
}

/** Options of a program may have values that JSON does not have. */
function shown(value: unknown): string {
  const hasJson = typeof value !== 'number' || Number.isFinite(value);
  try {
    const text: string | undefined = hasJson ? JSON.stringify(value) : String(value);
    return visibleText(text ?? `a ${typeof value}`);
  } catch {
    return `a ${typeof value} that JSON cannot show`;
  }
}

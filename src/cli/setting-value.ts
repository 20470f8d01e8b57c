// Reads one setting's value from text or JSON, checks it against the schema, and describes the
// allowed values. Does not know where a value came from.
import { Value } from 'typebox/value';
import { unreachable } from '../base/assert.ts';
import { formatByteSize, parseByteSize } from './byte-size.ts';
import { settingsSchema, type SettingName, type Settings } from './settings-schema.ts';

/** The allowed values of a setting, in the terms that reading and explaining need. */
type Domain =
  | { kind: 'text' }
  | { kind: 'choice'; choices: readonly string[] }
  | { kind: 'integer'; minimum: number; maximum: number; unit: string; orAuto: boolean };

/** The parts of a JSON Schema that settingsSchema uses. */
interface PropertySchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly PropertySchema[];
  readonly const?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly unit?: string;
  readonly description?: string;
}

function propertyOf(name: SettingName): PropertySchema {
  return settingsSchema.properties[name];
}

function domainOf(property: PropertySchema): Domain {
  if (property.enum !== undefined) return { kind: 'choice', choices: property.enum };
  const integer = property.anyOf?.find((branch) => branch.type === 'integer') ?? property;
  if (integer.type !== 'integer') return { kind: 'text' };
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = integer;
  const orAuto = property.anyOf !== undefined;
  return { kind: 'integer', minimum, maximum, unit: property.unit ?? '', orAuto };
}

export function descriptionOf(name: SettingName): string {
  return propertyOf(name).description ?? '';
}

/** The placeholder of the value in help: `<bytes>`. */
export function placeholderOf(name: SettingName): string {
  return propertyOf(name).unit ?? '';
}

/** The allowed values, as messages say them after "allowed: ". */
export function allowedValues(name: SettingName): string {
  const domain = domainOf(propertyOf(name));
  switch (domain.kind) {
    case 'text':
      return 'text that is not empty';
    case 'choice':
      return domain.choices.join(', ');
    case 'integer':
      return allowedIntegers(domain);
    default:
      return unreachable(domain);
  }
}

function allowedIntegers(domain: Extract<Domain, { kind: 'integer' }>): string {
  const { minimum, maximum, unit } = domain;
  const lead = domain.orAuto ? 'auto, or an integer' : 'an integer';
  if (unit === 'bytes') {
    return `${lead} of bytes from ${minimum} to ${maximum}, or a size such as ${formatByteSize(maximum)}`;
  }
  return `${lead} from ${minimum} to ${maximum}${unit === 'ms' ? ' (milliseconds)' : ''}`;
}

/** The value in its shortest spelling, as the help shows defaults. */
export function spellValue(name: SettingName, value: Settings[SettingName]): string {
  const isSize = propertyOf(name).unit === 'bytes' && typeof value === 'number';
  return isSize ? formatByteSize(value) : String(value);
}

function valueOfText(property: PropertySchema, text: string): unknown {
  if (domainOf(property).kind !== 'integer') return text;
  if (property.unit === 'bytes') return parseByteSize(text) ?? text;
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** The value that a flag or variable spells, or undefined if the value is not allowed. */
export function readSettingText(
  name: SettingName,
  text: string,
): Settings[SettingName] | undefined {
  return checkSettingValue(name, valueOfText(propertyOf(name), text));
}

/** The value that a settings file gives, or undefined if the value is not allowed. */
export function readSettingJson(
  name: SettingName,
  value: unknown,
): Settings[SettingName] | undefined {
  // Sizes may be spelled with their unit; all other numbers must be numbers in JSON.
  const isSizeText = propertyOf(name).unit === 'bytes' && typeof value === 'string';
  return checkSettingValue(name, isSizeText ? parseByteSize(value) : value);
}

function checkSettingValue(name: SettingName, value: unknown): Settings[SettingName] | undefined {
  return Value.Check(settingsSchema.properties[name], value) ? value : undefined;
}

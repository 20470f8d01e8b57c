// Reads one setting's value from text or JSON, checks it against the schema, and describes the
// allowed values. Does not know the source of a value.
import { unreachable } from '../base/assert.ts';
import { formatByteSize, parseByteSize } from './byte-size.ts';
import { allowedItems, isListItem } from './list-item.ts';
import {
  settingNames,
  settingsSchema,
  type SettingName,
  type SettingSchema,
  type Settings,
} from './settings-schema.ts';

const schemaOf = (name: SettingName): SettingSchema => settingsSchema[name];

export function descriptionOf(name: SettingName): string {
  return schemaOf(name).description;
}

/** The placeholder of the value in help: `<bytes>`. */
export function placeholderOf(name: SettingName): string {
  return schemaOf(name).unit;
}

/** How a source spells values: as the text of a flag or variable, or as JSON with arrays. */
export type SettingForm = 'text' | 'json';

/** The allowed values, as messages say them after "allowed: ". */
export function allowedValues(name: SettingName, form: SettingForm = 'text'): string {
  const schema = schemaOf(name);
  switch (schema.kind) {
    case 'text':
      return schema.orNone ? 'text; empty for none' : 'text that is not empty';
    case 'choice':
      return schema.choices.join(', ');
    case 'boolean':
      return 'true or false';
    case 'integer':
      return allowedIntegers(schema);
    case 'list':
      return form === 'json'
        ? `an array of strings, each once: ${allowedItems[schema.items]}`
        : `${allowedItems[schema.items]}; several with commas between them, each once`;
    default:
      return unreachable(schema);
  }
}

function allowedIntegers(schema: Extract<SettingSchema, { kind: 'integer' }>): string {
  const { minimum, maximum, unit, orAuto } = schema;
  const lead = orAuto ? 'auto, or an integer' : 'an integer';
  if (unit === 'bytes') {
    return `${lead} of bytes from ${minimum} to ${maximum}, or a size such as ${formatByteSize(maximum)}`;
  }
  return `${lead} from ${minimum} to ${maximum}${unit === 'ms' ? ' (milliseconds)' : ''}`;
}

/** The value in its shortest spelling, as the help shows defaults. */
export function spellValue(name: SettingName, value: Settings[SettingName]): string {
  if (Array.isArray(value)) return value.length === 0 ? '(none)' : value.join(',');
  if (value === '') return '(none)';
  const isSize = schemaOf(name).unit === 'bytes' && typeof value === 'number';
  return isSize ? formatByteSize(value) : String(value);
}

function valueOfText(schema: SettingSchema, text: string): unknown {
  if (schema.kind === 'list') {
    return text === '' ? [] : text.split(',').map((item) => item.trim());
  }
  if (schema.kind === 'boolean') return text === 'true' || (text === 'false' ? false : text);
  if (schema.kind !== 'integer') return text;
  if (schema.unit === 'bytes') return parseByteSize(text) ?? text;
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** The value that a flag or variable spells, or undefined if the value is not allowed. */
export function readSettingText(
  name: SettingName,
  text: string,
): Settings[SettingName] | undefined {
  return checkSettingValue(name, valueOfText(schemaOf(name), text));
}

/** The value that a settings file gives, or undefined if the value is not allowed. */
export function readSettingJson(
  name: SettingName,
  value: unknown,
): Settings[SettingName] | undefined {
  // Sizes may be spelled with their unit; all other numbers must be numbers in JSON.
  const isSizeText = schemaOf(name).unit === 'bytes' && typeof value === 'string';
  return checkSettingValue(name, isSizeText ? (parseByteSize(value) ?? value) : value);
}

function checkSettingValue(name: SettingName, value: unknown): Settings[SettingName] | undefined {
  return isAllowed(schemaOf(name), value) ? value : undefined;
}

function isAllowed(schema: SettingSchema, value: unknown): value is Settings[SettingName] {
  switch (schema.kind) {
    case 'text':
      return typeof value === 'string' && (schema.orNone || value !== '');
    case 'choice':
      return typeof value === 'string' && schema.choices.includes(value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      if (schema.orAuto && value === 'auto') return true;
      if (typeof value !== 'number' || !Number.isInteger(value)) return false;
      return value >= schema.minimum && value <= schema.maximum;
    case 'list':
      if (!Array.isArray(value) || new Set(value).size < value.length) return false;
      return value.every((item) => typeof item === 'string' && isListItem(schema.items, item));
    default:
      return unreachable(schema);
  }
}

/** True if `values` has every setting, each with an allowed value. */
export function areSettings(values: Readonly<Record<string, unknown>>): values is Settings {
  return settingNames.every((name) => isAllowed(schemaOf(name), values[name]));
}

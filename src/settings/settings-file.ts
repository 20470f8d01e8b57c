// Reads a settings file, which must hold one JSON object. Knows no setting.
import { readFileSync } from 'node:fs';
import { SettingError } from './setting-error.ts';
import { indexOfInvisible, visibleText } from '../base/visible-text.ts';

/**
 * @param origin the name of the file in errors
 * @throws SettingError that says in one line why the file cannot be used
 */
export function readSettingsFile(file: string, origin: string): object {
  const text = textOf(readBytes(file, origin), origin);
  if (text.trim() === '') throw new SettingError(`${origin}: is empty; ${expected}`);
  const content = parse(text, origin);
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) return content;
  throw new SettingError(`${origin}: ${expected}`);
}

const expected = 'must hold one JSON object with settings as members';

function readBytes(file: string, origin: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new SettingError(`${origin}: cannot be read: ${messageOf(error)}`);
  }
}

/** UTF-8, with a byte order mark or without, as editors write it. */
function textOf(bytes: Buffer, origin: string): string {
  const mark = bytes.subarray(0, 2).toString('hex');
  if (mark === 'fffe' || mark === 'feff' || bytes.includes(0)) {
    throw new SettingError(`${origin}: is UTF-16 or no text at all; allowed: UTF-8`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new SettingError(`${origin}: is not UTF-8; allowed: UTF-8`);
  }
}

function parse(text: string, origin: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = `${messageOf(error)}${noteOfInvisible(text)}`;
    throw new SettingError(`${origin}: cannot be read as JSON: ${why}`);
  }
}

/** Names an invisible character, which may be the mistake: an editor would not show it. */
function noteOfInvisible(text: string): string {
  const at = indexOfInvisible(text);
  if (at === -1) return '';
  return `; there is ${visibleText(String.fromCodePoint(text.codePointAt(at) ?? 0))} at position ${at}`;
}

function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return visibleText(message.replaceAll(/[\r\n\t ]+/g, ' '));
}

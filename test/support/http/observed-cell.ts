// Sends the requests of a table of rights, and sees which cell each reply is. Judges no cell.
import { makeNamespaces, openApp } from './open-app.ts';
import { openRoles, putEntries } from './open-roles.ts';
import type { Cell, Row } from './rights-table.ts';

/** A server for a row of the table. */
export interface Opened extends Omit<Awaited<ReturnType<typeof openRoles>>, 'tokens'> {
  /** A name that no namespace has had. */
  readonly absent: () => string;
}

function namesAbsent(): () => string {
  let count = 0;
  return () => `absent-${(count += 1)}`;
}

export async function openClosed(): Promise<Opened> {
  return { ...(await openRoles()), absent: namesAbsent() };
}

export async function openOpen(): Promise<Opened> {
  const opened = await openApp();
  const { access, model } = opened;
  await makeNamespaces(access, 'own', 'foreign');
  const restore = putEntries(model);
  return { ...opened, restore, headersOf: () => ({}), absent: namesAbsent() };
}

export interface Asked {
  readonly method: string;
  readonly target: string;
  readonly body?: string | undefined;
  readonly headers?: Record<string, string>;
}

export interface Seen {
  readonly status: number;
  /** All that the client gets, but for the date. */
  readonly all: string;
  readonly body: string;
}

export async function ask(
  { url }: Opened,
  { method, target, body, headers = {} }: Asked,
): Promise<Seen> {
  const init = { method, headers, redirect: 'manual' as const };
  const reply = await fetch(url + target, body === undefined ? init : { ...init, body });
  const text = await reply.text();
  const sent = [...reply.headers].filter(
    ([name]) => !['date', 'upstash-sync-token', 'holdfast-request-id'].includes(name),
  );
  return { status: reply.status, body: text, all: JSON.stringify([reply.status, sent, text]) };
}

/** A part of a reply with its own status, or with the words of its own error. */
interface Judged {
  readonly status?: number;
  readonly code?: string;
  readonly parameter?: string;
  readonly error?: string;
}

function cellOfError(error: string): Cell | undefined {
  if (error.includes('NOPERM No permissions to access a key')) return 'k';
  if (error.includes('NOPERM this user has no permissions to run the')) return '-';
  if (error.includes('WRONGPASS')) return '!';
  return error.includes('NAMESPACE_NOT_FOUND') ? '?' : '+';
}

function cellOfPart(status: number, part: Judged): Cell {
  if (part.error !== undefined) return cellOfError(part.error) ?? '+';
  if (status === 401) return '!';
  if (status === 403) return part.parameter === 'key' ? 'k' : '-';
  // Let in by rights: the lock is free, or a release has no fence.
  if (part.code === 'LOCK_NOT_FOUND' || part.code === 'PRECONDITION_REQUIRED') return '+';
  if (status === 404) return '?';
  if (status < 400) return '+';
  throw new Error(`neither refused nor carried out: ${status} ${JSON.stringify(part)}`);
}

function partsOf(body: string): Judged[] {
  if (!/^[{[]/.test(body)) return [{}];
  const json = JSON.parse(body.split('\n', 1)[0] ?? '') as { readonly results?: Judged[] };
  return Array.isArray(json) ? (json as Judged[]) : (json.results ?? [json as Judged]);
}

/** The cell of the last part: the tables put the part in question there. */
export function cellOf({ status, body }: Seen): Cell {
  const part = partsOf(body).at(-1) ?? {};
  return cellOfPart(part.status ?? status, part);
}

/** The names of the store's entries that are not as they were, but for records of users. */
export function changedIn({ model }: Opened, before: ReadonlyMap<string, unknown>): string[] {
  const names = new Set([...before.keys(), ...model.entries.keys()]);
  return [...names].filter(
    (name) => !name.startsWith('~') && before.get(name) !== model.entries.get(name),
  );
}

export function wordsOf(words: string, key: string): string[] {
  return words
    .replaceAll('KEY', key)
    .split(' ')
    .filter((word) => word !== '');
}

/** The namespace and key of a place in a table. */
export function placeOf(
  opened: Opened,
  { place }: Row,
): { readonly space: string; readonly key: string } {
  const [space = '', key = ''] = place.split(' ');
  return { space: space === 'absent' ? opened.absent() : space, key };
}

// Reads a command from the request target: `/set/key/value/EX/100`, or `/set/key?EX=100` with the
// value as the body. Arguments become byte strings, whatever bytes they are. Knows no command.
import { percentDecodeBytes } from '../wire/percent-decode.ts';
import { pathOfTarget, type Mount } from '../wire/request-target.ts';
import { RequestFault } from './request-fault.ts';

export const commandMount: Mount = {
  prefix: '/upstash/',
  route: '/upstash/:command',
  target: '/upstash/-',
};

/** Commands at `/` have the router target of those under /upstash, and so their routes. */
export const rootCommandMount: Mount = { ...commandMount, prefix: '/' };

/**
 * @param target the raw request target of a command
 * @returns the path behind the mount, without a leading slash, still encoded
 */
export function commandText(target: string): string {
  const path = pathOfTarget(target);
  // No path with this prefix is a command at `/`.
  const { prefix } = path.startsWith(commandMount.prefix) ? commandMount : rootCommandMount;
  return path.slice(prefix.length);
}

function decode(text: string): string {
  const bytes = percentDecodeBytes(text);
  if (bytes === undefined) throw new RequestFault('ERR the target is not valid percent-encoding');
  return bytes;
}

/** Clients that write queries with a library send `+` for a space. */
function decodeQuery(text: string): string {
  return decode(text.replaceAll('+', ' '));
}

/** `NAME VALUE` for each parameter, in order; only the name if there is no value. */
function argumentsOfQuery(query: string): string[] {
  const args: string[] = [];
  for (const part of query.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decodeQuery(equals === -1 ? part : part.slice(0, equals));
    args.push(name);
    if (equals !== -1 && equals + 1 < part.length) args.push(decodeQuery(part.slice(equals + 1)));
  }
  return args;
}

/**
 * @param path behind the mount, without a leading slash, still encoded
 * @param query behind `?`, still encoded
 * @throws RequestFault if path or query is not valid percent-encoding
 */
export function commandOfPath(path: string, query: string, body: Buffer): string[] {
  const command = path.split('/').map(decode);
  if (body.length > 0) command.push(body.toString('latin1'));
  return [...command, ...argumentsOfQuery(query)];
}

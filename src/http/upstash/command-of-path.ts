// Commands that stand in the request target: `/set/key/value/EX/100`, or `/set/key?EX=100` with the
// value as the body. Arguments come out as byte strings, whatever bytes they are.
import { percentDecodeBytes } from '../percent-decode.ts';
import { RequestFault } from './request-fault.ts';

function decode(text: string): string {
  const bytes = percentDecodeBytes(text);
  if (bytes === undefined) throw new RequestFault('ERR the target is not valid percent-encoding');
  return bytes;
}

/** In a query, `+` is a space for every client that writes queries by a library. */
function decodeQuery(text: string): string {
  return decode(text.replaceAll('+', ' '));
}

/** `NAME VALUE` for each parameter, in order; the name alone where there is no value. */
function argumentsOfQuery(query: string): string[] {
  const args: string[] = [];
  for (const part of query.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decodeQuery(equals === -1 ? part : part.slice(0, equals));
    if (name === '_token') continue;
    args.push(name);
    if (equals !== -1 && equals + 1 < part.length) args.push(decodeQuery(part.slice(equals + 1)));
  }
  return args;
}

/**
 * @param path behind the mount, without a leading slash, still encoded
 * @param query behind `?`, still encoded
 * @throws RequestFault where it is not percent-encoding
 */
export function commandOfPath(path: string, query: string, body: Buffer): string[] {
  const command = path.split('/').map(decode);
  if (body.length > 0) command.push(body.toString('latin1'));
  return [...command, ...argumentsOfQuery(query)];
}

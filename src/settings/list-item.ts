// Knows the form of each kind of item that a list among the settings may have. Knows no setting.
import { isIP } from 'node:net';
import type { ListItemKind } from './settings-schema.ts';

/** The allowed items of each kind, as messages say them after "allowed: ". */
export const allowedItems: Readonly<Record<ListItemKind, string>> = {
  origin: 'origins as browsers send them, such as https://app.example.com, or * alone',
  host: 'host names such as kv.internal or kv.internal:7411',
  network: 'loopback, IP addresses, and networks such as 10.0.0.0/8',
};

const hostPattern = /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** Schemes besides http, such as those of browser extensions, have no form that a URL parser knows. */
const originPattern = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@,\\]+$/;

function isOrigin(text: string): boolean {
  if (text === '*') return true;
  if (!originPattern.test(text)) return false;
  return !/^https?:/.test(text) || (URL.canParse(text) && new URL(text).origin === text);
}

function isNetwork(text: string): boolean {
  if (text === 'loopback') return true;
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
  );
}

export function isListItem(kind: ListItemKind, text: string): boolean {
  switch (kind) {
    case 'origin':
      return isOrigin(text);
    case 'host':
      return hostPattern.test(text);
    case 'network':
      return isNetwork(text);
    default:
      return kind satisfies never;
  }
}

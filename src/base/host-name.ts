// Names of hosts: reads the value of a Host header, a name or an address, with a port or without.
// Knows no request.

export interface HostName {
  /** In lower case, without a final dot; an IPv6 address in its brackets. */
  readonly name: string;
  /** As it stands; undefined if there is none. */
  readonly port: string | undefined;
}

const pattern = /^(\[[\da-f:.]+\]|[^:[\]/?#@\s]+):?(\d{1,5})?$/i;

/** @returns undefined if the text names no host */
export function parseHost(text: string): HostName | undefined {
  const [, host, port] = pattern.exec(text) ?? [];
  if (host === undefined) return undefined;
  const name = host.toLowerCase().replace(/\.$/, '');
  return name === '' ? undefined : { name, port };
}

const byte = String.raw`(?:25[0-5]|2[0-4]\d|1?\d?\d)`;
const loopbackPattern = new RegExp(String.raw`^127(?:\.${byte}){3}$`);

/** True for names that no name server can point elsewhere (RFC 6761 section 6.3). */
export function isLoopbackName(name: string): boolean {
  if (name === 'localhost' || name.endsWith('.localhost') || name === '[::1]') return true;
  return loopbackPattern.test(name);
}

/** The address to listen on for a name: `localhost` may have two, and a server takes one. */
export function addressOfHost(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : host;
}

// Decides whether a server may listen where its settings say. A server that requires no token
// stays on loopback, and gives no web page of the internet a way in.
import { isLoopbackName, parseHost } from '../base/host-name.ts';
import { SettingError } from '../settings/setting-error.ts';
import type { Settings } from '../settings/settings-schema.ts';

function isLoopback(host: string): boolean {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const parsed = parseHost(name);
  return parsed !== undefined && isLoopbackName(parsed.name);
}

/** @throws SettingError if an open server would be reachable by others than its own machine */
export function checkExposure({ host, corsOrigins }: Settings, isOpen: boolean): void {
  if (!isOpen) return;
  const needed =
    'a token (HOLDFAST_TOKEN, or the option token of startServer), so that only its holders are served';
  if (!isLoopback(host)) {
    throw new SettingError(
      `host is ${JSON.stringify(host)}, which other machines can reach, and no token is required; ` +
        `allowed: a loopback address such as 127.0.0.1, or ${needed}`,
    );
  }
  if (corsOrigins.includes('*')) {
    throw new SettingError(
      `corsOrigins is *, and no token is required, so every web page could use the server; ` +
        `allowed: the origins that may, or ${needed}`,
    );
  }
}

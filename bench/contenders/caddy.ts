// Caddy as a proxy in front of a server, on loopback and without TLS.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../test/support/processes/process-facts.ts';
import { pinned } from '../measuring/cpu-pins.ts';
import type { Place } from './contender.ts';
import { firstMissing, versionOf } from './installed.ts';

const startTries = 200;

/** @returns why it cannot run here; undefined if it can */
export const caddyMissing = (): string | undefined => firstMissing('caddy');

export interface StartedCaddy {
  readonly url: string;
  readonly pid: number;
  readonly version: string;
}

const configOf = (port: number, behind: string): string => `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  bind 127.0.0.1
  reverse_proxy ${new URL(behind).host}
}
`;

/** @param behind the URL of the server that gets the requests */
export async function startCaddy(behind: string, place: Place): Promise<StartedCaddy> {
  const [folder, port] = [await place.belongings.folder(), await freePort()];
  const file = join(folder, 'Caddyfile');
  await writeFile(file, configOf(port, behind));
  const command = ['caddy', 'run', '--config', file, '--adapter', 'caddyfile'];
  // It keeps files of its own, which end with the run.
  const env = { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const program = place.belongings.start(pinned(place.pins.servers, command), { env });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < startTries; tries++) {
    const reply = await fetch(`${url}/readyz`).catch(() => undefined);
    if (reply?.ok === true) {
      const version = `Caddy ${versionOf('caddy', 'version', /(\S+)/)}`;
      return { url, pid: program.pid, version };
    }
    await delay(25);
  }
  throw new Error(`Caddy does not answer at ${url}:\n${program.stderr}`);
}

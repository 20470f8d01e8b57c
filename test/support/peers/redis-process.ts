// A redis-server for one test: on a free port, in a folder of its own, without persistence.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../processes/process-facts.ts';
import { makeTemporaryFolder, removeFolder } from '../processes/server-process.ts';
import { RespClient } from './resp-client.ts';

/** @returns the text of `redis-server --version`; undefined if it is not installed */
export function redisVersion(): string | undefined {
  const { status, stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return status === 0 ? /\bv=(\S+)/.exec(stdout)?.[1] : undefined;
}

export class RedisProcess {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly port: number;

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.#child = child;
    this.#folder = folder;
    this.port = port;
  }

  static async start(flags: readonly string[]): Promise<RedisProcess> {
    const [folder, port] = [await makeTemporaryFolder(), await freePort()];
    const own = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder];
    const keepsNothing = ['--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', [...own, ...keepsNothing, ...flags], { stdio: 'ignore' });
    const redis = new RedisProcess(child, folder, port);
    for (let tries = 0; tries < 200; tries++) {
      if (child.exitCode !== null) break;
      const client = await redis.connect().catch(() => undefined);
      if (client !== undefined) {
        client.close();
        return redis;
      }
      await delay(50);
    }
    await redis.stop();
    throw new Error('redis-server does not start');
  }

  connect(): Promise<RespClient> {
    return RespClient.connect(this.port);
  }

  /** Ends the process that Node holds, by its own id. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await exited;
    }
    await removeFolder(this.#folder);
  }
}

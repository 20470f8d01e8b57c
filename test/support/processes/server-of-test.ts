// Servers that end with the test that started them, and checks of processes and folders.
import { expect, onTestFinished } from 'vitest';
import { nodeFileSystem } from '../../../src/storage/node-file-system.ts';
import { verifyStore } from '../../../src/tools/verify-store.ts';
import {
  ProgramProcess,
  startServer,
  type ProgramOptions,
  type ServerProcess,
} from './server-process.ts';

/** Runs a program. Kills it at the end of the test if it still runs. */
export function runInTest(
  command: string,
  args: readonly string[],
  options?: ProgramOptions,
): ProgramProcess {
  const program = new ProgramProcess(command, args, options);
  onTestFinished(() => program.end());
  return program;
}

/** Starts `holdfast serve` with one shard, unless the flags say otherwise. */
export async function serveInTest(
  dataDir: string,
  flags: readonly string[] = [],
  options?: ProgramOptions,
): Promise<ServerProcess> {
  const server = await startServer(dataDir, ['--shards', '1', ...flags], options);
  onTestFinished(() => server.program.end());
  return server;
}

/** @returns the status of the reply */
export async function putKept(url: string): Promise<number> {
  return (await fetch(`${url}/v1/keys/kept`, { method: 'PUT', body: 'kept' })).status;
}

/** Fails unless a start finds a clean stop, without a torn tail. */
export function expectCleanFolder(dataDir: string): void {
  const verdicts: string[] = [];
  const report = (verdict: string, text: string): void => void verdicts.push(`${verdict}: ${text}`);
  const { damaged } = verifyStore({ fileSystem: nodeFileSystem, dataDir, report });
  expect([damaged, verdicts]).toEqual([0, []]);
}

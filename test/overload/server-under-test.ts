// A compiled server in a folder of its own. Both are removed after the test.
import { onTestFinished } from 'vitest';
import {
  makeTemporaryFolder,
  removeFolder,
  startServer,
} from '../support/processes/server-process.ts';

export async function openServer(flags: readonly string[] = []) {
  const folder = await makeTemporaryFolder();
  onTestFinished(() => removeFolder(folder));
  const { program, url } = await startServer(folder, flags);
  onTestFinished(() => program.end());
  return { folder, program, url, pid: program.pid, port: Number(new URL(url).port) };
}

export async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  if (line === undefined) throw new Error(`there is no metric ${name}`);
  return Number(line.slice(name.length + 1));
}

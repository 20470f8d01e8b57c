// Sends prepared requests, a few at a time, and fails unless every reply is a 2xx.
import type { BenchRequest } from './workload.ts';

const atOnce = 8;

export async function send(url: string, requests: readonly BenchRequest[]): Promise<void> {
  const waiting = [...requests].toReversed();
  const sendRest = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { path, ...init } = next;
      const reply = await fetch(url + path, init);
      const text = await reply.text();
      if (!reply.ok) throw new Error(`${path} was answered ${reply.status} ${text}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, sendRest));
}

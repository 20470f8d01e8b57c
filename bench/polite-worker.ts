// A polite client in a thread of its own, so that a busy load generator does not delay it. Ends at any
// message, and answers with its replies.
import { parentPort, workerData } from 'node:worker_threads';
import { PoliteClient } from './polite-client.ts';

const { url, pauseMs } = workerData as { url: string; pauseMs: number };
const client = new PoliteClient(url);
parentPort?.once('message', () => client.stop());
await client.askOn(pauseMs);
client.close();
// oxlint-disable-next-line require-post-message-target-origin -- a thread, and no window
parentPort?.postMessage(client.replies);

// Records replies of Holdfast, so that the bare server can give the same ones.
import { drawRequest, randomStream, type BenchRequest, type WorkloadKind } from './workload.ts';

export interface RecordedReply {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Base64. */
  readonly body: string;
}

export type RecordedReplies = Readonly<Record<WorkloadKind, RecordedReply>>;

/** The HTTP server of the bare server adds these headers by itself. */
const addedBelow = new Set(['connection', 'date', 'keep-alive', 'transfer-encoding']);

/** @throws Error if the reply is not a 2xx */
export async function recordReply(url: string, request: BenchRequest): Promise<RecordedReply> {
  const { path, ...init } = request;
  const reply = await fetch(url + path, init);
  if (!reply.ok) throw new Error(`${path} was answered ${reply.status} ${await reply.text()}`);
  const headers = [...reply.headers].filter(([name]) => !addedBelow.has(name));
  const body = Buffer.from(await reply.arrayBuffer()).toString('base64');
  return { status: reply.status, headers: Object.fromEntries(headers), body };
}

/** Records replies of a server that has every key of the workload. */
export async function recordReplies(url: string): Promise<RecordedReplies> {
  const record = (kind: WorkloadKind) => recordReply(url, drawRequest(kind, randomStream(1)));
  return { get: await record('get'), put: await record('put'), batch: await record('batch') };
}

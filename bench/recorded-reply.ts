// Records replies of Holdfast, so that the bare server can give the same ones.
import { drawRequest, randomStream, type WorkloadKind } from './workload.ts';

export interface RecordedReply {
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Base64. */
  readonly body: string;
}

export type RecordedReplies = Readonly<Record<WorkloadKind, RecordedReply>>;

/** The HTTP server of the bare server adds these headers by itself. */
const addedBelow = new Set(['connection', 'date', 'keep-alive', 'transfer-encoding']);

async function recordReply(url: string, kind: WorkloadKind): Promise<RecordedReply> {
  const { path, ...init } = drawRequest(kind, randomStream(1));
  const reply = await fetch(url + path, init);
  if (!reply.ok) throw new Error(`${kind} was answered ${reply.status} ${await reply.text()}`);
  const headers = [...reply.headers].filter(([name]) => !addedBelow.has(name));
  const body = Buffer.from(await reply.arrayBuffer()).toString('base64');
  return { status: reply.status, headers: Object.fromEntries(headers), body };
}

/** Records replies of a server that has every key of the workload. */
export async function recordReplies(url: string): Promise<RecordedReplies> {
  return {
    get: await recordReply(url, 'get'),
    put: await recordReply(url, 'put'),
    batch: await recordReply(url, 'batch'),
  };
}

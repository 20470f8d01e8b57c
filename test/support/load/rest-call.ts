// Turns calls into requests of the REST dialect, and replies into outcomes. The one file of a load
// that knows the dialect.
import type { CallOutcome, Content } from './call.ts';
import type { HttpReply, HttpRequest } from './http-connection.ts';

export interface CallToSend {
  readonly key: string;
  readonly op: 'get' | 'put' | 'delete';
  readonly value?: string;
  readonly condition?: number | 'absent' | undefined;
}

interface Problem {
  readonly code?: string;
  readonly outcome?: string;
}

interface BatchResult extends Problem {
  readonly status: number;
  readonly version?: number;
  readonly value?: string;
}

function conditionHeaders(condition: CallToSend['condition']): Record<string, string> {
  if (condition === undefined) return {};
  return condition === 'absent' ? { 'if-none-match': '*' } : { 'if-match': `"${condition}"` };
}

export function singleRequest({ key, op, value, condition }: CallToSend): HttpRequest {
  const path = `/v1/keys/${encodeURIComponent(key)}`;
  const headers = conditionHeaders(condition);
  if (op === 'get') return { method: 'GET', path, headers };
  if (op === 'delete') return { method: 'DELETE', path, headers };
  return { method: 'PUT', path, headers, body: value ?? '' };
}

export function batchRequest(calls: readonly CallToSend[]): HttpRequest {
  const operations = calls.map(({ key, op, value, condition }) => ({
    op,
    key,
    value,
    ...(condition === undefined ? {} : conditionMember(condition)),
  }));
  return { method: 'POST', path: '/v1/batch', body: JSON.stringify({ operations }) };
}

function conditionMember(condition: number | 'absent') {
  return condition === 'absent' ? { ifNoneMatch: '*' } : { ifMatch: condition };
}

/** The outcome that a refusal states. Without one, the outcome counts as unknown. */
function refusal(status: number, { code = `${status}`, outcome }: Problem): CallOutcome {
  return { kind: outcome === 'not-applied' ? 'not-applied' : 'unknown', code };
}

function outcomeOf(op: CallToSend['op'], result: BatchResult): CallOutcome {
  const { status, version, value = '' } = result;
  if (status === 412) return { kind: 'condition-failed', version };
  if (status === 404)
    return op === 'get' ? { kind: 'read', content: undefined } : { kind: 'missing' };
  if (status >= 300) return refusal(status, result);
  if (op === 'get') return { kind: 'read', content: { value, version: version ?? NaN } };
  if (op === 'delete') return { kind: 'deleted' };
  return { kind: 'written', version: version ?? NaN, created: status === 201 };
}

export function outcomeOfSingle(op: CallToSend['op'], reply: HttpReply): CallOutcome {
  const { status, headers, body } = reply;
  if (status >= 300 && status !== 404 && status !== 412) {
    return refusal(status, JSON.parse(body) as Problem);
  }
  const { etag } = headers;
  const version = etag === undefined ? {} : { version: Number(etag.slice(1, -1)) };
  return outcomeOf(op, { status, value: body, ...version });
}

export function outcomesOfBatch(calls: readonly CallToSend[], reply: HttpReply): CallOutcome[] {
  const { status, body } = reply;
  if (status !== 200) return calls.map(() => refusal(status, JSON.parse(body) as Problem));
  const { results } = JSON.parse(body) as { results: BatchResult[] };
  return calls.map(({ op }, index) => outcomeOf(op, results[index] ?? { status: 500 }));
}

export function contentOf(outcome: CallOutcome): Content {
  if (outcome.kind !== 'read') throw new Error(`not an answered read: ${JSON.stringify(outcome)}`);
  return outcome.content;
}

// Replies of the administration, held against the document that describes them: status, code and
// members. One story, told on one server, from an open one to one that requires tokens.
import { expect, test } from 'vitest';
import { openApp } from '../../support/http/open-app.ts';
import { bearer } from '../../support/http/closed-access.ts';

interface Schema {
  readonly required?: readonly string[];
  readonly properties: Readonly<Record<string, { readonly items?: Schema }>>;
}

const noMembers: Schema = { properties: {} };

interface DescribedReply {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema: { readonly $ref: string } }>>;
}

interface Operation {
  readonly responses: Readonly<Record<string, DescribedReply>>;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

interface Sent {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

type Json = Readonly<Record<string, unknown>>;

const users = '/v1/admin/users/{name}';
const tokens = `${users}/tokens`;
const namespaces = '/v1/admin/namespaces/{name}';
const all = [{ namespace: '*', role: 'admin' }];

/** The members that a schema lacks or asks for, of a document and of each item of its list. */
function faultsOf({ required = [], properties }: Schema, json: Json): string[] {
  const missing = required.filter((one) => !(one in json)).map((one) => `no ${one}`);
  const unknown = Object.keys(json).filter((one) => !(one in properties));
  const { items } = json;
  const schema = properties['items']?.items;
  if (!Array.isArray(items) || schema === undefined) return [...missing, ...unknown];
  return [...missing, ...unknown, ...(items as Json[]).flatMap((item) => faultsOf(schema, item))];
}

/** Sends requests, and finds each reply in the document. */
class Reader {
  /** Differences between replies and the document. */
  readonly faults: string[] = [];
  readonly #url: string;
  readonly #document: Document;

  constructor(url: string, document: Document) {
    this.#url = url;
    this.#document = document;
  }

  /**
   * @param operation method and path as the document spells them
   * @param names stand for the parameters of the path, in order
   * @returns status, code and document of the reply
   */
  async send(operation: string, names: readonly string[], { body, headers = {} }: Sent = {}) {
    const [method = '', path = ''] = operation.split(' ');
    const left = [...names];
    const target = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(left.shift() ?? ''));
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const reply = await fetch(this.#url + target, { method, headers, ...sent });
    const text = await reply.text();
    const json = (text === '' ? {} : JSON.parse(text)) as Json;
    const faults = this.#faultsOf(operation, reply.status, json);
    this.faults.push(...faults.map((fault) => `${operation} ${reply.status}: ${fault}`));
    return { status: reply.status, code: json['code'], json };
  }

  #faultsOf(operation: string, status: number, json: Json): string[] {
    const [method = '', path = ''] = operation.split(' ');
    const described = this.#document.paths[path]?.[method.toLowerCase()]?.responses[status];
    if (described === undefined) return ['this status is not in the document'];
    const { description, content } = described;
    const code = String(json['code']);
    if (status >= 400 && !description.includes(`\`${code}\``)) return [`no code ${code}`];
    const [{ schema } = { schema: { $ref: '' } }] = Object.values(content ?? {});
    const named = this.#document.components.schemas[schema.$ref.split('/').at(-1) ?? ''];
    return faultsOf(named ?? noMembers, json);
  }
}

async function openReader(): Promise<Reader> {
  const { url } = await openApp({ access: { namespacesMax: 3 } });
  const document = (await (await fetch(`${url}/docs/json`)).json()) as Document;
  return new Reader(url, document);
}

async function outcomesOf(
  reader: Reader,
  requests: readonly (readonly [string, readonly string[], Sent?])[],
): Promise<string[]> {
  const outcomes: string[] = [];
  for (const [operation, names, sent] of requests) {
    // oxlint-disable-next-line no-await-in-loop -- each request meets what those before it left
    const { status, code = '' } = await reader.send(operation, names, sent);
    outcomes.push(`${status} ${String(code)}`.trim());
  }
  return outcomes;
}

const body = (value: unknown): Sent => ({ body: value });

test('each reply about users is in the document, before and after the first token', async () => {
  const reader = await openReader();
  const early = await outcomesOf(reader, [
    [`PUT ${users}`, ['ann']],
    [`PUT ${users}`, ['ann'], body({ disabled: false })],
    [`PUT ${users}`, ['.ann']],
    [`PUT ${users}`, ['ann'], { headers: { 'content-encoding': 'gzip' }, body: {} }],
    [`GET ${users}`, ['ann']],
    [`GET ${users}`, ['ben']],
    ['GET /v1/admin/users', []],
    [`GET ${tokens}`, ['ann']],
    [`POST ${tokens}`, ['ben'], body({ name: 'a', grants: all })],
    [`POST ${tokens}`, ['ann'], body({ name: 'a', grants: [] })],
    [`POST ${tokens}`, ['ann'], body({ name: 'a', grants: [{ namespace: '~a', role: 'read' }] })],
    [`POST ${tokens}`, ['ann'], body({ name: 'a', grants: [{ namespace: 'a', role: 'read' }] })],
  ]);
  expect(early).toEqual([
    '201',
    '204',
    '400 BAD_REQUEST',
    '415 ENCODING_UNSUPPORTED',
    '200',
    '404 USER_NOT_FOUND',
    '200',
    '200',
    '404 USER_NOT_FOUND',
    '400 BAD_REQUEST',
    '400 NAMESPACE_INVALID',
    '409 ADMIN_TOKEN_REQUIRED',
  ]);
  const made = await reader.send(`POST ${tokens}`, ['ann'], body({ name: 'first', grants: all }));
  expect(made.status).toBe(201);
  const headers = bearer(String(made.json['token']));
  const reads = [{ namespace: 'default', role: 'read', prefixes: ['a/'] }];
  const second = {
    name: 'second',
    grants: reads,
    expiresAt: Date.now() + 1e9,
    requestsPerSecond: 5,
  };
  const other = await reader.send(`POST ${tokens}`, ['ann'], { headers, body: second });
  const reading = { headers: bearer(String(other.json['token'])) };
  const late = await outcomesOf(reader, [
    [`GET ${tokens}`, ['ann'], { headers }],
    [`GET ${tokens}`, ['ann']],
    [`GET ${tokens}`, ['ann'], reading],
    ['GET /v1/whoami', [], reading],
    [`DELETE ${tokens}/{id}`, ['ann', 'none'], { headers }],
    [`DELETE ${tokens}/{id}`, ['ann', String(made.json['id'])], { headers }],
    [`DELETE ${tokens}/{id}`, ['ann', String(other.json['id'])], { headers }],
    [`DELETE ${tokens}/{id}`, ['ann', String(other.json['id'])], reading],
    [`PUT ${users}`, ['ann'], { headers, body: { disabled: true } }],
    [`DELETE ${users}`, ['ann'], { headers }],
    [`DELETE ${users}`, ['ben'], { headers }],
  ]);
  expect(late).toEqual([
    '200',
    '401 UNAUTHENTICATED',
    '403 FORBIDDEN',
    '200',
    '404 TOKEN_NOT_FOUND',
    '409 ADMIN_TOKEN_REQUIRED',
    '204',
    '401 UNAUTHENTICATED',
    '409 ADMIN_TOKEN_REQUIRED',
    '409 ADMIN_TOKEN_REQUIRED',
    '404 USER_NOT_FOUND',
  ]);
  expect(reader.faults).toEqual([]);
});

test('each reply about namespaces is in the document', async () => {
  const reader = await openReader();
  const outcomes = await outcomesOf(reader, [
    [`PUT ${namespaces}`, ['shop']],
    [`PUT ${namespaces}`, ['shop'], body({ keysMax: 10, bytesMax: 100, audit: 'writes' })],
    [`PUT ${namespaces}`, ['shop'], body({ keysMax: -1 })],
    [`PUT ${namespaces}`, ['~access']],
    [`GET ${namespaces}`, ['shop']],
    [`GET ${namespaces}`, ['blog']],
    ['GET /v1/admin/namespaces', []],
    [`PUT ${namespaces}`, ['blog']],
    [`PUT ${namespaces}`, ['wiki']],
    [`DELETE ${namespaces}`, ['shop']],
    [`DELETE ${namespaces}`, ['shop']],
    [`DELETE ${namespaces}`, ['default']],
  ]);
  expect(outcomes).toEqual([
    '201',
    '204',
    '400 BAD_REQUEST',
    '400 NAMESPACE_INVALID',
    '200',
    '404 NAMESPACE_NOT_FOUND',
    '200',
    '201',
    '507 NAMESPACES_FULL',
    '204',
    '404 NAMESPACE_NOT_FOUND',
    '409 NAMESPACE_REQUIRED',
  ]);
  expect(reader.faults).toEqual([]);
});

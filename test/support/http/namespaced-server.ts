// A server with namespaces by path, for commands that talk to one: passes /ns/{name}/… on to the real
// HTTP layer over a model store of its own. Tests may answer any request in its place.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { HttpLimits } from '../../../src/http/limits.ts';
import type { ModelStore } from '../stores/model-store.ts';
import { openApp } from './open-app.ts';

export interface SeenRequest {
  readonly method: string;
  /** Behind the name of the namespace. */
  readonly path: string;
  readonly namespace: string;
  readonly body: string;
  readonly authorization: string | undefined;
}

/** @returns true if it has answered the request */
export type Interceptor = (
  request: SeenRequest,
  reply: ServerResponse,
) => boolean | Promise<boolean>;

interface Upstream {
  readonly model: ModelStore;
  readonly url: string;
}

export class NamespacedServer {
  readonly requests: SeenRequest[] = [];
  intercept: Interceptor = () => false;
  url = '';
  readonly #limits: Partial<HttpLimits>;
  readonly #upstreams = new Map<string, Upstream>();

  private constructor(limits: Partial<HttpLimits>) {
    this.#limits = limits;
  }

  static async open(limits: Partial<HttpLimits> = {}): Promise<NamespacedServer> {
    const namespaced = new NamespacedServer(limits);
    const server = createServer((request, reply) => {
      namespaced.#answer(request, reply).catch(() => reply.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    namespaced.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return namespaced;
  }

  /** Makes the namespace. Its entries are in the default namespace of the model. */
  async make(name: string): Promise<ModelStore> {
    return (await this.#make(name)).model;
  }

  /** The store of a namespace that has been made. */
  modelOf(name: string): ModelStore {
    const upstream = this.#upstreams.get(name);
    if (upstream === undefined) throw new Error(`${name} has not been made`);
    return upstream.model;
  }

  has(name: string): boolean {
    return this.#upstreams.has(name);
  }

  async #make(name: string): Promise<Upstream> {
    const known = this.#upstreams.get(name);
    if (known !== undefined) return known;
    const limits = { batchOperationsMax: 1000, batchBytesMax: 4 * 1024 * 1024, ...this.#limits };
    const room = { bodyBytesInFlightMax: 16 * 1024 * 1024, valueBytesMax: 2 * 1024 * 1024 };
    const { model, url } = await openApp({ limits: { ...room, ...limits } });
    model.nowMs = Date.now();
    const upstream = { model, url };
    this.#upstreams.set(name, upstream);
    return upstream;
  }

  async #answer(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const body = await text(request);
    const [, namespace = '', path = ''] = /^\/ns\/([^/]+)(\/.*)$/.exec(url) ?? [];
    const seen = { method, path, namespace, body, authorization: headers.authorization };
    this.requests.push(seen);
    if (await this.intercept(seen, reply)) return;
    if (namespace === '') {
      sendProblem(reply, 404, 'ROUTE_NOT_FOUND', 'There is nothing at this path.');
    } else if (path.startsWith('/v1/batch') || this.has(namespace)) {
      await pass(await this.#make(namespace), seen, reply);
    } else {
      sendProblem(reply, 404, 'NAMESPACE_NOT_FOUND', `There is no namespace ${namespace}.`);
    }
  }
}

export function sendProblem(
  reply: ServerResponse,
  status: number,
  code: string,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): true {
  reply.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
  reply.end(JSON.stringify({ status, code, detail }));
  return true;
}

async function pass(to: Upstream, seen: SeenRequest, reply: ServerResponse): Promise<void> {
  const { method, path, body } = seen;
  const answer = await fetch(`${to.url}${path}`, {
    method,
    ...(method === 'GET' ? {} : { body }),
  });
  const type = answer.headers.get('content-type') ?? '';
  reply.writeHead(answer.status, { 'content-type': type }).end(await answer.text());
}

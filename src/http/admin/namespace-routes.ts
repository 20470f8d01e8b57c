// Namespaces, for administrators of the server and of each namespace. An administrator of one
// namespace sees that one alone. Owns no rule: src/access has them all.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseNamespaceSettings } from '../../access/namespace-settings.ts';
import { isNamespaceName } from '../../base/namespace-name.ts';
import { callerOf } from '../access/request-scopes.ts';
import { readStrayBody, type ReadBody } from '../body/body-reader.ts';
import type { RouteContext } from '../route-context.ts';
import {
  answering,
  emptyAnswer,
  jsonAnswer,
  type Answer,
  type AnswerRequest,
} from '../wire/answer.ts';
import { jsonBody, nameIn, pageAnswer, pageQuery, refuseQuery } from './admin-request.ts';
import { auditedAction } from './audited-actions.ts';

const namespaces = '/v1/admin/namespaces';
const namespace = `${namespaces}/:name`;

class NamespaceHandlers {
  readonly #context: RouteContext;

  constructor(context: RouteContext) {
    this.#context = context;
  }

  readonly list = async (request: FastifyRequest): Promise<Answer> => {
    this.#authorizationOf(request).requireSomeAdmin();
    this.#context.audits.requireRoom();
    const { rights } = callerOf(request);
    const administers = (name: string): boolean => rights.in(name).isAdmin;
    const { after, limit } = pageQuery(request);
    return pageAnswer(await this.#namespaces.views(after, limit, administers));
  };

  readonly get = async (request: FastifyRequest): Promise<Answer> => {
    const name = this.#nameFor(request);
    refuseQuery(request);
    return jsonAnswer(200, JSON.stringify(await this.#namespaces.view(name)));
  };

  readonly put = async (request: FastifyRequest, readBody: ReadBody): Promise<Answer> => {
    const judge = () => void this.#nameFor(request);
    judge();
    refuseQuery(request);
    const settings = parseNamespaceSettings(await jsonBody(readBody));
    const outcome = await this.#namespaces.put(nameIn(request, 'name'), settings, judge);
    return emptyAnswer(outcome === 'created' ? 201 : 204);
  };

  readonly delete = async (request: FastifyRequest, readBody: ReadBody): Promise<Answer> => {
    const name = this.#nameFor(request);
    refuseQuery(request);
    await readStrayBody(readBody);
    await this.#namespaces.drop(name, () => void this.#nameFor(request));
    return emptyAnswer(204);
  };

  get #namespaces() {
    return this.#context.access.namespaces;
  }

  /**
   * The namespace of the path.
   *
   * @throws StoreError if the caller does not administer it, the same whether or not it exists; AUDIT_FULL
   */
  #nameFor(request: FastifyRequest): string {
    const name = nameIn(request, 'name');
    const { isServerAdmin } = callerOf(request).rights;
    const authorization = this.#authorizationOf(request);
    if (isServerAdmin) authorization.requireServerAdmin();
    else authorization.requireAdmin(name);
    this.#context.audits.requireRoom();
    return name;
  }

  #authorizationOf(request: FastifyRequest) {
    return this.#context.scopes.storeOf(callerOf(request)).authorization;
  }
}

/** The audit log names it as the namespace of the action. */
function targetOf(request: FastifyRequest) {
  const name = nameIn(request, 'name');
  return isNamespaceName(name) ? { namespace: name } : {};
}

export function namespaceRoutes(app: FastifyInstance, context: RouteContext): void {
  const handlers = new NamespaceHandlers(context);
  const audited = (action: string, answer: AnswerRequest<FastifyRequest>) =>
    answering(auditedAction(context.audits, { action, targetOf, answer }));
  app.get(namespaces, audited('namespace.list', handlers.list));
  app.get(namespace, audited('namespace.get', handlers.get));
  app.put(namespace, audited('namespace.put', handlers.put));
  app.delete(namespace, audited('namespace.delete', handlers.delete));
}

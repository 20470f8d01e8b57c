// Users and their tokens, for administrators of the server. Owns no rule: src/access has them all.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Judge } from '../../access/record-changes.ts';
import { parseTokenRequest, parseUserRequest } from '../../access/token-request.ts';
import { callerOf } from '../access/request-scopes.ts';
import { readStrayBody, type ReadBody } from '../body/body-reader.ts';
import type { RouteContext } from '../route-context.ts';
import { answering, emptyAnswer, jsonAnswer, type Answer } from '../wire/answer.ts';
import { jsonBody, nameIn, pageAnswer, pageQuery, refuseQuery } from './admin-request.ts';

const users = '/v1/admin/users';
const user = `${users}/:name`;
const tokens = `${user}/tokens`;
const token = `${tokens}/:id`;

class UserHandlers {
  readonly #context: RouteContext;

  constructor(context: RouteContext) {
    this.#context = context;
  }

  readonly list = (request: FastifyRequest): Answer => {
    this.#requireAdmin(request);
    const { after, limit } = pageQuery(request);
    return pageAnswer(this.#administration.users(after, limit));
  };

  readonly get = (request: FastifyRequest): Answer => {
    this.#requireAdmin(request);
    refuseQuery(request);
    return jsonAnswer(200, JSON.stringify(this.#administration.user(nameIn(request, 'name'))));
  };

  readonly put = async (request: FastifyRequest, readBody: ReadBody): Promise<Answer> => {
    this.#requireAdmin(request);
    refuseQuery(request);
    const asked = parseUserRequest(await jsonBody(readBody));
    const judge = this.#judgeOf(request);
    const outcome = await this.#administration.putUser(nameIn(request, 'name'), asked, judge);
    return emptyAnswer(outcome === 'created' ? 201 : 204);
  };

  readonly delete = async (request: FastifyRequest, readBody: ReadBody): Promise<Answer> => {
    this.#requireAdmin(request);
    refuseQuery(request);
    await readStrayBody(readBody);
    await this.#administration.deleteUser(nameIn(request, 'name'), this.#judgeOf(request));
    return emptyAnswer(204);
  };

  readonly listTokens = (request: FastifyRequest): Answer => {
    this.#requireAdmin(request);
    refuseQuery(request);
    const items = this.#administration.tokens(nameIn(request, 'name'));
    return jsonAnswer(200, JSON.stringify({ items }));
  };

  readonly postToken = async (request: FastifyRequest, readBody: ReadBody): Promise<Answer> => {
    const { access } = this.#context;
    this.#requireAdmin(request);
    refuseQuery(request);
    const asked = parseTokenRequest(await jsonBody(readBody), access.nowMs());
    const judge = this.#judgeOf(request);
    const made = await this.#administration.createToken(nameIn(request, 'name'), asked, judge);
    return jsonAnswer(201, JSON.stringify(made));
  };

  readonly deleteToken = async (request: FastifyRequest, readBody: ReadBody): Promise<Answer> => {
    this.#requireAdmin(request);
    refuseQuery(request);
    await readStrayBody(readBody);
    const [name, id] = [nameIn(request, 'name'), nameIn(request, 'id')];
    await this.#administration.deleteToken(name, id, this.#judgeOf(request));
    return emptyAnswer(204);
  };

  get #administration() {
    return this.#context.access.administration;
  }

  /** Asked behind the wait for a body and for other changes: one of them may revoke the token. */
  #judgeOf(request: FastifyRequest): Judge {
    return () => this.#requireAdmin(request);
  }

  #requireAdmin(request: FastifyRequest): void {
    this.#context.scopes.storeOf(callerOf(request)).authorization.requireServerAdmin();
  }
}

export function userRoutes(app: FastifyInstance, context: RouteContext): void {
  const handlers = new UserHandlers(context);
  app.get(users, answering(handlers.list));
  app.get(user, answering(handlers.get));
  app.put(user, answering(handlers.put));
  app.delete(user, answering(handlers.delete));
  app.get(tokens, answering(handlers.listTokens));
  app.post(tokens, answering(handlers.postToken));
  app.delete(token, answering(handlers.deleteToken));
}

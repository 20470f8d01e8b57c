// Users and their tokens, for administrators of the server. Owns no rule: src/access has them all.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Judge } from '../../access/record-changes.ts';
import { idOfToken, isTokenId } from '../../access/token.ts';
import { parseTokenRequest, parseUserRequest } from '../../access/token-request.ts';
import { isUserName } from '../../access/user-name.ts';
import type { NewTokenView } from '../../access/views.ts';
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
    this.#context.audits.requireRoom();
  }
}

/**
 * The user of the path and the id of the token, as the audit log names them. Text that is no name or no id
 * is left out: it may be a token that was pasted there.
 */
function targetOf(request: FastifyRequest, answer: Answer | undefined) {
  const name = nameIn(request, 'name');
  if (!isUserName(name) || idOfToken(name) !== undefined) return {};
  const id = request.method === 'POST' ? idOfMade(answer) : nameIn(request, 'id');
  return { target: isTokenId(id) ? `${name}/${id}` : name };
}

/** The id in the answer that has a new token. */
function idOfMade(answer: Answer | undefined): string {
  if (answer === undefined) return '';
  return (JSON.parse(answer.body.toString()) as NewTokenView).id;
}

export function userRoutes(app: FastifyInstance, context: RouteContext): void {
  const handlers = new UserHandlers(context);
  const audited = (action: string, answer: AnswerRequest<FastifyRequest>) =>
    answering(auditedAction(context.audits, { action, targetOf, answer }));
  app.get(users, audited('user.list', handlers.list));
  app.get(user, audited('user.get', handlers.get));
  app.put(user, audited('user.put', handlers.put));
  app.delete(user, audited('user.delete', handlers.delete));
  app.get(tokens, audited('token.list', handlers.listTokens));
  app.post(tokens, audited('token.create', handlers.postToken));
  app.delete(token, audited('token.delete', handlers.deleteToken));
}

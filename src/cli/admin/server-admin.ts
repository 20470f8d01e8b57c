// Administers a running server over HTTP. Sends each request once, to the address that the operator has
// named and to no other. Loads no package: scripts call this often.
import type {
  CallerView,
  NamespaceView,
  NewTokenView,
  TokenView,
  UserView,
} from '../../access/views.ts';
import { systemErrorCode } from '../../base/errors.ts';
import { isObject, type JsonObject } from '../../base/json-object.ts';
import { CommandError, exitCodes } from '../command-error.ts';
import { reasonOf } from '../fetch-backup.ts';
import { urlBelow, withPathAdvice, type ServerRequest } from '../server-request.ts';
import {
  nothingChanged,
  pageLimit,
  RefusedAdministration,
  type AccessStatus,
  type AdminClient,
} from './admin-client.ts';

/** A change waits for those before it, and a measure for all shards. */
const answerMsMaxDefault = 60_000;

interface Question {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Below the address of the server. */
  readonly path: string;
  readonly body?: JsonObject;
  /** Of a change: the command that tells if the change was made. Undefined: nothing is changed. */
  readonly toldBy?: string;
}

interface Answer {
  readonly status: number;
  /** Undefined: no JSON object. */
  readonly json: JsonObject | undefined;
}

export class ServerAdmin implements AdminClient {
  readonly place: string;
  readonly #request: ServerRequest;
  readonly #answerMsMax: number;

  constructor(request: ServerRequest, answerMsMax = answerMsMaxDefault) {
    this.#request = request;
    this.#answerMsMax = answerMsMax;
    this.place = request.url.origin;
  }

  users(): Promise<readonly UserView[]> {
    return this.#all('v1/admin/users');
  }

  user(name: string): Promise<UserView> {
    return this.#document(get(userPath(name)));
  }

  async putUser(name: string, body: JsonObject): Promise<void> {
    await this.#send({ method: 'PUT', path: userPath(name), body, toldBy: showUser(name) });
  }

  async deleteUser(name: string): Promise<void> {
    await this.#send({ method: 'DELETE', path: userPath(name), toldBy: showUser(name) });
  }

  async tokens(user: string): Promise<readonly TokenView[]> {
    const { items } = await this.#document<{ items: TokenView[] }>(get(tokensPath(user)));
    return items;
  }

  createToken(user: string, body: JsonObject): Promise<NewTokenView> {
    return this.#document({
      method: 'POST',
      path: tokensPath(user),
      body,
      toldBy: listTokens(user),
    });
  }

  async deleteToken(user: string, id: string): Promise<void> {
    const path = `${tokensPath(user)}/${encodeURIComponent(id)}`;
    await this.#send({ method: 'DELETE', path, toldBy: listTokens(user) });
  }

  namespaces(): Promise<readonly NamespaceView[]> {
    return this.#all('v1/admin/namespaces');
  }

  namespace(name: string): Promise<NamespaceView> {
    return this.#document(get(namespacePath(name)));
  }

  async putNamespace(name: string, body: JsonObject): Promise<void> {
    const toldBy = showNamespace(name);
    await this.#send({ method: 'PUT', path: namespacePath(name), body, toldBy });
  }

  async dropNamespace(name: string): Promise<void> {
    const toldBy = showNamespace(name);
    await this.#send({ method: 'DELETE', path: namespacePath(name), toldBy });
  }

  async status(): Promise<AccessStatus> {
    const question = get('v1/whoami');
    const answer = await this.#answer(question);
    if (answer.status === 401) {
      this.#problemOf(question, answer);
      return { tokenRequired: true };
    }
    const caller = this.#success(question, answer) as unknown as CallerView;
    return { tokenRequired: caller.user !== null, caller };
  }

  async #all<View>(path: string): Promise<readonly View[]> {
    const all: View[] = [];
    let cursor = '';
    do {
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the last one ended
      const page = await this.#document<{ items: View[]; cursor?: string }>(
        get(`${path}?limit=${pageLimit}${cursor}`),
      );
      all.push(...page.items);
      cursor = page.cursor === undefined ? '' : `&cursor=${encodeURIComponent(page.cursor)}`;
    } while (cursor !== '');
    return all;
  }

  async #document<View>(question: Question): Promise<View> {
    const document = await this.#send(question);
    if (document === undefined) throw this.#noServer(question, 'without a document');
    return document as View;
  }

  async #send(question: Question): Promise<JsonObject | undefined> {
    return this.#success(question, await this.#answer(question));
  }

  async #answer(question: Question): Promise<Answer> {
    const { method, path, body } = question;
    const at = urlBelow(this.#request.url, path);
    const signal = AbortSignal.timeout(this.#answerMsMax);
    const headers = new Headers(this.#request.headers);
    if (body !== undefined) headers.set('content-type', 'application/json');
    const parts: RequestInit = { method, headers, signal, redirect: 'manual' };
    if (body !== undefined) parts.body = JSON.stringify(body);
    try {
      const response = await fetch(at, parts);
      const { status } = response;
      return { status, json: objectOf(await response.text()) };
    } catch (error) {
      throw this.#unanswered(question, error, signal.aborted);
    }
  }

  #success(question: Question, answer: Answer): JsonObject | undefined {
    const { status, json } = answer;
    if (status >= 300 && status < 400) {
      throw failure(
        `${this.place} redirects to another address; allowed: its own one as --url. No header or ` +
          'token was sent there',
      );
    }
    if (status >= 200 && status < 300) return json;
    const { code, detail } = this.#problemOf(question, answer);
    const advice = code === 'UNAUTHENTICATED' ? ' See --token-file and HOLDFAST_TOKEN.' : '';
    const shown = code === 'ROUTE_NOT_FOUND' ? withPathAdvice(detail, this.#request.url) : detail;
    throw new RefusedAdministration(this.place, code, `${shown}${advice}`);
  }

  #problemOf(
    question: Question,
    { status, json = {} }: Answer,
  ): { readonly code: string; readonly detail: string } {
    const { code, detail } = json;
    if (typeof code === 'string' && typeof detail === 'string') return { code, detail };
    throw this.#noServer(question, String(status));
  }

  #noServer({ toldBy }: Question, answer: string): CommandError {
    return failure(
      `${this.place} answered ${answer}, but not as a Holdfast server that has users and ` +
        `namespaces${unknownOutcome(toldBy)}`,
    );
  }

  #unanswered({ toldBy }: Question, error: unknown, isLate: boolean): CommandError {
    const why = isLate ? `no answer within ${this.#answerMsMax / 1000} s` : reasonOf(error);
    const code = systemErrorCode(error instanceof Error ? error.cause : error);
    const isUnsent = toldBy !== undefined && code !== undefined && unsentCodes.has(code);
    const outcome = isUnsent ? `. ${nothingChanged}` : unknownOutcome(toldBy);
    return failure(`${this.place} cannot be reached (${why})${outcome}`, error);
  }
}

/** The sentence behind an error after which a change may have been made; empty if there is no change. */
function unknownOutcome(toldBy: string | undefined): string {
  if (toldBy === undefined) return '';
  return `. It is not known if the change was made: \`${toldBy}\` with the same options tells`;
}

const get = (path: string): Question => ({ method: 'GET', path });

const showUser = (name: string): string => `holdfast user show ${name}`;
const listTokens = (user: string): string => `holdfast token list ${user}`;
const showNamespace = (name: string): string => `holdfast namespace show ${name}`;

/** With these, no byte of the request has left. */
const unsentCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const userPath = (name: string): string => `v1/admin/users/${encodeURIComponent(name)}`;
const tokensPath = (user: string): string => `${userPath(user)}/tokens`;
const namespacePath = (name: string): string => `v1/admin/namespaces/${encodeURIComponent(name)}`;

function objectOf(text: string): JsonObject | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

function failure(message: string, cause?: unknown): CommandError {
  return new CommandError(exitCodes.failed, message, cause);
}

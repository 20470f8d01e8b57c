// Builds the parts that all requests of a command to a server share: address, headers, and at most one
// credential. No value of a header, token or password gets into an error. Sends nothing.
import { readFileSync } from 'node:fs';
import { systemErrorCode } from '../base/errors.ts';
import { usageError } from './command-error.ts';
import { clientTokenOf, type Environment } from './token-variables.ts';

export interface ServerRequest {
  /** Without user name and password. */
  readonly url: URL;
  readonly headers: Headers;
}

export interface ServerRequestOptions {
  /** As typed. */
  readonly url: string;
  /** Lines `Name: value`. */
  readonly header: readonly string[];
  readonly token?: string;
  readonly tokenFile?: string;
}

/** @throws CommandError that says what is allowed */
export function serverRequest(
  options: ServerRequestOptions,
  environment: Environment,
): ServerRequest {
  const url = parseUrl(options.url);
  const headers = new Headers();
  for (const line of options.header) addHeader(headers, line);
  const given = [
    ...(headers.has('authorization') ? [{ source: 'a header Authorization' }] : []),
    ...credentialOfUrl(url),
    ...credentialsOfTokens(options),
  ];
  if (given.length > 1) {
    const sources = given.map(({ source }) => source).join(' and ');
    throw usageError(`${sources} say who asks; allowed: one of them`);
  }
  const { value } = given[0] ?? credentialOf(environment) ?? {};
  if (value !== undefined) headers.set('authorization', value);
  url.username = '';
  url.password = '';
  return { url, headers };
}

/** The address of a path of the server, which may itself be below a path. */
export function urlBelow(url: URL, path: string): URL {
  const folder = url.pathname.endsWith('/') ? url : new URL(`${url.pathname}/`, url);
  return new URL(path, folder);
}

/** An error that a wrong path in --url may explain, with what is allowed if --url has a path. */
export function withPathAdvice(message: string, { origin, pathname }: URL): string {
  if (pathname === '/') return message;
  return (
    `${message.replace(/\.$/, '')}; --url is ${origin}${pathname}; allowed: the address of the ` +
    'server without a path, or with the path that a proxy puts before it'
  );
}

interface Credential {
  readonly source: string;
  /** Value for the header Authorization; undefined if --header has set the header already. */
  readonly value?: string;
}

const allowedUrl = 'allowed: an address like http://127.0.0.1:7411';

function parseUrl(typed: string): URL {
  const url = URL.canParse(typed) ? new URL(typed) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  // The text before the last @ may have a password.
  const shown = typed.replace(/^([a-z][\w+.-]*:\/\/)?.*@/is, '$1***@');
  throw usageError(`--url is "${shown}"; ${allowedUrl}`);
}

/** Headers that follow from the address, from the connection, or from the missing body. */
const notForRequests: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function addHeader(headers: Headers, line: string): void {
  const [, name = '', value = ''] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*(.*?)[ \t]*$/s.exec(line) ?? [];
  if (name === '' || /[^\t\u0020-\u007e\u0080-\u00ff]/.test(value)) {
    throw usageError(`a --header (not shown) cannot be sent; allowed: 'Name: value' in Latin-1`);
  }
  if (notForRequests.has(name.toLowerCase())) {
    throw usageError(`--header cannot set ${name}; allowed: what the connection does not decide`);
  }
  headers.append(name, value);
}

function credentialOfUrl({ username, password }: URL): Credential[] {
  if (username === '' && password === '') return [];
  const pair = `${decoded(username)}:${decoded(password)}`;
  const value = `Basic ${Buffer.from(pair).toString('base64')}`;
  return [{ source: 'the user name in --url', value }];
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw usageError('the user name or password in --url is not percent-encoded UTF-8');
  }
}

function credentialsOfTokens({ token, tokenFile }: ServerRequestOptions): Credential[] {
  return [
    ...(token === undefined ? [] : [bearer('--token', token)]),
    ...(tokenFile === undefined ? [] : [bearer('--token-file', readToken(tokenFile))]),
  ];
}

function credentialOf(environment: Environment): Credential | undefined {
  const { origin = '', texts: [token] = [] } = clientTokenOf(environment) ?? {};
  return token === undefined ? undefined : bearer(origin, token);
}

function bearer(source: string, token: string): Credential {
  if (/^[\u0021-\u007e]+$/.test(token)) return { source, value: `Bearer ${token}` };
  throw usageError(`the token of ${source} (not shown) is empty or has a space or another character \
that a token cannot have; allowed: visible ASCII`);
}

/** Without the line break at its end. */
function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const why = systemErrorCode(error) ?? String(error);
    throw usageError(`--token-file ${file} cannot be read (${why})`);
  }
}

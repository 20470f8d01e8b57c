// Splits request targets by ourselves: a router that decodes, normalises or limits paths would
// change keys. Routes with a key are looked up under one fixed target; the key stays in the
// original one. Knows where a key stands, not what a key may be.
import type { FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';

const keyPrefix = '/v1/keys/';

/** The pattern that the routes of one key are registered under. */
export const keyRoute = '/v1/keys/:key';

/** What every target with a key is routed as. */
const keyRouteTarget = '/v1/keys/-';

/** No router can decode it: sends a request to the handler of those that can not be routed. */
const unroutableTarget = '/%';

/** Clients that take us for a proxy send the absolute form (RFC 9112 section 3.2.2). */
const schemeAndAuthority = /^https?:\/\/[^/?#]*/i;

function originForm(target: string): string {
  if (target.startsWith('/')) return target;
  const path = target.replace(schemeAndAuthority, '');
  return path.startsWith('/') ? path : `/${path}`;
}

/** The target that a request is routed by; for the framework's `rewriteUrl`. */
export function routedTarget({ url: target = '', headers, httpVersion }: IncomingMessage): string {
  if (target.includes('#')) return unroutableTarget;
  // Node would answer this by itself, in another form than ours.
  if (headers.host === undefined && httpVersion !== '1.0') return unroutableTarget;
  const path = originForm(target);
  return path.startsWith(keyPrefix) ? keyRouteTarget : path;
}

export function pathOfTarget(target: string): string {
  const path = originForm(target);
  const end = path.indexOf('?');
  return end === -1 ? path : path.slice(0, end);
}

/** What stands between `?` and the end, still encoded; empty where there is nothing. */
export function queryText(request: FastifyRequest): string {
  const start = request.originalUrl.indexOf('?');
  return start === -1 ? '' : request.originalUrl.slice(start + 1);
}

/** The key of a request to `keyRoute`, still encoded. */
export function keyText(request: FastifyRequest): string {
  const path = originForm(request.originalUrl);
  const end = path.indexOf('?');
  return end === -1 ? path.slice(keyPrefix.length) : path.slice(keyPrefix.length, end);
}

/** The label that metrics count a routed target under: `routes` names the known ones. */
export function routeOfTarget(target: string, routes: ReadonlySet<string>): string {
  if (target === keyRouteTarget) return keyRoute;
  const path = pathOfTarget(target);
  if (routes.has(path)) return path;
  return path.startsWith('/docs/') ? '/docs' : 'other';
}

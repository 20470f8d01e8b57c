// Serves /docs: the OpenAPI document, and a page that shows it. The page's files come from this
// server alone, and its policy lets it load nothing else. All addresses are relative: a proxy may
// add a prefix that this server does not see.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { StoreError } from '../../base/errors.ts';
import { fastify } from '../framework.ts';
import { sendAnswer } from '../wire/answer.ts';
import { problemOf } from '../wire/problem.ts';
import { pathOfTarget } from '../wire/request-target.ts';
import { openapiDocument } from './openapi-document.ts';

const contentSecurityPolicy = [
  "default-src 'none'",
  "base-uri 'none'",
  "connect-src 'self'",
  "font-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "img-src 'self' data:",
  "script-src 'self'",
  "style-src 'self'",
].join('; ');

/**
 * Finds the address to redirect to. The page finds its files by its own address, which must have no
 * query for that.
 *
 * @returns the address without the query, relative to `target`; undefined if no redirect is needed
 */
function pageBehind(target: string): string | undefined {
  const path = pathOfTarget(target);
  if (path === '/docs/static/index.html') return '../';
  if (path === target) return undefined;
  if (path === '/docs') return 'docs';
  return path === '/docs/' ? './' : undefined;
}

const noPage = problemOf(new StoreError('ROUTE_NOT_FOUND', 'Nothing is at this path; see /docs.'));

/** An app for the page alone. It reads the files of the page when it is built. */
async function buildDocs(version: string): Promise<FastifyInstance> {
  // Loaded only now: the libraries would take a good part of each start.
  const [swagger, swaggerUi] = await Promise.all([
    import('@fastify/swagger'),
    import('@fastify/swagger-ui'),
  ]);
  const docs = fastify();
  docs.setNotFoundHandler((_request, reply) => sendAnswer(reply, noPage));
  docs.addHook('onRequest', (request, reply, done) => {
    const page = pageBehind(request.url);
    if (page === undefined) done();
    else reply.redirect(page);
  });
  // The plugin's types know only OpenAPI 3.0; the plugin passes on any document unchanged.
  const document = openapiDocument(version) as never;
  await docs.register(swagger.default, { mode: 'static', specification: { document } });
  await docs.register(swaggerUi.default, {
    routePrefix: '/docs',
    indexPrefix: '.',
    staticCSP: contentSecurityPolicy,
  });
  await docs.ready();
  return docs;
}

/** The page is built for the first request that asks for it. */
export function docsRoutes(app: FastifyInstance, { version }: { readonly version: string }): void {
  let docs: Promise<FastifyInstance> | undefined;
  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    docs ??= buildDocs(version);
    const built = await docs;
    reply.hijack();
    built.routing(request.raw, reply.raw);
  };
  for (const url of ['/docs', '/docs/json', '/docs/*']) app.get(url, answer);
  app.addHook('onClose', async () => (await docs)?.close());
}

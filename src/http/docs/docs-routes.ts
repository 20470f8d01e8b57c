// Serves /docs: the OpenAPI document, and a page that shows it. The page's files come from this
// server alone, and its policy lets it load nothing else. All addresses are relative: a proxy may
// add a prefix that this server does not see.
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
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

export async function docsRoutes(
  app: FastifyInstance,
  { version }: { readonly version: string },
): Promise<void> {
  await app.register(async (scope) => {
    scope.addHook('onRequest', (request, reply, done) => {
      const page = pageBehind(request.url);
      if (page === undefined) done();
      else reply.redirect(page);
    });
    // The plugin's types know only OpenAPI 3.0; the plugin passes on any document unchanged.
    const document = openapiDocument(version) as never;
    await scope.register(swagger, { mode: 'static', specification: { document } });
    await scope.register(swaggerUi, {
      routePrefix: '/docs',
      indexPrefix: '.',
      staticCSP: contentSecurityPolicy,
    });
  });
}

// /docs: the OpenAPI document, and a page that shows it. The page's files come from this server
// alone, and its policy lets it load nothing else.
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
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

export async function docsRoutes(
  app: FastifyInstance,
  { version }: { readonly version: string },
): Promise<void> {
  await app.register(async (scope) => {
    scope.addHook('onSend', (_request, reply, _payload, done) => {
      reply.header('x-content-type-options', 'nosniff');
      done();
    });
    // The plugin's types know a document of OpenAPI 3.0; it passes on what it is given.
    const document = openapiDocument(version) as never;
    await scope.register(swagger, { mode: 'static', specification: { document } });
    await scope.register(swaggerUi, { routePrefix: '/docs', staticCSP: contentSecurityPolicy });
  });
}

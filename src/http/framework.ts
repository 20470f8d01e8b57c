// Loads the framework. By `import`, Node would first search the package's long text for its exports,
// at each start.
import { createRequire } from 'node:module';
import type { fastify as createApp } from 'fastify';

const require = createRequire(import.meta.url);

export const { fastify } = require('fastify') as { readonly fastify: typeof createApp };

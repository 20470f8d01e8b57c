// Lists the routes of an app, from the framework's own tree. So no list of a test can miss one.
import type { FastifyInstance } from 'fastify';

/** Routes in their order, such as `GET /v1/keys`. A route that dialects mount a name at ends in `/-`. */
export function standingRoutes(app: FastifyInstance): string[] {
  const above: string[] = [];
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const found = /^(.*?)── (\S+) \((.+)\)$/.exec(line);
      if (found === null) return [];
      const [, indent = '', part = '', methods = ''] = found;
      // Each level of the tree is indented by four characters, the first by none but its branch.
      const depth = (indent.length - 1) / 4;
      above.splice(depth, Infinity, part);
      const path = above.join('');
      return methods.split(', ').map((method) => `${method} ${path}`);
    });
}

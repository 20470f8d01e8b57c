// Lists the dialects of a server. Knows which paths of a server belong to none.
import { adminDialect } from './admin/dialect.ts';
import type { Dialect } from './dialect.ts';
import { restDialect } from './rest/dialect.ts';
import { locksDialect } from './rest/locks/dialect.ts';
import { unstorageDialect } from './unstorage/dialect.ts';
import { upstashAtRoot, upstashDialect } from './upstash/dialect.ts';
import { Dialects } from './wire/dialects.ts';

/** The bases of the first two are within that of the third. */
const everywhere: readonly Dialect[] = [
  adminDialect,
  locksDialect,
  restDialect,
  unstorageDialect,
  upstashDialect,
];

/** First segments of paths that no dialect has: health, metrics and docs; `ns` is for namespaces. */
const segmentsOfNoDialect = ['docs', 'livez', 'metrics', 'ns', 'readyz'] as const;

export interface DialectChoice {
  /** True: the protocol of Upstash is at `/` as well, and every other route keeps its path. */
  readonly upstashAtRoot: boolean;
}

export function dialectsOf(choice: DialectChoice): Dialects<Dialect> {
  if (!choice.upstashAtRoot) return new Dialects(everywhere);
  const bases = everywhere.map(({ base }) => base.slice(1));
  const taken = new Set([...bases, ...segmentsOfNoDialect]);
  return new Dialects([...everywhere, upstashAtRoot(taken)]);
}

// The choices of a seed about users, tokens and namespaces before a simulation begins.
import { pickFrom, randomBelow, type Random } from '../../support/random.ts';
import { tenants } from '../entry-names.ts';

export interface AccessPlan {
  readonly administrators: number;
  readonly callers: number;
  readonly users: readonly string[];
  /** Namespaces of clients besides the default one. */
  readonly namespaces: readonly string[];
  readonly namespacesMax: number;
  /** The share of lives in which the server has a server token. */
  readonly serverTokens: number;
}

export const serverToken = 'the-token-of-the-server';

export function accessPlanFrom(random: Random): AccessPlan {
  return {
    administrators: 1 + randomBelow(random, 2),
    callers: 2 + randomBelow(random, 4),
    users: ['u0', 'u1', 'u2'].slice(0, 2 + randomBelow(random, 2)),
    namespaces: tenants,
    namespacesMax: pickFrom(random, [3, 100, 100, 100]),
    serverTokens: pickFrom(random, [0, 0.5, 0.8, 1]),
  };
}

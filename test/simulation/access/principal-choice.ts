// Chooses for whom a client of the simulation calls, and finds the caller as the server's gate does.
// Has the judge look at each such answer.
import type { Access } from '../../../src/access/access.ts';
import type { Caller } from '../../../src/access/caller.ts';
import { pickFrom, type Random } from '../../support/random.ts';
import type { AccessJudge } from './access-judge.ts';
import type { Principal } from './call-judge.ts';
import { serverToken } from './access-plan.ts';

export interface KnownCaller {
  readonly principal: Principal;
  readonly caller: Caller;
}

/** Any principal, known to the server or not any more. */
export function anyPrincipal(random: Random, { facts }: AccessJudge): Principal {
  const choice = random();
  if (choice < 0.1) return 'none';
  if (choice < 0.3) return 'server';
  const tokens = [...facts.tokens.values()].filter(({ text }) => text !== undefined);
  // The latest ones are the least likely to be revoked.
  const some = random() < 0.7 ? tokens.slice(-6) : tokens;
  return some.length === 0 ? 'none' : pickFrom(random, some);
}

/** @returns one that may administer the server, as far as clients know; undefined if there is none */
export function administrator(
  random: Random,
  judge: AccessJudge,
  access: Access,
): Principal | undefined {
  const tokens = [...judge.facts.tokens.values()].filter(({ text }) => text !== undefined);
  const all: readonly Principal[] = ['none', 'server', ...tokens];
  const nowMs = access.nowMs();
  const able = all.filter((principal) => judge.calls.mayAdminister(principal, nowMs));
  return able.length === 0 ? undefined : pickFrom(random, able);
}

/** @returns undefined if the server turns the principal away */
export function findCaller(
  asked: Principal,
  judge: AccessJudge,
  { callers, uses, nowMs, ...access }: Access,
): KnownCaller | undefined {
  const all = { callers, uses, nowMs, ...access };
  // An open server takes any token, or none.
  const principal = callers.isOpen ? 'none' : asked;
  const text =
    typeof principal !== 'string'
      ? principal.text
      : principal === 'server'
        ? serverToken
        : undefined;
  const found = text === undefined ? undefined : callers.find(text, nowMs);
  const caller = callers.isOpen ? callers.anonymous : found;
  judge.calls.noteFound(principal, caller !== undefined, all);
  if (caller === undefined) return undefined;
  uses.note(caller, nowMs());
  return { principal, caller };
}

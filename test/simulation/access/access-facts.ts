// All that clients of the simulation know of users, tokens, namespaces and the rule that a token is
// needed. Each is a value that may be uncertain. Sends nothing, and reads no store.
import { defaultNamespace } from '../../../src/base/default-namespace.ts';
import { documentOfGrant, grantsOfJson, type Grant } from '../../../src/access/grant.ts';
import {
  namespaceDefaults,
  type NamespaceSettings,
} from '../../../src/access/namespace-settings.ts';
import { Positions, UncertainValue, type SentStep, type Step } from './uncertain-value.ts';

export const absent = 'absent';
export const enabled = 'enabled';
export const disabled = 'disabled';
export const open = 'open';
export const required = 'required';

export interface TokenFact {
  readonly label: string;
  readonly user: string;
  readonly grants: UncertainValue;
  readonly expiresAt: number | undefined;
  /** The id and the text, once the client was told. */
  id: string | undefined;
  text: string | undefined;
}

/** The values that the store has, in the form of the facts. Absent ones are left out. */
export interface FoundFacts {
  readonly rule: string;
  readonly users: ReadonlyMap<string, string>;
  readonly tokens: ReadonlyMap<string, string>;
  readonly namespaces: ReadonlyMap<string, string>;
}

/** A change of all tokens that there are or come to be while it is on its way. */
interface WideStep {
  readonly concerns: (token: TokenFact) => boolean;
  readonly step: Step;
  readonly sent: SentStep[];
}

export function valueOfGrants(grants: readonly Grant[]): string {
  return grants.length === 0 ? absent : JSON.stringify(grants.map(documentOfGrant));
}

export function grantsOfValue(value: string): readonly Grant[] {
  return value === absent ? [] : grantsOfJson(JSON.parse(value));
}

export function valueOfSettings({ keysMax, bytesMax, audit }: NamespaceSettings): string {
  return JSON.stringify({ keysMax, bytesMax, audit });
}

const defaultSettings = valueOfSettings(namespaceDefaults);

function madeByPut(value: string): string {
  return value === absent ? defaultSettings : value;
}

function withoutNamespace(name: string): Step {
  return (value) =>
    valueOfGrants(grantsOfValue(value).filter(({ namespace }) => namespace !== name));
}

export class AccessFacts {
  readonly positions = new Positions();
  readonly rule = new UncertainValue(this.positions, open);
  readonly users: ReadonlyMap<string, UncertainValue>;
  readonly namespaces: ReadonlyMap<string, UncertainValue>;
  readonly tokens = new Map<string, TokenFact>();
  readonly #wide = new Set<WideStep>();

  constructor(users: readonly string[], namespaces: readonly string[]) {
    const absentOnes = (names: readonly string[]): Map<string, UncertainValue> =>
      new Map(names.map((name) => [name, new UncertainValue(this.positions, absent)]));
    this.users = absentOnes(users);
    this.namespaces = absentOnes([defaultNamespace, ...namespaces]);
  }

  user(name: string): UncertainValue {
    return known(this.users, name);
  }

  namespace(name: string): UncertainValue {
    return known(this.namespaces, name);
  }

  putUser(name: string, isDisabled: boolean): SentStep {
    return this.user(name).send(() => (isDisabled ? disabled : enabled), true);
  }

  deleteUser(name: string): SentStep {
    const user = this.user(name).send(() => absent, true);
    return together([
      user,
      this.#sendToTokens(
        (token) => token.user === name,
        () => absent,
      ),
    ]);
  }

  /** @param token a new one; its user may not exist */
  createToken(
    { label, user, expiresAt }: Pick<TokenFact, 'label' | 'user' | 'expiresAt'>,
    grants: readonly Grant[],
  ): SentStep & { readonly token: TokenFact } {
    const value = new UncertainValue(this.positions, absent);
    const token = { label, user, grants: value, expiresAt, id: undefined, text: undefined };
    this.tokens.set(label, token);
    const created = value.send(
      (before) => (before === absent ? valueOfGrants(grants) : before),
      true,
    );
    for (const { concerns, step, sent } of this.#wide) {
      if (concerns(token)) sent.push(value.send(step, true));
    }
    return { ...together([created, this.rule.send(() => required, true)]), token };
  }

  deleteToken({ grants }: TokenFact): SentStep {
    return grants.send(() => absent, true);
  }

  putNamespace(name: string, settings: NamespaceSettings): SentStep {
    return this.namespace(name).send(() => valueOfSettings(settings), true);
  }

  dropNamespace(name: string): SentStep {
    const dropped = this.namespace(name).send(() => absent, true);
    return together([dropped, this.#sendToTokens(() => true, withoutNamespace(name))]);
  }

  /** A put that makes the namespace if there is none. */
  firstPut(name: string): SentStep {
    return this.namespace(name).send(madeByPut, false);
  }

  /** A power cut may have taken all changes that were not synced. */
  lose(): void {
    for (const value of this.#all().values()) value.lose();
  }

  /**
   * Nothing is on its way any more, and the store has these values.
   *
   * @param isMuddled true for a namespace whose record may come and go
   * @returns which of them cannot be; undefined if all can
   */
  resolve(found: FoundFacts, isMuddled: (namespace: string) => boolean): string | undefined {
    this.#wide.clear();
    const values = new Map([
      ['the rule', found.rule],
      ...entriesOf('user', found.users),
      ...entriesOf('token', found.tokens),
      ...entriesOf('namespace', found.namespaces),
    ]);
    const all = this.#all();
    const stranger = [...values.keys()].find((name) => !all.has(name));
    let misfit = stranger === undefined ? undefined : `${stranger} was never made`;
    for (const [name, fact] of all) {
      const value = values.get(name) ?? absent;
      const before = [...fact.possible].join(' or ');
      if (fact.resolve(value) || isMuddled(name.replace(/^namespace /, ''))) continue;
      misfit ??= `${name} is ${value}, and must be ${before}`;
    }
    return misfit;
  }

  #sendToTokens(concerns: WideStep['concerns'], step: Step): SentStep {
    const tokens = [...this.tokens.values()].filter(concerns);
    const wide = { concerns, step, sent: tokens.map(({ grants }) => grants.send(step, true)) };
    this.#wide.add(wide);
    const end = (how: keyof SentStep) => (): void => {
      this.#wide.delete(wide);
      for (const sent of wide.sent) sent[how]();
    };
    return { applied: end('applied'), notApplied: end('notApplied') };
  }

  #all(): ReadonlyMap<string, UncertainValue> {
    const tokens = Array.from(this.tokens, ([label, { grants }]) => [label, grants] as const);
    return new Map([
      ['the rule', this.rule],
      ...entriesOf('user', this.users),
      ...entriesOf('token', new Map(tokens)),
      ...entriesOf('namespace', this.namespaces),
    ]);
  }
}

function entriesOf<Value>(
  kind: string,
  values: ReadonlyMap<string, Value>,
): readonly (readonly [string, Value])[] {
  return Array.from(values, ([name, value]) => [`${kind} ${name}`, value] as const);
}

function known(values: ReadonlyMap<string, UncertainValue>, name: string): UncertainValue {
  const value = values.get(name);
  if (value === undefined) throw new Error(`the simulation knows no ${name}`);
  return value;
}

function together(sent: readonly SentStep[]): SentStep {
  return {
    applied: () => {
      for (const each of sent) each.applied();
    },
    notApplied: () => {
      for (const each of sent) each.notApplied();
    },
  };
}

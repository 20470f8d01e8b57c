// Owns the rules on the tokens that the operator gives to a server when it starts. Knows neither the
// environment nor files: src/cli/token-variables.ts does.
import { SettingError } from './setting-error.ts';

export interface ServerTokenTexts {
  /** These may do everything. */
  readonly tokens: readonly string[];
  /** These read every namespace. */
  readonly readTokens: readonly string[];
}

export const noServerTokens: ServerTokenTexts = { tokens: [], readTokens: [] };

/** Tokens as given; `origin` names their source in messages. */
export interface GivenTokens {
  readonly origin: string;
  readonly texts: readonly string[];
}

const tokenCharactersMin = 16;
const tokenCharactersMax = 1024;

/** Two, so that one can be replaced while clients still send the other. */
const tokensMax = 2;

/** Visible ASCII without a comma, which separates tokens. Any of it can stand in a header. */
const tokenPattern = /^[\u{21}-\u{2b}\u{2d}-\u{7e}]+$/u;

const hint = '`holdfast token new` prints a good one';

function checkTexts({ origin, texts }: GivenTokens): readonly string[] {
  if (texts.length > tokensMax) {
    throw new SettingError(`${origin} has ${texts.length} tokens; allowed: one or two`);
  }
  for (const text of texts) {
    // The message shows no token: it may go to a log.
    if (text === '') throw new SettingError(`${origin} is set but empty; ${hint}`);
    if (!tokenPattern.test(text)) {
      const allowed = 'allowed: visible ASCII without spaces; a comma separates two tokens';
      throw new SettingError(`a token of ${origin} (not shown) has another character; ${allowed}`);
    }
    if (text.length < tokenCharactersMin || text.length > tokenCharactersMax) {
      const allowed = `allowed: ${tokenCharactersMin} to ${tokenCharactersMax}`;
      throw new SettingError(
        `a token of ${origin} (not shown) has ${text.length} characters; ${allowed}; ${hint}`,
      );
    }
  }
  return texts;
}

/**
 * @param full tokens that may do everything; undefined if none are given
 * @param read tokens that read every namespace; undefined if none are given
 * @throws SettingError that shows no token
 */
export function checkServerTokens(
  full: GivenTokens | undefined,
  read: GivenTokens | undefined,
): ServerTokenTexts {
  const tokens = full === undefined ? [] : checkTexts(full);
  const readTokens = read === undefined ? [] : checkTexts(read);
  if (read !== undefined && full === undefined) {
    throw new SettingError(
      `${read.origin} stands alone; allowed: beside a token that may do everything`,
    );
  }
  const all = [...tokens, ...readTokens];
  if (new Set(all).size < all.length) {
    const origins = [full?.origin, read?.origin].filter((one) => one !== undefined);
    throw new SettingError(
      `two tokens of ${origins.join(' and ')} are equal; allowed: tokens that differ`,
    );
  }
  return { tokens, readTokens };
}

// `holdfast token` on the command line: the group of commands for tokens, those of users and the one of
// a server's environment.
import { Command } from 'commander';
import { everyNamespace } from '../../access/grant.ts';
import { parseTokenRequest } from '../../access/token-request.ts';
import type { NewTokenView } from '../../access/views.ts';
import { systemClock } from '../../base/clock.ts';
import type { JsonObject } from '../../base/json-object.ts';
import { visibleName } from '../../base/visible-text.ts';
import { newToken } from '../new-token.ts';
import { tokenVariable } from '../setting-spelling.ts';
import { standardOutput } from '../standard-output.ts';
import { standardError } from '../standard-streams.ts';
import { beforeChange, RefusedAdministration, type AdminClient } from './admin-client.ts';
import { addTargetOptions, refuseTarget, targetHelp, withAdmin } from './admin-target.ts';
import { timeText, tokensText } from './admin-text.ts';
import { expiryForms, parseExpiry } from './expiry-option.ts';
import { grantForm, grantsText, parseGrant } from './grant-option.ts';
import { addJsonOption, printResult, printsJson } from './print.ts';
import {
  parseRequestsPerSecond,
  parseWrittenBytesPerSecond,
  ratesText,
  type TypedRates,
} from './rate-option.ts';
import { asUsage, typedTokenId, typedUser } from './typed-names.ts';

export function tokenCommand(): Command {
  const group = new Command('token').description(
    'Work with tokens: those of users, and the one of a server.',
  );
  addJsonOption(addTargetOptions(group)).addHelpText('after', targetHelp);
  return group
    .addCommand(newCommand())
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand());
}

const explanationOfNew = `
Prints 43 characters and stores nothing: ${tokenVariable}=$(holdfast token new) holdfast serve`;

function newCommand(): Command {
  return new Command('new')
    .description(`Print a new token of 256 random bits, for ${tokenVariable}.`)
    .addHelpText('after', explanationOfNew)
    .action((_options: object, command: Command) => {
      refuseTarget(command);
      const token = newToken();
      printResult(command, { json: { token }, text: `${token}\n` });
    });
}

const explanationOfAdd = `
  holdfast token add ann --name laptop --grant app:write --expires 30d > ann.token

Standard output gets the token and nothing else, this one time. A grant is ${grantForm}. The
namespace * is every one. Roles: read, write (and read), admin (and write). With prefixes, the grant is
for keys that begin with one of them. \\, and \\\\ are a comma and a backslash in a prefix. The first
token of a store must have the grant *:admin, unless the server has ${tokenVariable}.`;

function collectGrants(typed: string, grants?: readonly JsonObject[]): readonly JsonObject[] {
  return [...(grants ?? []), parseGrant(typed)];
}

interface TypedAdd extends TypedRates {
  readonly name: string;
  readonly grant: readonly JsonObject[];
  readonly expires?: string;
}

function addCommand(): Command {
  return new Command('add')
    .description('Make a token for a user, and print it.')
    .argument('<user>', 'name of the user')
    .requiredOption('--name <name>', 'label of the token, such as laptop; required')
    .requiredOption(
      '--grant <grant>',
      `what the token may do, ${grantForm}; required; may be repeated`,
      collectGrants,
    )
    .option('--expires <time>', `when the token ends: ${expiryForms}; if absent: never`)
    .option(
      '--requests-per-second <rate>',
      'most requests a second; if absent: no limit',
      parseRequestsPerSecond,
    )
    .option(
      '--written-bytes-per-second <rate>',
      'most written bytes a second; if absent: no limit',
      parseWrittenBytesPerSecond,
    )
    .addHelpText('after', explanationOfAdd)
    .action(async (typed: string, _options: object, command: Command) => {
      const user = typedUser(typed);
      const body = bodyOf(command.optsWithGlobals<TypedAdd>());
      const [missing, made] = await withAdmin(
        command,
        async (admin) =>
          [
            await missingNamespaces(admin, body.grants),
            await admin.createToken(user, body),
          ] as const,
      );
      printNewToken(command, user, made);
      for (const name of missing) standardError.write(noteOfMissing(name));
    });
}

const noteOfMissing = (name: string): string =>
  `note: the namespace ${name} does not exist yet; the grant counts once it is made\n`;

/**
 * Names in grants of namespaces that are not made. A grant may come before its namespace.
 *
 * @throws CommandError if no server answers
 */
async function missingNamespaces(
  admin: AdminClient,
  grants: readonly JsonObject[],
): Promise<readonly string[]> {
  const names = new Set(grants.map(({ namespace }) => String(namespace)));
  names.delete(everyNamespace);
  if (names.size === 0) return [];
  try {
    const made = await beforeChange(admin.namespaces());
    for (const { name } of made) names.delete(name);
    return [...names];
  } catch (error) {
    // The token is refused for the same reason, if at all.
    if (error instanceof RefusedAdministration) return [];
    throw error;
  }
}

interface TokenBody extends JsonObject {
  readonly grants: readonly JsonObject[];
}

function bodyOf({ name, grant: grants, expires, ...typed }: TypedAdd): TokenBody {
  const nowMs = systemClock.wallMs();
  const expiresAt = expires === undefined ? {} : { expiresAt: parseExpiry(expires, nowMs) };
  const { requestsPerSecond, writtenBytesPerSecond } = typed;
  const body = { name, grants, ...expiresAt, requestsPerSecond, writtenBytesPerSecond };
  asUsage(() => parseTokenRequest(body, nowMs));
  return body;
}

function printNewToken(command: Command, user: string, made: NewTokenView): void {
  if (printsJson(command)) {
    standardOutput.print(`${JSON.stringify(made)}\n`);
    return;
  }
  const { id, name, grants, expiresAt, token } = made;
  standardOutput.print(`${token}\n`);
  standardError.write(
    `the token ${id} of the user ${user}, ${visibleName(name)}, is made; it is shown only this time\n` +
      `  grants   ${grantsText(grants)}\n  expires  ${timeText(expiresAt)}\n  rates    ${ratesText(made)}\n`,
  );
}

function listCommand(): Command {
  return new Command('list')
    .description('Print the tokens of a user, without their secrets.')
    .argument('<user>', 'name of the user')
    .action(async (typed: string, _options: object, command: Command) => {
      const user = typedUser(typed);
      const items = await withAdmin(command, (admin) => admin.tokens(user));
      printResult(command, { json: { items }, text: tokensText(items) });
    });
}

function revokeCommand(): Command {
  return new Command('revoke')
    .description('Delete a token. It ends at once.')
    .argument('<user>', 'name of the user')
    .argument('<id>', 'id of the token, as holdfast token list prints it')
    .action(async (typed: string, typedId: string, _options: object, command: Command) => {
      const [user, id] = [typedUser(typed), typedTokenId(typedId)];
      await withAdmin(command, (admin) => admin.deleteToken(user, id));
      printResult(command, {
        json: undefined,
        text: `the token ${id} of the user ${user} is revoked\n`,
      });
    });
}

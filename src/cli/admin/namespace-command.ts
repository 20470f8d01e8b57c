// `holdfast namespace` on the command line: the group of commands for namespaces.
import { Command, Option } from 'commander';
import { audits, parseNamespaceSettings } from '../../access/namespace-settings.ts';
import type { NamespaceView } from '../../access/views.ts';
import type { JsonObject } from '../../base/json-object.ts';
import { parseByteSize } from '../../settings/byte-size.ts';
import { CommandError, exitCodes, usageError } from '../command-error.ts';
import {
  afterChange,
  beforeChange,
  nothingChanged,
  unlessRefused,
  type AdminClient,
} from './admin-client.ts';
import { addTargetOptions, targetHelp, withAdmin } from './admin-target.ts';
import { namespacesText } from './admin-text.ts';
import { addJsonOption, printResult } from './print.ts';
import { asUsage, typedNamespace } from './typed-names.ts';

export function namespaceCommand(): Command {
  const group = new Command('namespace').description(
    'Administer the namespaces of a server, or of a folder that no server uses.',
  );
  addJsonOption(addTargetOptions(group)).addHelpText('after', targetHelp);
  return group
    .addCommand(listCommand())
    .addCommand(addCommand())
    .addCommand(showCommand())
    .addCommand(setCommand())
    .addCommand(dropCommand());
}

function listCommand(): Command {
  return new Command('list')
    .description('Print all namespaces that the token administers.')
    .action(async (_options: object, command: Command) => {
      const items = await withAdmin(command, (admin) => admin.namespaces());
      printResult(command, { json: { items }, text: namespacesText(items) });
    });
}

function showCommand(): Command {
  return withName(new Command('show'))
    .description('Print one namespace.')
    .action(async (typed: string, _options: object, command: Command) => {
      const name = typedNamespace(typed);
      printNamespace(command, await withAdmin(command, (admin) => admin.namespace(name)));
    });
}

function addCommand(): Command {
  return withSettings(withName(new Command('add')))
    .description('Make a namespace.')
    .action(async (typed: string, _options: object, command: Command) => {
      const name = typedNamespace(typed);
      const settings = settingsDocument({}, command.optsWithGlobals<TypedSettings>());
      printNamespace(
        command,
        await withAdmin(command, async (admin) => {
          await refuseKnown(admin, name);
          return await put(admin, name, settings);
        }),
      );
    });
}

/** A PUT would replace the settings of a namespace that is there. */
async function refuseKnown(admin: AdminClient, name: string): Promise<void> {
  const known = await unlessRefused('NAMESPACE_NOT_FOUND', beforeChange(admin.namespace(name)));
  if (known === undefined) return;
  const detail = `${admin.place} has a namespace ${name} already; allowed: holdfast namespace set`;
  throw new CommandError(exitCodes.failed, `${detail}. ${nothingChanged}`);
}

function setCommand(): Command {
  return withSettings(withName(new Command('set')))
    .description('Change settings of a namespace. Those that are not named stay.')
    .action(async (typed: string, _options: object, command: Command) => {
      const name = typedNamespace(typed);
      const settings = command.optsWithGlobals<TypedSettings>();
      // Judges them before anything is asked.
      settingsDocument({}, settings);
      if (Object.keys(typedOf(settings)).length === 0) {
        throw usageError('set has nothing to change; allowed: --keys-max, --bytes-max, --audit');
      }
      printNamespace(
        command,
        await withAdmin(command, async (admin) => {
          const { keysMax, bytesMax, audit } = await beforeChange(admin.namespace(name));
          return await put(admin, name, settingsDocument({ keysMax, bytesMax, audit }, settings));
        }),
      );
    });
}

function dropCommand(): Command {
  return withName(new Command('drop'))
    .description(
      'Drop a namespace: all its entries at one moment, and its name from all grants. Needs --yes.',
    )
    .option('--yes', 'drop it; no entry can be brought back')
    .action(
      async (typed: string, { yes = false }: { readonly yes?: boolean }, command: Command) => {
        const name = typedNamespace(typed);
        if (!yes) {
          throw usageError(
            `drop deletes all entries of ${name} and takes ${name} out of all grants, for good; ` +
              `allowed: with --yes. ${nothingChanged}`,
          );
        }
        await withAdmin(command, (admin) => admin.dropNamespace(name));
        printResult(command, { json: undefined, text: `the namespace ${name} is dropped\n` });
      },
    );
}

function withName(command: Command): Command {
  return command.argument('<name>', 'name of the namespace');
}

/** `none`: no limit. Undefined: not typed. */
interface TypedSettings {
  readonly keysMax?: number | 'none';
  readonly bytesMax?: number | 'none';
  readonly audit?: string;
}

function withSettings(command: Command): Command {
  return command
    .addOption(limitOption('--keys-max <keys>', 'most entries', parseCount))
    .addOption(limitOption('--bytes-max <bytes>', 'most bytes of keys and values', parseByteSize))
    .addOption(new Option('--audit <audit>', `requests to record (allowed: ${audits.join(', ')})`));
}

const limitForms = 'an integer, one with KiB, MiB or GiB for bytes, or none';

function limitOption(
  flags: string,
  description: string,
  parse: (typed: string) => number | undefined,
): Option {
  const [flag = ''] = flags.split(' ');
  return new Option(flags, `${description}; none: no limit`).argParser((typed: string) => {
    const limit = typed === 'none' ? typed : parse(typed);
    if (limit === 'none' || Number.isSafeInteger(limit)) return limit;
    throw usageError(`${flag} is ${JSON.stringify(typed)}; allowed: ${limitForms}`);
  });
}

function parseCount(typed: string): number | undefined {
  return /^\d+$/.test(typed) ? Number(typed) : undefined;
}

function typedOf({ keysMax, bytesMax, audit }: TypedSettings): JsonObject {
  const all = Object.entries({ keysMax, bytesMax, audit });
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

/** The settings for a PUT, which replaces all of them. */
function settingsDocument(present: JsonObject, typed: TypedSettings): JsonObject {
  const all = Object.entries({ ...present, ...typedOf(typed) });
  const document = Object.fromEntries(
    all.filter(([, value]) => value !== undefined && value !== 'none'),
  );
  asUsage(() => parseNamespaceSettings(document));
  return document;
}

async function put(admin: AdminClient, name: string, body: JsonObject): Promise<NamespaceView> {
  await admin.putNamespace(name, body);
  return await afterChange(admin.namespace(name));
}

function printNamespace(command: Command, namespace: NamespaceView): void {
  printResult(command, { json: namespace, text: namespacesText([namespace]) });
}

// `holdfast user` on the command line: the group of commands for users.
import { Command } from 'commander';
import { CommandError, exitCodes } from '../command-error.ts';
import {
  afterChange,
  beforeChange,
  nothingChanged,
  unlessRefused,
  type AdminClient,
} from './admin-client.ts';
import { addTargetOptions, targetHelp, withAdmin } from './admin-target.ts';
import { timeText, usersText } from './admin-text.ts';
import { addJsonOption, printResult, type Result } from './print.ts';
import { typedUser } from './typed-names.ts';

type UserWork = (admin: AdminClient, name: string) => Promise<Result>;

export function userCommand(): Command {
  const group = new Command('user').description(
    'Administer the users of a server, or of a folder that no server uses.',
  );
  addJsonOption(addTargetOptions(group)).addHelpText('after', targetHelp);
  return group
    .addCommand(listCommand())
    .addCommand(oneUserCommand('add', 'Make a user. The user has no token yet.', add))
    .addCommand(oneUserCommand('show', 'Print one user.', show))
    .addCommand(
      oneUserCommand('disable', 'Refuse all tokens of a user from now on, and keep them.', disable),
    )
    .addCommand(oneUserCommand('enable', 'Let the tokens of a user in again.', enable))
    .addCommand(
      oneUserCommand('remove', 'Delete a user with all tokens. They end at once.', remove),
    );
}

function listCommand(): Command {
  return new Command('list')
    .description('Print all users.')
    .action(async (_options: object, command: Command) => {
      const items = await withAdmin(command, (admin) => admin.users());
      printResult(command, { json: { items }, text: usersText(items) });
    });
}

function oneUserCommand(name: string, description: string, work: UserWork): Command {
  return new Command(name)
    .description(description)
    .argument('<name>', 'name of the user')
    .action(async (typed: string, _options: object, command: Command) => {
      const user = typedUser(typed);
      printResult(command, await withAdmin(command, (admin) => work(admin, user)));
    });
}

const add: UserWork = async (admin, name) => {
  // A PUT would enable a user that is disabled.
  if ((await unlessRefused('USER_NOT_FOUND', beforeChange(admin.user(name)))) !== undefined) {
    const detail = `${admin.place} has a user ${name} already. ${nothingChanged}`;
    throw new CommandError(exitCodes.failed, detail);
  }
  await admin.putUser(name, {});
  const user = await afterChange(admin.user(name));
  return { json: user, text: `the user ${name} is made\n` };
};

const show: UserWork = async (admin, name) => {
  const user = await admin.user(name);
  const state = user.disabled ? 'disabled' : 'enabled';
  const text = `user     ${name}\nstate    ${state}\ncreated  ${timeText(user.createdAt)}\n`;
  return { json: user, text };
};

const disable: UserWork = async (admin, name) => {
  const text = `the user ${name} is disabled: no token of ${name} is let in\n`;
  return { json: await putDisabled(admin, name, true), text };
};

const enable: UserWork = async (admin, name) => ({
  json: await putDisabled(admin, name, false),
  text: `the user ${name} is enabled\n`,
});

const remove: UserWork = async (admin, name) => {
  await admin.deleteUser(name);
  return { json: undefined, text: `the user ${name} is removed, with all tokens\n` };
};

/** @returns the user as it is now */
async function putDisabled(admin: AdminClient, name: string, disabled: boolean): Promise<object> {
  // A PUT would make a user that is not there.
  await beforeChange(admin.user(name));
  await admin.putUser(name, { disabled });
  return await afterChange(admin.user(name));
}

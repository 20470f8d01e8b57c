// Owns the list of commands. Turns the failure of any command into one line on standard error and
// an exit code. Does not know how a command works.
import { Command, CommanderError } from 'commander';
import { exitCodeOf, exitCodes, usageError } from './command-error.ts';
import { accessCommand } from './admin/access-command.ts';
import { namespaceCommand } from './admin/namespace-command.ts';
import { tokenCommand } from './admin/token-command.ts';
import { userCommand } from './admin/user-command.ts';
import { auditCommand } from './audit-command.ts';
import { dumpCommand } from './dump-command.ts';
import { programVersion } from '../base/program-version.ts';
import { backupCommand } from './backup-command.ts';
import { healthCommand } from './health-command.ts';
import { reshardCommand } from './reshard-command.ts';
import { restoreCommand } from './restore-command.ts';
import { repairCommand } from './repair-command.ts';
import { serveCommand } from './serve-command.ts';
import { standardOutput } from './standard-output.ts';
import { standardError } from './standard-streams.ts';
import { verifyCommand } from './verify-command.ts';
import { visibleText } from '../base/visible-text.ts';

/** @returns the exit code, once the command has ended */
export async function runProgram(args: readonly string[]): Promise<number> {
  try {
    await runCommand(args);
    await standardOutput.finish();
    return exitCodes.done;
  } catch (error) {
    // Flushes the lines that the command has printed before it failed.
    await standardOutput.finish().catch(() => undefined);
    standardError.write(`holdfast: ${oneLine(error)}\n`);
    return exitCodeOf(error);
  }
}

async function runCommand(args: readonly string[]): Promise<void> {
  try {
    await buildProgram().parseAsync([...args], { from: 'user' });
  } catch (error) {
    // Help and version have been printed: the program's way to end, and not a failure.
    if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
  }
}

export function buildProgram(): Command {
  const program = new Command('holdfast')
    .description('A durable, sharded key-value server over plain HTTP.')
    .version(programVersion, '-V, --version', 'print the version');
  const commands = [
    serveCommand(),
    healthCommand(),
    backupCommand(),
    restoreCommand(),
    reshardCommand(),
    verifyCommand(),
    repairCommand(),
    dumpCommand(),
    auditCommand(),
    userCommand(),
    tokenCommand(),
    namespaceCommand(),
    accessCommand(),
  ];
  for (const command of commands) program.addCommand(command);
  const below = withThoseBelow(program).slice(1);
  for (const command of [program, ...below]) refuseInOneLine(command);
  return program.addHelpText('after', () =>
    below.map((command) => `\n${command.helpInformation()}`).join(''),
  );
}

/** A command before the commands of its group. */
function withThoseBelow(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withThoseBelow)];
}

/** A command, and the group that it is in: its options count, too. */
function withThoseAbove(command: Command): Command[] {
  const { parent } = command;
  return parent === null || parent.parent === null ? [command] : [command, parent];
}

/** The command with its group as an operator types them: `holdfast user add`. */
function typedName(command: Command): string {
  const { parent } = command;
  return parent === null ? command.name() : `${typedName(parent)} ${command.name()}`;
}

/** Left alone, commander prints several lines and ends the process itself. */
function refuseInOneLine(command: Command): void {
  command.configureOutput({
    writeOut: (text) => standardOutput.print(text),
    outputError: () => undefined,
  });
  command.exitOverride((error) => {
    if (error.exitCode === 0) throw error;
    throw usageError(explain(error, command));
  });
}

function explain(error: CommanderError, command: Command): string {
  const own = withThoseAbove(command).flatMap(({ options }) => options.map(({ long }) => long));
  const flags = [...own, '--help'].join(', ');
  const commands = command.commands.map((one) => one.name()).join(', ');
  switch (error.code) {
    case 'commander.help':
      return `no known command given; allowed: ${commands}`;
    case 'commander.unknownCommand':
      return `${oneLine(error)}; allowed: ${commands}`;
    case 'commander.unknownOption':
      // The text after a mistyped --token= may be a secret.
      return `${oneLine(error).replace(/'(-[^=]*?)=.*'/, "'$1'")}; allowed: ${flags}`;
    default:
      return `${oneLine(error).replace(/\.$/, '')}; see ${typedName(command)} --help`;
  }
}

/** Without the `error: ` that commander puts in front. */
function oneLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return visibleText(message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' '));
}

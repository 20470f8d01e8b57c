// The commands that need no key: a check that the server is there, and its time.
import { argumentAt } from './argument.ts';
import type { ConnectionCall, ConnectionCommand } from './command.ts';
import { array, bulk, status, wrongArity, type Reply } from './reply.ts';

function ping({ name, args }: ConnectionCall): Reply {
  if (args.length > 1) throw wrongArity(name);
  return args.length === 0 ? status('PONG') : bulk(args[0]);
}

/** Seconds, and the microseconds within the present second. The clock has milliseconds only. */
function time({ now }: ConnectionCall): Reply {
  const seconds = Math.floor(now / 1000);
  return array([bulk(String(seconds)), bulk(String((now - seconds * 1000) * 1000))]);
}

export const connectionCommands: readonly ConnectionCommand[] = [
  {
    kind: 'connection',
    name: 'ping',
    arity: -1,
    access: 'none',
    syntax: '[message]',
    summary: 'Answers PONG, or the message.',
    run: ping,
  },
  {
    kind: 'connection',
    name: 'echo',
    arity: 2,
    access: 'none',
    syntax: 'message',
    summary: 'Answers the message.',
    run: ({ args }) => bulk(argumentAt(args, 0)),
  },
  {
    kind: 'connection',
    name: 'time',
    arity: 1,
    access: 'none',
    syntax: '',
    summary: "Gives the server's time: Unix seconds, and microseconds.",
    run: time,
  },
];

// Compares the command dialect with a real Redis 7.0: random commands, every reply.
// src/commands/DIALECT.md lists the intended differences. Needs Debian's package redis-server,
// which .ci/run installs.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandTable } from '../../src/commands/command-table.ts';
import type { Random } from '../support/random.ts';
import { CommandExecutor } from '../support/stores/command-executor.ts';
import { show } from '../support/peers/compare-replies.ts';
import {
  Differential,
  redisFlags,
  showCommand,
  valueBytesMax,
} from '../support/peers/differential.ts';
import { commandsMin, expectNoMismatch } from '../support/peers/find-mismatch.ts';
import { randomRound } from '../support/peers/random-redis-commands.ts';
import { RedisProcess, redisVersion } from '../support/peers/redis-process.ts';
import type { RespClient } from '../support/peers/resp-client.ts';

const version = redisVersion();
if (version === undefined) console.info('left out: there is no redis-server on the PATH');

const names = [...commandTable.keys()];

function draw(random: Random, length: number) {
  return randomRound(random, names, length);
}

function integerReply(value: number) {
  return { kind: 'integer', value };
}

describe.skipIf(version === undefined)('beside redis-server', () => {
  let redis: RedisProcess;
  let client: RespClient;

  beforeAll(async () => {
    redis = await RedisProcess.start(redisFlags);
    client = await redis.connect();
  });

  afterAll(async () => {
    client?.close();
    await redis?.stop();
  });

  test('the Redis is of version 7.0, which the dialect follows', () => {
    expect(version).toMatch(/^7\.0\./);
  });

  test('COMMAND INFO has the same arity and key positions as the table', async () => {
    for (const command of commandTable.values()) {
      const reply = await client.call(['command', 'info', command.name]);
      const [info] = reply.kind === 'array' ? (reply.items ?? []) : [];
      const [name, arity, flags, first, last, step] =
        info?.kind === 'array' ? (info.items ?? []) : [];
      const keys = command.kind === 'keyed' ? command.keys : { first: 0, last: 0, step: 0 };
      expect(name).toEqual({ kind: 'bulk', value: command.name });
      expect([arity, first, last, step]).toEqual(
        [command.arity, keys.first, keys.last, keys.step].map(integerReply),
      );
      const words = flags?.kind === 'array' ? (flags.items ?? []) : [];
      const has = (text: string) =>
        words.some((flag) => flag.kind === 'status' && flag.text === text);
      const access = has('write') ? 'write' : has('readonly') ? 'read' : 'none';
      expect([command.name, command.access]).toEqual([command.name, access]);
    }
  });

  test('a key is there until its deadline, and gone from it on', async () => {
    const executor = new CommandExecutor();
    const both = async (line: string) => {
      const words = line.split(' ');
      const ours = show(await executor.execute(words, Date.now()));
      expect([line, ours]).toEqual([line, show(await client.call(words))]);
    };
    await client.call(['flushall']);
    // Far longer than the two take to be asked, even on a machine that stands still for a while.
    for (const line of ['SET k v PX 4000', 'SET l v EX 4', 'COPY k m', 'EXISTS k l m'])
      await both(line);
    const keysLeft = async () => {
      const asked = ['exists', 'k', 'l', 'm'];
      return [show(await executor.execute(asked, Date.now())), show(await client.call(asked))];
    };
    await expect.poll(keysLeft, { timeout: 60_000 }).toEqual([':0', ':0']);
    for (const line of ['EXISTS k l m', 'TTL k', 'SET k w XX', 'APPEND l x', 'PTTL l'])
      await both(line);
    await both('RENAME m k');
  }, 120_000);

  test('bits are read past the limit of a value as in a Redis with its own', async () => {
    const limit = 'proto-max-bulk-len';
    await client.call(['config', 'set', limit, String(512 * 1024 * 1024)]);
    try {
      const executor = new CommandExecutor({ valueBytesMax, keysReplyMax: 10 });
      const past = String(valueBytesMax * 8);
      for (const at of ['0', past, '4294967295', '4294967296', '-1']) {
        const reads = [
          ['GETBIT', 'k', at],
          ['BITFIELD', 'k', 'GET', 'u8', at],
          ['BITFIELD_RO', 'k', 'GET', 'i64', at],
        ];
        for (const words of reads) {
          const ours = show(await executor.execute(words, Date.now()));
          expect([words, ours]).toEqual([words, show(await client.call(words))]);
        }
      }
    } finally {
      await client.call(['config', 'set', limit, String(valueBytesMax)]);
    }
  });

  test(`${commandsMin} random commands are answered alike`, async () => {
    const { run } = new Differential(client);
    await expectNoMismatch({ draw, run, show: showCommand });
  }, 600_000);
});

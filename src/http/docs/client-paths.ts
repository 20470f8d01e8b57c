// Describes the routes of protocols that other clients speak. The list of commands comes from the
// command table.
import { commandTable } from '../../commands/command-table.ts';
import { idempotencyKey } from './idempotency.ts';
import { namespaceHeader, withoutNamespace } from './namespaces.ts';
import { headers, problems, storeProblems } from './replies.ts';

const text = { type: 'string' } as const;
const bytes = { 'application/octet-stream': { schema: text } };

const commandLines = Array.from(commandTable.values(), ({ name, syntax, summary }) => {
  const words = `${name.toUpperCase()} ${syntax}`.trim();
  return `- \`${words}\`: ${summary}`;
});

const commands =
  'With the setting `upstashAtRoot`, `/` stands for `/upstash` as well. A token may also come as the ' +
  'query parameter `_token`.\n\n' +
  `Commands of Redis 7.0 with their replies and errors:\n\n${commandLines.join('\n')}`;

const result = {
  type: 'object',
  properties: { result: {}, error: { type: 'string' } },
} as const;
const aResult = { 'application/json': { schema: result } };
const resultList = { 'application/json': { schema: { type: 'array', items: result } } };

const replies = (description: string, content: object) => ({
  '200': { description, headers: headers('Upstash-Sync-Token'), content },
  '400': {
    description: 'The error of Redis, or the fault of the request.',
    headers: headers(),
    content: aResult,
  },
  '401': {
    description: '`WRONGPASS`: the server requires a token, and the request has no valid one.',
    headers: headers('WWW-Authenticate'),
    content: aResult,
  },
  '403': {
    description:
      '`NOPERM`: the token does not allow the command, or not for this key. Within a pipeline it is ' +
      'the error of that command alone.',
    headers: headers(),
    content: aResult,
  },
  '404': {
    description: 'There is no such namespace. Only callers that may see all get this reply.',
    headers: headers(),
    content: aResult,
  },
  '429': {
    description: 'The token has had all that its rates allow. Nothing was done.',
    headers: headers('Retry-After'),
    content: aResult,
  },
  '503': {
    description: 'The store refuses the request. The error says if anything happened.',
    headers: headers('Retry-After'),
    content: aResult,
  },
  '507': {
    description:
      'There is no room: on the disk, in memory, or for one more namespace. Nothing was done.',
    headers: headers(),
    content: aResult,
  },
});

function commandOperation(operationId: string) {
  return {
    operationId,
    tags: ['Commands'],
    summary: 'A command in the path',
    description:
      'Each segment of the path is an argument, percent-decoded on its own. The body is the next ' +
      `argument. The name and the value of each query parameter follow.\n\n${commands}`,
    parameters: [idempotencyKey],
    responses: replies('The reply of the command.', aResult),
  };
}

function bodyOperation(operationId: string, summary: string, description: string, many: boolean) {
  return {
    operationId,
    tags: ['Commands'],
    summary,
    description,
    parameters: [idempotencyKey],
    requestBody: {
      required: true,
      content: { 'application/json': { schema: { type: 'array' } } },
    },
    responses: replies('One result per command, in order.', many ? resultList : aResult),
  };
}

function forPostAndPut(id: string, summary: string, description: string, many: boolean) {
  return {
    parameters: [namespaceHeader],
    post: bodyOperation(id, summary, description, many),
    put: bodyOperation(`${id}Put`, summary, description, many),
  };
}

const item = {
  name: 'item',
  in: 'path',
  required: true,
  description:
    'A namespace, a slash, and a key. Slashes separate the parts of a key here, and colons do in ' +
    'other dialects. A slash or a colon at the end means all keys below. This protocol cannot name ' +
    'a key with a slash, a backslash, an empty part, or a part that is . or .. among its parts. ' +
    'Such keys are neither listed nor deleted.',
  schema: text,
};

const timeToLive = {
  name: 'x-ttl',
  in: 'header',
  description:
    'Time to live: a positive number of seconds, rounded up to a millisecond. With Infinity, or ' +
    'without this header, the item does not expire.',
  schema: { ...text, examples: ['60', '0.5'] },
};

function itemOperation(operationId: string, summary: string, responses: object) {
  const tags = ['unstorage'];
  return {
    parameters: [idempotencyKey],
    operationId,
    tags,
    summary,
    responses: {
      ...responses,
      ...problems('BAD_REQUEST', 'KEY_INVALID', 'NAMESPACE_INVALID', ...storeProblems),
    },
  };
}

const value = { description: 'The value.', headers: headers('Vary'), content: bytes };
const noRoom = problems('DISK_FULL', 'SHARD_FULL', 'QUOTA_EXCEEDED', 'NAMESPACES_FULL');
const done = { '200': { description: 'Done.', headers: headers() } };

export const clientPaths = {
  '/upstash/{command}': {
    parameters: [
      {
        name: 'command',
        in: 'path',
        required: true,
        description: 'Name and arguments of the command.',
        schema: text,
      },
      namespaceHeader,
    ],
    get: commandOperation('command'),
    head: commandOperation('commandHead'),
    post: commandOperation('commandPost'),
    put: commandOperation('commandPut'),
  },
  '/upstash': forPostAndPut(
    'commandBody',
    'A command in the body',
    'A list of strings, numbers and booleans.',
    false,
  ),
  '/upstash/pipeline': forPostAndPut(
    'pipeline',
    'Many commands, in order',
    'Not atomic. The status is 200, and each command has its own result or error.',
    true,
  ),
  '/upstash/multi-exec': forPostAndPut(
    'multiExec',
    'Many commands at one moment: a transaction over any keys',
    'No other request sees half of it. A command that fails changes nothing, and does not stop ' +
      'the others. If a command is unknown, has a wrong number of arguments, or is about all ' +
      'keys, nothing is carried out, and the reply is 400 with one error.',
    true,
  ),
  '/unstorage/{item}': {
    ...withoutNamespace,
    parameters: [item],
    get: itemOperation('item', 'A value, or all keys below a base', {
      '200': value,
      ...problems('KEY_NOT_FOUND', 'NAMESPACE_NOT_FOUND'),
    }),
    head: itemOperation('itemHead', 'The size of a value, without the value', {
      '200': value,
      ...problems('KEY_NOT_FOUND', 'NAMESPACE_NOT_FOUND'),
    }),
    put: {
      ...itemOperation('putItem', 'Write a value', {
        ...done,
        ...noRoom,
        ...problems('VALUE_TOO_LARGE', 'ENCODING_UNSUPPORTED'),
      }),
      parameters: [idempotencyKey, timeToLive],
    },
    delete: itemOperation('deleteItem', 'Delete a key, or all keys below a base', done),
  },
};

// Writes the replies of one key: status and headers of each result. This is the server's hot path,
// so it sets headers one by one, without objects in between. Knows no store, only results.
import type { FastifyReply, FastifyRequest } from 'fastify';
import { unreachable } from '../../../base/assert.ts';
import { bufferOf } from '../../../base/byte-string.ts';
import { conditionsHold } from '../../../store/conditions.ts';
import type { Conditions } from '../../../store/operation.ts';
import type { EntryResult, Result } from '../../../store/result.ts';
import { emptyAnswer, headersOfEachReply, sendAnswer, type Answer } from '../../wire/answer.ts';
import { conditionFailed, keyNotFound, problemOf } from '../../wire/problem.ts';
import { labelOfAccept } from './value-label.ts';

const noConditions: Conditions = {};

const eachReply = Object.entries(headersOfEachReply).flat();

/** Above this size, copying a value into a text costs more than a second write. */
const smallValueBytesMax = 4096;

function etagOf(version: number): string {
  return `"${version}"`;
}

function conditionFailedAnswer(version: number): Answer {
  if (version === 0) return conditionFailed;
  return { ...conditionFailed, headers: { ...conditionFailed.headers, etag: etagOf(version) } };
}

/** Sets the headers of every reply about an entry, whether or not the value follows. */
function describeEntry(reply: FastifyReply, entry: EntryResult): void {
  reply.header('etag', etagOf(entry.version));
  reply.header('vary', 'Accept');
  if (entry.expiresAt !== undefined) reply.header('holdfast-expires-at', String(entry.expiresAt));
}

/**
 * Bypasses the framework. Node joins a head and a Latin-1 text into one string. Uncorking before
 * `end` adds its empty chunk makes that one plain write. Otherwise node would do a gathering write,
 * which costs a tenth of the whole work of a small read.
 */
function sendSmallValue(
  reply: FastifyReply,
  entry: EntryResult,
  label: string,
  text: string,
): void {
  const head = ['etag', etagOf(entry.version), 'vary', 'Accept', 'content-type', label];
  head.push('content-length', String(entry.size), ...eachReply);
  if (entry.expiresAt !== undefined) head.push('holdfast-expires-at', String(entry.expiresAt));
  const { raw } = reply;
  raw.writeHead(200, head).write(text, 'latin1');
  raw.socket?.uncork();
  raw.end();
}

function sendEntry(request: FastifyRequest, reply: FastifyReply, entry: EntryResult): void {
  const { value, size } = entry;
  const label = labelOfAccept(request.headers.accept);
  if (value !== undefined && size <= smallValueBytesMax) {
    sendSmallValue(reply, entry, label, bufferOf(value).toString('latin1'));
    return;
  }
  if (value !== undefined) reply.server.replies.check(size);
  describeEntry(reply, entry);
  reply.header('content-type', label).header('content-length', String(size)).send(value);
}

/** Judges conditions in the order of RFC 9110 section 13.2.2. */
function sendEntryIf(
  request: FastifyRequest,
  reply: FastifyReply,
  entry: EntryResult,
  { ifMatch, ifNoneMatch }: Conditions,
): void {
  if (!conditionsHold({ ifMatch }, entry.version)) {
    sendAnswer(reply, conditionFailedAnswer(entry.version));
  } else if (!conditionsHold({ ifNoneMatch }, entry.version)) {
    describeEntry(reply, entry);
    reply.code(304).send();
  } else {
    sendEntry(request, reply, entry);
  }
}

/** Answers a write, whose conditions the store has judged already. */
export function answerOfWrite(result: Exclude<Result, EntryResult>): Answer {
  switch (result.kind) {
    case 'missing':
      return keyNotFound;
    case 'written': {
      const headers = {
        etag: etagOf(result.version),
        'holdfast-durability': result.durability,
      };
      return emptyAnswer(result.created ? 201 : 204, headers);
    }
    case 'deleted':
      return emptyAnswer(204, { 'holdfast-durability': result.durability });
    case 'condition-failed':
      return conditionFailedAnswer(result.version);
    case 'refused':
      return problemOf(result.error);
    default:
      return unreachable(result);
  }
}

/** @param conditions those of a read */
export function sendResult(
  request: FastifyRequest,
  reply: FastifyReply,
  result: Result,
  conditions: Conditions = noConditions,
): void {
  if (result.kind !== 'entry') sendAnswer(reply, answerOfWrite(result));
  else if (conditions === noConditions) sendEntry(request, reply, result);
  else sendEntryIf(request, reply, result, conditions);
}

// The yardstick: a fastify server with the same routes that stores nothing. It reads requests whole and
// ignores them. It answers with recorded replies of Holdfast, of the same status, headers and body.
// Runs in a process of its own. BARE_REPLIES has the replies.
import { fastify, type FastifyReply } from 'fastify';
import type { RecordedReplies, RecordedReply } from './recorded-reply.ts';

const replies: RecordedReplies = JSON.parse(process.env['BARE_REPLIES'] ?? '');

const app = fastify({ bodyLimit: 64 * 1024 * 1024 });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

function answering({ status, headers, body }: RecordedReply) {
  const bytes = Buffer.from(body, 'base64');
  return (_request: unknown, reply: FastifyReply) => {
    reply.code(status).headers(headers);
    return bytes.length === 0 ? reply.send() : reply.send(bytes);
  };
}

app.get('/v1/keys/*', answering(replies.get));
app.put('/v1/keys/*', answering(replies.put));
app.post('/v1/batch', answering(replies.batch));

const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`bare fastify listens on ${url}\n`);

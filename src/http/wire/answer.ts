// An answer to a request, recorded instead of sent: to be sent later, or again. Must not know a
// framework.

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** The part of a reply that an answer needs; a framework's reply has it, and so has a recorder. */
export interface AnswerSink {
  code(status: number): AnswerSink;
  header(name: string, value: string): AnswerSink;
  headers(values: Record<string, string>): AnswerSink;
  send(body?: Buffer): unknown;
}

/** @param write writes one answer, up to its `send` */
export function recordAnswer(write: (sink: AnswerSink) => void): Answer {
  let status = 200;
  const headers: Record<string, string> = {};
  let body: Buffer = Buffer.alloc(0);
  const sink: AnswerSink = {
    code: (given) => {
      status = given;
      return sink;
    },
    header: (name, value) => {
      headers[name] = value;
      return sink;
    },
    headers: (values) => {
      Object.assign(headers, values);
      return sink;
    },
    send: (given) => {
      if (given !== undefined) body = given;
    },
  };
  write(sink);
  return { status, headers, body };
}

export function sendAnswer(sink: AnswerSink, { status, headers, body }: Answer): void {
  sink.code(status).headers({ ...headers });
  if (body.length > 0) sink.send(body);
  else sink.send();
}

// A fault of a whole request, in the words of this dialect. The server has changed nothing.

export class RequestFault extends Error {
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

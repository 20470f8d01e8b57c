// What is wrong with a request as a whole, in the words of this dialect: nothing has happened.

export class RequestFault extends Error {
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}

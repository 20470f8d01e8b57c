// Turns errors into data and back: classes and their fields do not survive the hop between threads.
import { StoreError, type ErrorCode, type ErrorFacts } from '../base/errors.ts';

export function encodeError({ code, message, facts }: StoreError): string {
  return JSON.stringify({ code, message, ...facts });
}

export function decodeError(text: string): StoreError {
  const { code, message, ...facts } = JSON.parse(text) as ErrorFacts & {
    code: ErrorCode;
    message: string;
  };
  return new StoreError(code, message, facts);
}

// The administration of users, tokens and namespaces as commands see it: of a running server, or of a
// folder that no server uses. Both give the documents of the HTTP API, and refuse in the same words.
import type {
  CallerView,
  NamespaceView,
  NewTokenView,
  TokenView,
  UserView,
} from '../../access/views.ts';
import type { JsonObject } from '../../base/json-object.ts';
import { CommandError, exitCodes } from '../command-error.ts';

/** Each method throws CommandError if it is refused. */
export interface AdminClient {
  /** The server's address or the folder, for messages. */
  readonly place: string;
  users(): Promise<readonly UserView[]>;
  user(name: string): Promise<UserView>;
  putUser(name: string, body: JsonObject): Promise<void>;
  deleteUser(name: string): Promise<void>;
  tokens(user: string): Promise<readonly TokenView[]>;
  createToken(user: string, body: JsonObject): Promise<NewTokenView>;
  deleteToken(user: string, id: string): Promise<void>;
  namespaces(): Promise<readonly NamespaceView[]>;
  namespace(name: string): Promise<NamespaceView>;
  putNamespace(name: string, body: JsonObject): Promise<void>;
  dropNamespace(name: string): Promise<void>;
  status(): Promise<AccessStatus>;
}

/** Views of one page, of a list that is asked for page by page. */
export const pageLimit = 1000;

export interface AccessStatus {
  readonly tokenRequired: boolean;
  /** The caller as a server knows it. Undefined for a folder, and for a caller without a valid token. */
  readonly caller?: CallerView;
  /** Of a folder: the number of users. */
  readonly users?: number;
  /** Of a folder: the number of tokens, those that have expired among them. */
  readonly tokens?: number;
  /** Of a folder: true if a valid token administers the server. */
  readonly hasAdmin?: boolean;
}

/** A refusal with the code of the API: the same from a server and from a folder. */
export class RefusedAdministration extends CommandError {
  /** Such as USER_NOT_FOUND. */
  readonly code: string;

  constructor(place: string, code: string, detail: string, cause?: unknown) {
    super(exitCodes.failed, `${place} refused (${code}): ${detail}`, cause);
    this.code = code;
  }
}

/** @returns undefined if the work is refused with this code */
export async function unlessRefused<T>(code: string, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof RefusedAdministration && error.code === code) return undefined;
    throw error;
  }
}

/** Behind an error of a command that could have changed something. */
export const nothingChanged = 'Nothing has been changed';

/**
 * A read before the change of a command.
 *
 * @throws CommandError that says that nothing has been changed; a refusal as it is
 */
export async function beforeChange<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    throw error instanceof RefusedAdministration ? error : withOutcome(error, nothingChanged);
  }
}

/**
 * A read of what a change has made.
 *
 * @throws CommandError that says that the change has been made
 */
export async function afterChange<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    throw withOutcome(error, 'The change has been made');
  }
}

function withOutcome(error: unknown, outcome: string): unknown {
  if (!(error instanceof CommandError)) return error;
  const { exitCode, message } = error;
  return new CommandError(exitCode, `${message.replace(/\.$/, '')}. ${outcome}`, error);
}

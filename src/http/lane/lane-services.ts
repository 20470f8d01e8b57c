// The parts of the server that the lane asks, and the lane as its connections see it. Has no code.
import type { Socket } from 'node:net';
import type { AccessGate } from '../access/access-gate.ts';
import type { BodyBudget } from '../body/body-budget.ts';
import type { Connections } from '../connections/connections.ts';
import type { UnsentReplies } from '../connections/unsent-replies.ts';
import type { Admission } from '../overload/admission.ts';
import type { Answer } from '../wire/answer.ts';
import type { UnfinishedHead } from '../wire/client-error.ts';
import type { HttpRequest } from '../wire/request-head.ts';
import type { HandoverReason } from './head-parser.ts';
import type { LaneRoute, LaneRoutes } from './lane-routes.ts';
import type { ReplyText } from './reply-text.ts';

export interface FastLaneOptions {
  readonly routes: LaneRoutes;
  readonly gate: AccessGate;
  readonly admission: Admission;
  readonly connections: Connections;
  readonly bodies: BodyBudget;
  readonly replies: UnsentReplies;
  /** Called for each reply. */
  readonly onReply: (route: string, method: string, status: number, ms: number) => void;
  readonly text: ReplyText;
  readonly keepAliveTimeoutMs: number;
  readonly monotonicMs: () => number;
  readonly answerOfError: (request: HttpRequest, error: unknown) => Answer;
  /** Answers a request that the client has cut short by ending its side, and closes the connection. */
  readonly answerCutShort: (socket: Socket, head: UnfinishedHead) => void;
  /** Called if another stream stands for the socket from now on. */
  readonly replaceSocket: (socket: Socket, standIn: Socket) => void;
  /** Called for a bug. */
  readonly onFault: (error: unknown) => void;
}

/** The lane as its connections see it. */
export interface LaneServices extends Omit<
  FastLaneOptions,
  'answerOfError' | 'bodies' | 'onFault'
> {
  releaseRoom(bytes: number): void;
  answerOfError(request: HttpRequest, route: LaneRoute, error: unknown): Answer;
  noteFault(error: unknown): void;
  /** Takes room for bytes of a body. */
  takeRoom(bytes: number): boolean;
  handOver(socket: Socket, unread: Buffer, reason: HandoverReason): void;
  forget(socket: Socket): void;
}

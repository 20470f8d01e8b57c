// Has each action of administration recorded in the audit log, with its outcome, whether or not it is
// carried out. Judges no caller: the handlers do.
import type { FastifyRequest } from 'fastify';
import { StoreError } from '../../base/errors.ts';
import type { AuditedAction, RequestAudits } from '../audit/request-audits.ts';
import type { ReadBody } from '../body/body-reader.ts';
import type { Answer, AnswerRequest } from '../wire/answer.ts';

/** The thing that an action is about. */
export type AuditedTarget = Pick<AuditedAction, 'namespace' | 'target'>;

export interface AuditedHandler {
  /** As `user.put`. */
  readonly action: string;
  /** @param answer undefined if the action has failed */
  readonly targetOf: (request: FastifyRequest, answer: Answer | undefined) => AuditedTarget;
  readonly answer: AnswerRequest<FastifyRequest>;
}

export function auditedAction(
  audits: RequestAudits,
  { action, targetOf, answer }: AuditedHandler,
): AnswerRequest<FastifyRequest> {
  return async (request: FastifyRequest, readBody: ReadBody): Promise<Answer> => {
    // The action may be the one that turns the last audit off.
    const wasOn = audits.isOn;
    try {
      const answered = await answer(request, readBody);
      const outcome = request.method === 'GET' ? 'read' : 'applied';
      audits.note(request.raw, { action, ...targetOf(request, answered), outcome }, wasOn);
      return answered;
    } catch (error) {
      const isOfLog = error instanceof StoreError && error.code === 'AUDIT_FULL';
      const about = { action, ...targetOf(request, undefined) };
      if (!isOfLog) audits.noteFailure(request.raw, about, error);
      throw error;
    }
  };
}

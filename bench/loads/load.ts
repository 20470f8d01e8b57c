// The interface of a load: it runs a round of requests against a URL. Every load fails a round with a
// wrong, refused or missing reply.
import type { Conditions } from '../rows/row.ts';
import type { WeightedTemplate } from '../rows/request-template.ts';

export interface RoundPlan {
  /** Without a slash at the end. */
  readonly url: string;
  readonly templates: readonly WeightedTemplate[];
  readonly conditions: Conditions;
  readonly seconds: number;
  /** Seeds the draw of keys. Values of this round carry it. */
  readonly seed: number;
  /**
   * Looks into the body of every reply, as far as the template tells its content. That takes the load's
   * time, so it is for rounds whose figures do not count. Bodies of pipelines are always looked into.
   */
  readonly checksReplies?: boolean;
  readonly token?: string;
}

export interface RoundFigures {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Load {
  /** With its version, for the report. */
  readonly name: string;
  /** @throws Error if a reply was wrong, not a success, or did not come */
  round(plan: RoundPlan): Promise<RoundFigures>;
}

// Holds the results of rows against the targets.
import type { RowResult } from '../measuring/measure-row.ts';
import { isReached, type Target } from '../rows/targets.ts';
import { ratiosOf } from './side-figures.ts';

export interface JudgedTarget {
  readonly target: Target;
  /** Undefined: the other side was not measured. */
  readonly reached: number | undefined;
  readonly isMet: boolean;
}

/** The targets of the rows that were measured. The first side of a row is Holdfast. */
export function judgeTargets(
  results: readonly RowResult[],
  targets: readonly Target[],
): JudgedTarget[] {
  return results.flatMap(({ row, sides }) =>
    targets
      .filter((target) => target.row === row.name)
      .map((target) => {
        const [ours] = sides;
        const other = sides.find(({ name }) => name === target.versus);
        if (ours === undefined || other === undefined) {
          return { target, reached: undefined, isMet: false };
        }
        const reached = ratiosOf(ours, other)[target.measure];
        return { target, reached, isMet: isReached(target, reached) };
      }),
  );
}

// A side of a row: a contender that serves it, filled, with the requests that its load makes.
import type { Contender, Place, Running } from '../contenders/contender.ts';
import type { Load } from '../loads/load.ts';
import { templatesFor, type WeightedTemplate } from '../rows/request-template.ts';
import { needsValues, type Conditions, type Row } from '../rows/row.ts';

export interface Side {
  readonly name: string;
  readonly contender: Contender;
  readonly conditions: Conditions;
  readonly running: Running;
  readonly load: Load;
  readonly templates: readonly WeightedTemplate[];
}

/** A side that is still to be started. */
export interface PlannedSide {
  readonly name: string;
  readonly contender: Contender;
  readonly conditions: Conditions;
}

/** The sides of a row: a contender each, and the variant of the first one if the row has one. */
export function planSides(row: Row, contenders: readonly Contender[]): PlannedSide[] {
  const able = contenders.filter((one) => one.missing() === undefined && one.takes(row));
  const sides = able.map((contender) => ({ name: contender.name, contender, conditions: row }));
  const [first] = able;
  if (row.variant === undefined || first === undefined) return sides;
  const conditions = { ...row, ...row.variant };
  return [...sides, { name: row.variant.name, contender: first, conditions }];
}

export async function startSide(
  planned: PlannedSide,
  row: Row,
  place: Place,
  loadOfRun: Load,
): Promise<Side> {
  const { contender, conditions } = planned;
  const running = await contender.start(row, place);
  const templates = templatesFor(running.dialect, row.work);
  if (templates === undefined) throw new Error(`${planned.name} has no requests for ${row.name}`);
  const { keys, valueBytes } = conditions;
  if (needsValues(row.work)) await running.fill?.(0, keys, valueBytes);
  return { ...planned, running, templates, load: running.load ?? loadOfRun };
}

// A side of a row: a contender that serves it, filled, with the requests that its load makes.
import { caddyMissing } from '../contenders/caddy.ts';
import type { Contender, Place, Running } from '../contenders/contender.ts';
import { idleImpossible } from '../contenders/idle-connections.ts';
import type { Load } from '../loads/load.ts';
import { templatesFor, type WeightedTemplate } from '../rows/request-template.ts';
import { needsValues, type Conditions, type Row } from '../rows/row.ts';

export interface Side {
  readonly name: string;
  readonly contender: Contender;
  /** With the conditions of the variant, if it is one. */
  readonly row: Row;
  readonly running: Running;
  readonly load: Load;
  readonly templates: readonly WeightedTemplate[];
}

/** A side that is still to be started. */
export interface PlannedSide {
  readonly name: string;
  readonly contender: Contender;
  /** With the conditions of the variant, if it is one. */
  readonly row: Row;
}

/** @returns why a row cannot be measured under these conditions here; undefined if it can */
function impossible({ proxy, idleConnections = 0 }: Partial<Conditions>): string | undefined {
  return (proxy === undefined ? undefined : caddyMissing()) ?? idleImpossible(idleConnections);
}

/** Variants of a row that this machine cannot measure, each with its reason. */
export function missingVariants({ variants = [] }: Row): { name: string; why: string }[] {
  return variants.flatMap((variant) => {
    const why = impossible(variant);
    return why === undefined ? [] : [{ name: variant.name, why }];
  });
}

/** The sides of a row: a contender each, and the variants of the first one if the row has any. */
export function planSides(row: Row, contenders: readonly Contender[]): PlannedSide[] {
  const able = contenders.filter((one) => one.missing() === undefined && one.takes(row));
  const [first] = able;
  if (first === undefined) return [];
  const variants = (row.variants ?? [])
    .filter((variant) => impossible(variant) === undefined)
    .map((variant) => ({ name: variant.name, contender: first, row: { ...row, ...variant } }));
  if (row.alone !== undefined) return [{ name: row.alone, contender: first, row }, ...variants];
  return [...able.map((contender) => ({ name: contender.name, contender, row })), ...variants];
}

export async function startSide(
  { name, contender, row }: PlannedSide,
  place: Place,
  loadOfRun: Load,
): Promise<Side> {
  const running = await contender.start(row, place);
  const templates = templatesFor(running.dialect, row.work);
  if (templates === undefined) throw new Error(`${name} has no requests for the row`);
  if (needsValues(row.work)) await running.fill?.(0, row.keys, row.valueBytes);
  return {
    name,
    contender,
    row,
    running,
    templates,
    load: running.load ?? loadOfRun,
  };
}

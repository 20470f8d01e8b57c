// No version is used twice, over every restart and reshard. An entry never has one version twice.
// Two plain writes of one shard have different versions. All puts of a transaction in one shard
// have the same version, and so have records that the server puts in one transaction. A plain write
// that finds no room in its namespace at once is a transaction, too.
import { isInternalNamespace } from '../../src/base/namespace-name.ts';
import { entryOfName, shardOfName } from './entry-names.ts';
import { shown } from './logged-entry.ts';
import type { RunRecord } from './run-record.ts';
import { tagIn } from './transaction-tag.ts';

/** The versions of a layout begin above those of the layout before. */
interface Layout {
  readonly fromSeq: number;
  readonly shards: number;
}

export class VersionJudge {
  readonly #record: RunRecord;
  readonly #hasQuotas: boolean;
  readonly #layouts: Layout[];
  readonly #valueOf = new Map<string, string>();

  /** @param hasQuotas true: a plain write may have the version of another entry of its shard */
  constructor(record: RunRecord, shards: number, hasQuotas: boolean) {
    this.#record = record;
    this.#hasQuotas = hasQuotas;
    this.#layouts = [{ fromSeq: 0, shards }];
  }

  noteLayout(layout: Layout): void {
    this.#layouts.push(layout);
  }

  note(name: string, version: number, value: string): void {
    this.#noteGiven(`version ${version} of ${name}`, value);
    const { namespace } = entryOfName(name);
    if (this.#hasQuotas) return;
    if (tagIn(value) !== undefined || isInternalNamespace(namespace)) return;
    const at = this.#layouts.findLastIndex(({ fromSeq }) => fromSeq <= version);
    const shard = shardOfName(name, this.#layouts[at]?.shards ?? 1);
    this.#noteGiven(`version ${version} of shard ${shard} of layout ${at}`, value);
  }

  #noteGiven(what: string, value: string): void {
    const before = this.#valueOf.get(what) ?? value;
    this.#valueOf.set(what, value);
    if (before !== value)
      this.#record.fail(`${what} was given to ${shown(before)} and to ${shown(value)}`);
  }
}

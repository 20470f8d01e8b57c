// Reads the envelope of a batch: `{"operations":[…]}` and nothing else. Does not look at the items:
// the caller reads them one by one.
import { parseEnvelope } from '../json/json-envelope.ts';
import { badMember } from '../../../base/json-object.ts';

/** @throws StoreError if the request as a whole is malformed or too large */
export function parseBatchEnvelope(body: Buffer, operationsMax: number): readonly unknown[] {
  const lists = parseEnvelope(body, {
    members: ['operations'],
    itemsMax: operationsMax,
    tooMany: `A batch may have at most ${operationsMax} operations.`,
  });
  const operations = lists.get('operations');
  if (operations === undefined) throw badMember('operations', 'operations must be a list.');
  return operations;
}

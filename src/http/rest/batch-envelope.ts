// Reads the envelope of a batch: `{"operations":[…]}` and nothing else. The items are looked at one
// by one later.
import { parseEnvelope } from './json-envelope.ts';
import { badMember } from './json-item.ts';

/** @throws StoreError where the request is wrong as a whole */
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

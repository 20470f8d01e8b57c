// Reads If-Match and If-None-Match (RFC 9110 sections 13.1.1 and 13.1.2) into conditions on
// versions. A tag that is no version is valid and matches nothing. Judges no condition.
import type { IncomingHttpHeaders } from 'node:http';
import { StoreError } from '../../../base/errors.ts';
import type { Conditions, VersionMatch } from '../../../store/operation.ts';

/** One list element, which may be empty, and the comma or end behind it. */
const listElement = /[ \t]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)")?[ \t]*(?:,|$)/y;
const versionText = /^[1-9][0-9]{0,15}$/;

function malformed(header: string): StoreError {
  const detail = `${header} must be * or a list of entity tags, such as "7" or "7", "9".`;
  return new StoreError('BAD_REQUEST', detail, { parameter: header });
}

function versionsOfList(header: string, text: string, takesWeak: boolean): number[] {
  const versions: number[] = [];
  let tags = 0;
  listElement.lastIndex = 0;
  while (listElement.lastIndex < text.length) {
    const element = listElement.exec(text);
    if (element === null) throw malformed(header);
    const [, weak, tag] = element;
    if (tag === undefined) continue;
    tags += 1;
    if ((takesWeak || weak === undefined) && versionText.test(tag)) versions.push(Number(tag));
  }
  if (tags === 0) throw malformed(header);
  return versions;
}

function matchOf(header: string, text: string | undefined, takesWeak: boolean) {
  if (text === undefined) return undefined;
  const match: VersionMatch = text.trim() === '*' ? '*' : versionsOfList(header, text, takesWeak);
  return match;
}

/** @throws StoreError BAD_REQUEST naming the malformed header */
export function conditionsOfRequest(headers: IncomingHttpHeaders): Conditions {
  // If-Match compares strongly, so weak tags never match. If-None-Match compares weakly.
  return {
    ifMatch: matchOf('If-Match', headers['if-match'], false),
    ifNoneMatch: matchOf('If-None-Match', headers['if-none-match'], true),
  };
}

// Owns which names users may have. The users of server tokens have names that this rule
// refuses.
import { badMember } from '../base/json-object.ts';

const userNameMax = 64;

export const userNamePattern = new RegExp(
  `^[A-Za-z0-9_@+-][A-Za-z0-9._@+-]{0,${userNameMax - 1}}$`,
);

export function isUserName(name: string): boolean {
  return userNamePattern.test(name);
}

/** @throws StoreError BAD_REQUEST */
export function checkUserName(name: string): void {
  if (isUserName(name)) return;
  const detail =
    `A user's name has 1 to ${userNameMax} characters of A-Z, a-z, 0-9, ".", "_", "@", "+" and "-", ` +
    'and does not begin with a dot.';
  throw badMember('name', detail);
}

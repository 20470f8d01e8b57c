// A module hook that plants one bug in the compiled program while node loads it.
import type { LoadHook } from 'node:module';
import { codePattern, countOf } from './code-pattern.ts';
import type { PlantedBug } from './planted-bugs.ts';

let bug: PlantedBug | undefined;

export function initialize(data: PlantedBug): void {
  bug = data;
}

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  if (bug === undefined || !url.endsWith(`/dist/${bug.file.replace(/\.ts$/, '.js')}`)) {
    return loaded;
  }
  const source = Buffer.from(loaded.source as Uint8Array).toString();
  if (countOf(bug.find, source) !== 1) throw new Error(`${bug.file} does not have it once`);
  return { ...loaded, source: source.replace(codePattern(bug.find), () => bug?.replace ?? '') };
};

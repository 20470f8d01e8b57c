import { describe, expect, test } from 'vitest';
import { refuseForeignFolder, refuseUnlessEmpty } from '../../src/storage/foreign-entries.ts';
import { MemoryFileSystem } from '../support/disk/memory-file-system.ts';

const works = [
  ['a restore', refuseUnlessEmpty, 'a backup is restored into'],
  ['a start', refuseForeignFolder, 'a new store is made in'],
] as const;

function folderWith(...names: readonly string[]): MemoryFileSystem {
  const files = new MemoryFileSystem();
  files.makeFolder('/data');
  for (const name of names) files.put(`/data/${name}`, Buffer.from('x'));
  return files;
}

describe.each(works)('for %s', (_, refuse, work) => {
  test('a folder that is absent or empty will do, as will what people and file systems leave', () => {
    const files = folderWith('LOCK', '.gitkeep', '.gitignore');
    files.makeFolder('/data/lost+found');
    expect(() => refuse(files, '/data')).not.toThrow();
    expect(() => refuse(folderWith(), '/data')).not.toThrow();
    expect(() => refuse(files, '/absent')).not.toThrow();
  });

  test.each(['passwd', 'manifest.json.next.tmp', 'layout-1', 'lock'])(
    'a folder that holds %s is refused, which is named, and nothing is changed',
    (name) => {
      const files = folderWith('.gitkeep', 'LOCK', name, 'zzz');
      const before = files.contents();
      expect(() => refuse(files, '/data')).toThrow(
        expect.objectContaining({
          code: 'STORE_MISMATCH',
          message:
            `/data is not empty, it holds ${name}: ${work} a folder that is absent or empty. ` +
            'Nothing has been changed.',
        }),
      );
      expect(files.contents()).toEqual(before);
    },
  );

  test.each(['manifest.json.tmp', 'manifest.json.filling.tmp'])(
    'a folder with an unfinished store (%s) passes',
    (draft) => {
      expect(() => refuse(folderWith(draft, 'layout-000001/x'), '/data')).not.toThrow();
    },
  );
});

test.each(['manifest.json', 'layout-000001'])(
  'files of a store (%s) pass at a start, which opens it, and are refused by a restore',
  (name) => {
    const files = folderWith('a file of people', name);
    expect(() => refuseForeignFolder(files, '/data')).not.toThrow();
    expect(() => refuseUnlessEmpty(folderWith(name), '/data')).toThrow(`it holds ${name}`);
  },
);

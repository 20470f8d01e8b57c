// Checks which folder imports which, against the table of ARCHITECTURE.md: arrows only point down.
// Reads the import statements themselves, including those of types.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { programFolder } from '../../src/base/program-folder.ts';

/** Layer -> the layers that it may import, besides itself. A folder that is missing here fails. */
const allowedImports: Readonly<Record<string, readonly string[]>> = {
  'src/base': [],
  // Commands are pure functions. The engine carries them out, and front ends name them.
  'src/commands': ['src/base'],
  'src/store': ['src/commands', 'src/base'],
  // Entries in memory that a shard's thread writes and the main thread reads.
  'src/memory': ['src/store', 'src/base'],
  'src/protocol': ['src/memory', 'src/store', 'src/commands', 'src/base'],
  'src/storage': ['src/base'],
  'src/shard': [
    'src/storage',
    'src/protocol',
    'src/memory',
    'src/store',
    'src/commands',
    'src/base',
  ],
  workers: ['src/shard', 'src/storage', 'src/protocol', 'src/base'],
  'src/router': ['src/protocol', 'src/memory', 'src/store', 'src/commands', 'src/base'],
  // The one layer that joins router and storage into the embedded engine.
  'src/engine': ['src/router', 'src/storage', 'src/protocol', 'src/store', 'src/base'],
  // Locks over any store. Knows no HTTP.
  'src/locks': ['src/store', 'src/base'],
  // Works on the files of a store that no server uses.
  'src/tools': ['src/locks', 'src/shard', 'src/storage', 'src/protocol', 'src/store', 'src/base'],
  // Users and tokens over any store. Front ends ask it, and engines do not know it.
  'src/access': ['src/store', 'src/base'],
  // The log of who did what. Knows no HTTP: front ends tell it, and a command reads it.
  'src/audit': ['src/base'],
  'src/http': ['src/locks', 'src/audit', 'src/access', 'src/store', 'src/commands', 'src/base'],
  // Names, bounds and refusals of settings, for every way to start a server.
  'src/settings': ['src/base'],
  // Puts a whole server together, for any process that wants one.
  'src/server': [
    'src/settings',
    'src/http',
    'src/audit',
    'src/access',
    'src/engine',
    'src/tools',
    'src/router',
    'src/shard',
    'src/storage',
    'src/protocol',
    'src/store',
    'src/commands',
    'src/base',
  ],
  // The wiring: it may import every layer below.
  'src/cli': [
    'src/server',
    'src/settings',
    'src/http',
    'src/audit',
    'src/access',
    'src/engine',
    'src/tools',
    'src/router',
    'src/shard',
    'src/storage',
    'src/protocol',
    'src/store',
    'src/base',
  ],
  'src/main.ts': ['src/cli'],
  'src/index.ts': ['src/server', 'src/settings', 'src/base'],
};

/** Files that may cross the table, each with its reason. */
const exceptions: Readonly<Record<string, readonly string[]>> = {};

/** Packages that only these files may import. */
const soleImporters: Readonly<Record<string, readonly string[]>> = {
  // The pool itself, and the entry point that moves buffers back without a copy.
  piscina: ['src/router/threads/worker-pool.ts', 'workers/backup.ts'],
};

interface Import {
  readonly from: string;
  readonly to: string;
}

function sourceFiles(): string[] {
  return ['src', 'workers'].flatMap((folder) =>
    readdirSync(join(programFolder, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(folder, name)),
  );
}

const importPatterns = [
  // import x from 'a'; import type { x } from 'a'; export * from 'a'; import 'a'
  /^(?:import|export)\s(?:[^'"`;]*?\sfrom\s)?\s*['"]([^'"]+)['"]/gm,
  // await import('a'), typeof import('a')
  /\bimport\(\s*['"]([^'"]+)['"]/g,
];

/** The imports without which the file cannot be loaded. */
const loadPatterns = [
  /^(?:import|export)\s(?!type\s)(?:[^'"`;]*?\sfrom\s)?\s*['"]([^'"]+)['"]/gm,
  /\brequire\(\s*['"]([^'"]+)['"]/g,
];

function specifiersIn(file: string, patterns: readonly RegExp[]): string[] {
  const text = readFileSync(join(programFolder, file), 'utf8');
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, specifier = '']) => specifier),
  );
}

const importedBy = (file: string): string[] => specifiersIn(file, importPatterns);

/** The packages that are loaded with `roots`, by them or by the files behind them. */
function packagesBehind(...roots: readonly string[]): string[] {
  const packages = new Set<string>();
  const reached = new Set(roots);
  for (const from of reached) {
    for (const specifier of specifiersIn(from, loadPatterns)) {
      if (specifier.startsWith('.')) reached.add(join(dirname(from), specifier));
      else if (!specifier.startsWith('node:')) packages.add(specifier);
    }
  }
  return [...packages].toSorted();
}

const files = sourceFiles();

const localImports: readonly Import[] = files.flatMap((from) =>
  importedBy(from)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => ({ from, to: join(dirname(from), specifier) })),
);

function layerOf(file: string): string {
  const [top = '', second = ''] = file.split('/');
  return top === 'src' ? `${top}/${second}` : top;
}

function isAllowed({ from, to }: Import): boolean {
  const [source, target] = [layerOf(from), layerOf(to)];
  if (source === target) return true;
  if (allowedImports[source]?.includes(target)) return true;
  return exceptions[from]?.includes(to) ?? false;
}

/**
 * Finds a cycle of imports.
 *
 * @returns its files in order; undefined if there is none
 */
function findCycle(): string[] | undefined {
  const finished = new Set<string>();
  const visit = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (finished.has(file)) return undefined;
    for (const { to } of localImports.filter(({ from }) => from === file)) {
      const cycle = visit(to, [...path, file]);
      if (cycle !== undefined) return cycle;
    }
    finished.add(file);
    return undefined;
  };
  return files.map((file) => visit(file, [])).find((cycle) => cycle !== undefined);
}

describe('imports', () => {
  test('are found at all, of values and of types', () => {
    expect(localImports.length).toBeGreaterThan(files.length);
    expect(importedBy('src/cli/serve.ts')).toContain('pino');
    expect(importedBy('src/store/store.ts')).toContain('./operation.ts');
  });

  test('lead to files that exist', () => {
    expect(localImports.filter(({ to }) => !files.includes(to))).toEqual([]);
  });

  test('point down, from each folder only to those it may know', () => {
    const upward = localImports.filter((one) => !isAllowed(one));
    expect(upward.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });

  test('make no cycle', () => {
    expect(findCycle()).toBeUndefined();
  });

  test('lead one way between folders beside each other', () => {
    const ways = new Set(
      localImports
        .map(({ from, to }) => [dirname(from), dirname(to)] as const)
        .filter(([from, to]) => from !== to && dirname(from) === dirname(to))
        .map(([from, to]) => `${from} -> ${to}`),
    );
    const bothWays = [...ways].filter((way) =>
      ways.has(way.split(' -> ').toReversed().join(' -> ')),
    );
    expect(ways.size).toBeGreaterThan(20);
    expect(bothWays).toEqual([]);
  });

  test.each(Object.entries(soleImporters))('of %s stand in one place', (name, importers) => {
    const actual = files.filter((file) => importedBy(file).includes(name));
    expect(actual).toEqual(importers);
  });

  test('of packages name those that package.json has as dependencies', () => {
    const text = readFileSync(join(programFolder, 'package.json'), 'utf8');
    const { dependencies } = JSON.parse(text) as { dependencies: Record<string, string> };
    const strangers = files.flatMap((file) =>
      importedBy(file).filter((specifier) => {
        if (specifier.startsWith('.') || specifier.startsWith('node:')) return false;
        const depth = specifier.startsWith('@') ? 2 : 1;
        return !Object.hasOwn(dependencies, specifier.split('/').slice(0, depth).join('/'));
      }),
    );
    expect(strangers).toEqual([]);
  });
});

/** Files by which commands load the engine. */
const opensStore: ReadonlySet<string> = new Set([
  'src/cli/serve.ts',
  'src/cli/admin/folder-admin.ts',
]);

// Tests and scripts start the program hundreds of times, and packages take most of a start.
describe('a start', () => {
  test('of any command loads the parser of command lines, and no other package', () => {
    expect(packagesBehind('src/cli/program.ts')).toEqual(['commander']);
  });

  test('of a command without a server loads no package', () => {
    const works = files
      .filter((file) => file.startsWith('src/cli/'))
      .flatMap((file) =>
        specifiersIn(file, [/\bawait import\('([^']+)'/g]).map((to) => join(dirname(file), to)),
      )
      .filter((file) => !opensStore.has(file));
    expect(works).toHaveLength(10);
    expect(packagesBehind(...works)).toEqual([]);
  });

  // Scripts call it often.
  test('of a command that administers a running server loads no package but the parser', () => {
    const both = packagesBehind('src/cli/program.ts', 'src/cli/admin/server-admin.ts');
    expect(both).toEqual(['commander']);
  });

  // A container asks every few seconds.
  test('of the command that asks for health loads no package but the parser', () => {
    const both = packagesBehind('src/cli/program.ts', 'src/cli/ask-readiness.ts');
    expect(both).toEqual(['commander']);
  });

  test('of a thread loads the pool, and no other package', () => {
    const entries = files.filter((file) => file.startsWith('workers/'));
    expect(packagesBehind(...entries)).toEqual(['piscina']);
  });

  test('of a server loads the framework, so that a package is found at all', () => {
    expect(packagesBehind('src/server/serve-store.ts')).toContain('fastify');
  });
});

describe('folders and names', () => {
  test('every file belongs to a layer of the table', () => {
    const placeless = files.filter((file) => !Object.hasOwn(allowedImports, layerOf(file)));
    expect(placeless).toEqual([]);
  });

  test('every file is in kebab-case', () => {
    const odd = files.filter((file) => !/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(basename(file)));
    expect(odd).toEqual([]);
  });

  test.each(['utils', 'util', 'common', 'helpers', 'helper', 'manager', 'misc', 'data', 'info'])(
    'no file or folder is called %s, which says nothing',
    (vague) => {
      expect(files.filter((file) => file.split(/[/.]/).includes(vague))).toEqual([]);
    },
  );

  test('every file says in its first line what it owns', () => {
    const silent = files.filter((file) => {
      const text = readFileSync(join(programFolder, file), 'utf8').replace(/^#!.*\n/, '');
      return !/^(\/\/ |\/\*\*)/.test(text);
    });
    expect(silent).toEqual([]);
  });
});

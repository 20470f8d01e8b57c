// Bundles the program into dist/program, so that a start opens a few files in place of hundreds: Node
// takes about a millisecond for each module that it imports. Only our own code: the libraries stay in
// node_modules, where the lock file keeps their versions.
import { build } from 'rolldown';

await build({
  input: {
    main: 'src/main.ts',
    index: 'src/index.ts',
    'workers/shard': 'workers/shard.ts',
    'workers/compactor': 'workers/compactor.ts',
    'workers/backup': 'workers/backup.ts',
  },
  platform: 'node',
  external: (id) => !id.startsWith('.') && !id.startsWith('/'),
  transform: { target: 'es2023' },
  output: {
    dir: 'dist/program',
    cleanDir: true,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    sourcemap: true,
  },
});

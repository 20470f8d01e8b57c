import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Worker threads run compiled code, which vitest's transform does not reach: build first, once. */
export const globalSetup = ['test/support/processes/build-first.ts'];

/** What all tests share. */
export const shared: TestProjectInlineConfiguration['test'] = {
  // As Node does it: a CommonJS module's exports are its default export, whatever is among them.
  deps: { interopDefault: false },
  pool: 'forks',
  // These end a test that hangs. They say nothing about speed: machines differ by a factor of four.
  testTimeout: 90_000,
  hookTimeout: 60_000,
};

/** Set if all tests have run on one Node and run on another: the loops are left out. */
const isSecondRun = process.env['TESTS_SECOND_RUN'] === '1';

/** These repeat themselves over seeds or crashes, or start program after program. */
const loops = [
  'test/simulation/**/*.test.ts',
  'test/processes/**/*.test.ts',
  'test/cli/{backup,command-line,offline-tools,process-signals,reshard,restore,serve}.test.ts',
  'test/cli/unwritable-streams.test.ts',
  'test/e2e/{backup,cities,embedding,many-connections,readme,retries,transactions}.test.ts',
  'test/engine/{dying-threads,full-memory,transaction-crash-points}.test.ts',
  'test/http/connections/pipelined-requests.test.ts',
  'test/http/lane/both-paths.test.ts',
  'test/http/idempotency/idempotent-requests.test.ts',
  'test/http/rest/transactions/transaction-{concurrency,properties}.test.ts',
  'test/router/properties.test.ts',
  'test/server/tls-files.test.ts',
  'test/tools/repair-sweep.test.ts',
];

/** These start program after program, which takes too long for the desk. All versions of Node run them. */
const programs = ['test/cli/admin/commands.test.ts'];

/** These run over TLS as well: connections may differ there, and dialects do not. */
const overTls = [
  'test/http/{drain,hostile-bytes,time-limits,tracked-response}.test.ts',
  'test/http/body/bodies-in-flight.test.ts',
  'test/http/connections/{connections-max,pipelined-requests,request-order}.test.ts',
  'test/http/rest/keys/waiting-connections.test.ts',
];

/** These run without the fast lane as well: both paths must keep the same promises. */
const pastTheLane = [
  'test/http/{contract,drain,hostile-bytes,hostile-requests,time-limits}.test.ts',
  'test/http/connections/request-order.test.ts',
  'test/http/rest/keys/*.test.ts',
  'test/http/upstash/{hostile-requests,upstash-routes}.test.ts',
];

/** These need the machine for themselves. */
const floods = ['test/overload/**/*.test.ts'];

/** These measure the heap of their process, so they share it with no other file. */
const measured = ['test/shard/table/entry-table-memory.test.ts'];

const notQuick = [...measured, ...programs, ...loops];

/** The longest files, the longest first. They begin first, so that no core is idle in the end. */
const longest = [
  'test/simulation/planted-bugs.test.ts',
  'test/http/lane/both-paths.test.ts',
  'test/engine/transaction-crash-points.test.ts',
  'test/engine/full-memory.test.ts',
  'test/cli/admin/commands.test.ts',
  'test/cli/offline-tools.test.ts',
  'test/cli/serve.test.ts',
  'test/simulation/access/access-simulation.test.ts',
  'test/simulation/simulation.test.ts',
  'test/e2e/readme.test.ts',
  'test/cli/restore.test.ts',
  'test/cli/backup.test.ts',
  'test/e2e/backup.test.ts',
  'test/cli/unwritable-streams.test.ts',
  'test/processes/kill.test.ts',
  'test/e2e/cities.test.ts',
];

/** Orders files by `longest`. Without it, vitest would begin some of these last. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- a method of vitest, which makes a new array
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => LongestFirst.#place(a) - LongestFirst.#place(b));
  }

  static #place({ moduleId, project }: TestSpecification): number {
    // Its files are short, so they fill the cores in the end.
    if (project.name === 'quick') return longest.length + 1;
    const place = longest.findIndex((file) => moduleId.endsWith(`/${file}`));
    return place === -1 ? longest.length : place;
  }
}

/** More than the cores of the smallest machine: many files wait for timers, disks and processes. */
const maxWorkers = 4;

export default defineConfig({
  test: {
    globalSetup,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          ...shared,
          // `npm run test:quick` runs this project alone, for the desk: about a minute on two cores.
          name: 'quick',
          include: ['test/**/*.test.ts'],
          // Faults need root and tools that not every machine has: vitest.faults.config.ts. Peers
          // are other servers: vitest.peers.config.ts.
          exclude: ['test/faults/**', 'test/peers/**', ...floods, ...notQuick],
          // Files share their modules, so that no file loads the server and its libraries again.
          isolate: false,
          maxWorkers,
        },
      },
      {
        test: {
          ...shared,
          name: 'loops',
          include: isSecondRun ? [...measured, ...programs] : notQuick,
          maxWorkers,
        },
      },
      {
        test: {
          ...shared,
          name: 'tls',
          include: overTls,
          // Node reads the second one when a process begins, for each client of its own.
          env: {
            TEST_TRANSPORT: 'tls',
            NODE_EXTRA_CA_CERTS: 'test/fixtures/tls/one-cert.pem',
          },
          // As in `quick`, which has the same files.
          isolate: false,
          maxWorkers,
        },
      },
      {
        test: {
          ...shared,
          name: 'framework',
          include: isSecondRun ? [] : pastTheLane,
          env: { TEST_LANE: 'off' },
          // As in `quick`, which has the same files.
          isolate: false,
          maxWorkers,
        },
      },
      {
        test: {
          ...shared,
          name: 'overload',
          include: isSecondRun ? [] : floods,
          // After everything else, one by one.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          // The bounds on load hold past the lane as well.
          name: 'framework-overload',
          include: isSecondRun ? [] : floods,
          env: { TEST_LANE: 'off' },
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});

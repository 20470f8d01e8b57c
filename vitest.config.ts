import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

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

/** These run over TLS as well: connections may differ there, and dialects do not. */
const overTls = [
  'test/http/{drain,hostile-bytes,time-limits,tracked-response}.test.ts',
  'test/http/body/bodies-in-flight.test.ts',
  'test/http/connections/{connections-max,pipelined-requests,request-order}.test.ts',
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

export default defineConfig({
  test: {
    globalSetup,
    projects: [
      {
        test: {
          ...shared,
          // `npm run test:quick` runs this project alone, for the desk: about a minute on two cores.
          name: 'quick',
          include: ['test/**/*.test.ts'],
          // Faults need root and tools that not every machine has: vitest.faults.config.ts. Peers
          // are other servers: vitest.peers.config.ts.
          exclude: ['test/faults/**', 'test/peers/**', ...floods, ...measured, ...loops],
          // Files share their modules, so that no file loads the server and its libraries again.
          isolate: false,
          // One more than the cores of the smallest machine: some files wait for timers.
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'loops',
          include: isSecondRun ? measured : [...measured, ...loops],
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
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
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: 'framework',
          include: isSecondRun ? [] : pastTheLane,
          env: { TEST_LANE: 'off' },
          maxWorkers: 3,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: 'overload',
          include: isSecondRun ? [] : floods,
          // After everything else, one by one.
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
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
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});

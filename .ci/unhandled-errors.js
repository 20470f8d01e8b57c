// A reporter of vitest: writes the errors that no test has caught into the file UNHANDLED_ERRORS. They
// fail a run, and the JSON report leaves them out.
import { writeFileSync } from 'node:fs';
import { env } from 'node:process';

export default class UnhandledErrors {
  onTestRunEnd(_modules, errors) {
    if (errors.length === 0) return;
    const told = errors.map((error) => ({
      type: error.type,
      during: error.VITEST_TEST_PATH ?? 'no test',
      text: error.stack ?? `${error.name}: ${error.message}`,
    }));
    writeFileSync(env.UNHANDLED_ERRORS, JSON.stringify(told));
  }
}

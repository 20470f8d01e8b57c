// Prints each failure of the vitest JSON reports, a line of counts per report and, last, their sum. An error
// that no test has caught counts as a failure, and so does a run that ends with an exit code for no reason
// that its report tells. Both stand in files beside the report.
// The end of a long log is all that is kept of it: a failure has to be named there.
// Fails if a report has no tests.
import { existsSync, readFileSync } from 'node:fs';
import { basename, relative } from 'node:path';

/** Of the message of one failure. */
const messageLinesMax = 40;

function firstLines(text) {
  const lines = text.split('\n');
  if (lines.length <= messageLinesMax) return text;
  return `${lines.slice(0, messageLinesMax).join('\n')}\n(and ${lines.length - messageLinesMax} lines more)`;
}

/** Of one test file: its failed tests, or the error that kept its tests from being collected. */
function failuresIn({ name, status, message, assertionResults }) {
  const file = relative(process.cwd(), name);
  const failed = assertionResults.filter((test) => test.status === 'failed');
  if (failed.length === 0) return status === 'failed' ? [`${file}\n${message ?? ''}`] : [];
  return failed.map(({ fullName, failureMessages }) => {
    return `${file} > ${fullName}\n${failureMessages.join('\n')}`;
  });
}

/** Of one report: errors outside of all tests. Vitest fails for them. */
function unhandledBeside(path) {
  const errors = path.replace(/\.json$/, '.errors');
  if (!existsSync(errors)) return [];
  return JSON.parse(readFileSync(errors, 'utf8')).map(({ type, during, text }) => {
    return `${type}, during ${relative(process.cwd(), during)}\n${text}`;
  });
}

/** Of one report: the exit code of its run, if it is not 0. */
function exitBeside(path) {
  const file = path.replace(/\.json$/, '.exit');
  return existsSync(file)
    ? [`the run ended with exit code ${readFileSync(file, 'utf8').trim()}`]
    : [];
}

const sum = { passed: 0, failed: 0, skipped: 0 };
const counts = [];
for (const path of process.argv.slice(2)) {
  const report = JSON.parse(readFileSync(path, 'utf8'));
  const name = basename(path, '.json');
  const known = [...report.testResults.flatMap(failuresIn), ...unhandledBeside(path)];
  const failures = known.length === 0 ? exitBeside(path) : known;
  for (const failure of failures) console.log(`FAILED ${name}: ${firstLines(failure)}\n`);
  const passed = report.numPassedTests;
  const failed = Math.max(failures.length, report.numFailedTests, report.success ? 0 : 1);
  const skipped = report.numPendingTests + report.numTodoTests;
  counts.push(`${name}: passed ${passed}, failed ${failed}, skipped ${skipped}`);
  if (passed + failed === 0) process.exitCode = 1;
  sum.passed += passed;
  sum.failed += failed;
  sum.skipped += skipped;
}
console.log(counts.join('\n'));
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);

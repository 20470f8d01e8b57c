// Prints a line a vitest JSON report and, last, their sum; fails where a report has no tests.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const sum = { passed: 0, failed: 0, skipped: 0 };
for (const file of process.argv.slice(2)) {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const passed = report.numPassedTests;
  const failed = Math.max(report.numFailedTests, report.success ? 0 : 1);
  const skipped = report.numPendingTests + report.numTodoTests;
  console.log(`${basename(file, '.json')}: passed ${passed}, failed ${failed}, skipped ${skipped}`);
  if (passed + failed === 0) process.exitCode = 1;
  sum.passed += passed;
  sum.failed += failed;
  sum.skipped += skipped;
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);

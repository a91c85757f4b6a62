// Runs vitest and ends with one line from its own report: "N passed, N failed, N skipped".
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "sec-test-"));
const report = join(folder, "report.json");
const run = spawnSync(
  process.execPath,
  [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  // What tests leave behind is removed with the folder.
  { stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, TMPDIR: folder } },
);
let failed = run.status !== 0;
try {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    readFileSync(report, "utf8"),
  );
  for (const file of testResults) {
    for (const test of file.assertionResults) {
      if (test.status === "pending" || test.status === "skipped") console.log(`skipped: ${test.fullName}`);
    }
  }
  // A file that could not be loaded has no tests to count as failed.
  const broken = testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  );
  for (const file of broken) console.log(`failed to load: ${file.name}\n${file.message}`);
  failed ||= numPassedTests === 0;
  console.log(
    `${numPassedTests} passed, ${numFailedTests + broken.length} failed, ${numPendingTests + numTodoTests} skipped`,
  );
} catch (error) {
  console.error(`vitest left no report: ${error.message}`);
  failed = true;
}
rmSync(folder, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;

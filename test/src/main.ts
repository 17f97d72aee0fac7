// Runs every compiled test file in one process through uvu, and sums up in one closing line.
//
// INVARIANT: the process ends with code 0 only when at least one test ran and none failed. A file that cannot be
// imported, a file that registers no suite, and a test that a failing `before` hook kept from running are failures.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** What uvu keeps for each suite: `[errors or true, passed, skipped, total]`. */
type SuiteResult = [errors: string | true, passed: number, skipped: number, total: number];
type SuiteRun = () => Promise<SuiteResult>;

/** uvu reads these globals when it is loaded, so they are set before its first import. */
interface UvuGlobals {
  UVU_DEFER?: number;
  UVU_INDEX?: number;
  UVU_QUEUE?: [name: string, ...runs: SuiteRun[]][];
}

const DIST = fileURLToPath(new URL(".", import.meta.url));
const SOURCE = fileURLToPath(new URL("../src/", import.meta.url));

/** Compiled test files below `dist`, at most one folder deep, leaving out those whose source is gone. */
function findTestFiles(): string[] {
  const files: string[] = [];
  for (const entry of readdirSync(DIST, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      files.push(...readdirSync(join(DIST, entry.name)).map((name) => `${entry.name}/${name}`));
    } else {
      files.push(entry.name);
    }
  }
  return files
    .filter((file) => file.endsWith(".test.js") && existsSync(join(SOURCE, file.replace(/\.js$/, ".ts"))))
    .sort();
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

let passed = 0;
let failed = 0;
let skipped = 0;

function printSummary(): void {
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
}

async function main(only: readonly string[]): Promise<number> {
  const uvuGlobals: UvuGlobals = globalThis as UvuGlobals;
  uvuGlobals.UVU_DEFER = 1;
  uvuGlobals.UVU_QUEUE = [];
  const queue = uvuGlobals.UVU_QUEUE;
  const { exec } = await import("uvu");

  const broken: string[] = [];
  const files = findTestFiles().filter((file) => only.length === 0 || only.some((part) => file.includes(part)));
  for (const file of files) {
    uvuGlobals.UVU_INDEX = queue.length;
    const group: [string, ...SuiteRun[]] = [file];
    queue.push(group);
    try {
      await import(pathToFileURL(join(DIST, file)).href);
      if (group.length === 1) broken.push(`${file}: no suite was registered; is \`.run()\` missing?`);
    } catch (error) {
      broken.push(`${file}: ${describe(error)}`);
    }
    // uvu prints its totals but does not return them, so each suite is wrapped to be counted here.
    for (const [index, run] of group.entries()) {
      if (typeof run === "string") continue;
      group[index] = async () => {
        try {
          const result = await run();
          passed += result[1];
          skipped += result[2];
          failed += result[3] - result[1];
          return result;
        } catch (error) {
          // A failing `after` hook escapes from uvu's own runner.
          failed++;
          return [`  ${file}: ${describe(error)}\n`, 0, 0, 1];
        }
      };
    }
  }
  await exec(false);

  for (const text of broken) console.error(`FAIL ${text}`);
  failed += broken.length;
  if (passed + failed === 0) console.error("FAIL no test ran");
  return failed === 0 && passed > 0 ? 0 : 1;
}

// A test that never settles lets the process run out of work, and one that throws from a callback ends it: both come
// through here with the run unfinished.
let finished = false;
process.on("exit", () => {
  if (!finished) {
    process.exitCode = 1;
    failed++;
    console.log();
    console.error("FAIL the run ended before every test had finished");
  }
  printSummary();
});

const code = await main(process.argv.slice(2));
finished = true;
// Nothing that a test left open may keep the process alive.
process.exit(code);

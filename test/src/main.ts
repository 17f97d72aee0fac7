// Runs every compiled test file through uvu, in two processes where there are two cores, and sums up in one closing line.
//
//   node test/dist/main.js [--long] [--times] [--jobs N] [NAME…]
//
// Only files whose path contains one of the names run; a name that is a file's whole name, without `.test.js`, means that file
// alone. `--long` makes properties and slices of the corpora as large as where CI is set (support/sizes.ts). `--times` ends with
// the seconds of each file. With more than one job each process takes the next file when it is done with one, the slowest
// files first; what a file prints is held back until it is done.
//
// INVARIANT: the process ends with code 0 only when at least one test ran and none failed. A file that cannot be imported, a
// file that registers no suite, a test that a failing `before` hook kept from running, and a process that ends before its
// file has finished are failures.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

/** What uvu keeps for each suite: `[errors or true, passed, skipped, total]`. */
type SuiteResult = [errors: string | true, passed: number, skipped: number, total: number];
type SuiteRun = () => Promise<SuiteResult>;

/** uvu reads these globals when it is loaded, so they are set before its first import. */
interface UvuGlobals {
  UVU_DEFER?: number;
  UVU_INDEX?: number;
  UVU_QUEUE?: [name: string, ...runs: SuiteRun[]][];
}

/** What became of a file. */
interface FileResult {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Why the file as a whole is a failure. */
  readonly broken: string | null;
  readonly seconds: number;
  /** Of its process, not of those that it started. */
  readonly cpuSeconds: number;
}

const DIST = fileURLToPath(new URL(".", import.meta.url));
const SOURCE = fileURLToPath(new URL("../src/", import.meta.url));

/** What takes longest, in this order, so that no process is left with it at the end. The others follow by name. */
const SLOW = ["corpora", "conformance", "differential", "hostile-rules", "eqlc", "ground-truth", "language"];

/** Between what a file prints and its result, on the output of a process that was started here. */
const END_OF_FILE = "\u0000";

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

function filesNamed(names: readonly string[]): string[] {
  const all = findTestFiles();
  if (names.length === 0) return all;
  const wanted = names.flatMap((name) => {
    const whole = all.filter((file) => file === `${name}.test.js`);
    return whole.length > 0 ? whole : all.filter((file) => file.includes(name));
  });
  return all.filter((file) => wanted.includes(file));
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Imports a file and runs its suites. Not for two files at once. */
async function runFile(file: string): Promise<FileResult> {
  const uvuGlobals: UvuGlobals = globalThis as UvuGlobals;
  uvuGlobals.UVU_DEFER = 1;
  // uvu keeps the queue that it finds when it is loaded.
  uvuGlobals.UVU_QUEUE ??= [];
  const group: [string, ...SuiteRun[]] = [file];
  uvuGlobals.UVU_INDEX = uvuGlobals.UVU_QUEUE.length;
  uvuGlobals.UVU_QUEUE.push(group);
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  let broken: string | null = null;
  const start = process.hrtime.bigint();
  const cpu = process.cpuUsage();
  try {
    await import(pathToFileURL(join(DIST, file)).href);
    if (group.length === 1) broken = "no suite was registered; is `.run()` missing?";
  } catch (error) {
    broken = describe(error);
  }
  console.log(file);
  for (const run of group.slice(1) as SuiteRun[]) {
    try {
      const [errors, ran, left, total] = await run();
      if (errors !== true) console.log(`\n${errors}`);
      passed += ran;
      skipped += left;
      failed += total - ran;
    } catch (error) {
      // A failing `after` hook escapes from uvu's own runner.
      failed++;
      console.log(`  ${file}: ${describe(error)}`);
    }
  }
  const { user, system } = process.cpuUsage(cpu);
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  return { file, passed, failed, skipped, broken, seconds, cpuSeconds: (user + system) / 1e6 };
}

const results: FileResult[] = [];

function note(result: FileResult): void {
  results.push(result);
  if (result.broken !== null) console.error(`FAIL ${result.file}: ${result.broken}`);
}

function total(of: (result: FileResult) => number): number {
  return results.reduce((sum, result) => sum + of(result), 0);
}

/** Runs files in a process of its own, the next one from `queue` each time, until there are none. */
async function runInProcess(queue: string[]): Promise<void> {
  while (queue.length > 0) {
    const child = fork(fileURLToPath(import.meta.url), ["--worker"], { stdio: ["ignore", "pipe", "inherit", "ipc"] });
    await serve(child, queue);
  }
}

/** Ends when the process does; a file that it was at then is a failure. */
async function serve(child: ChildProcess, queue: string[]): Promise<void> {
  let file: string | undefined;
  let printed = "";
  const next = (): void => {
    file = queue.shift();
    if (file === undefined) child.disconnect();
    else child.send(file);
  };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
    const end = printed.indexOf(END_OF_FILE);
    if (end < 0 || !printed.endsWith("\n")) return;
    process.stdout.write(`${printed.slice(0, end)}\n`);
    note(JSON.parse(printed.slice(end + 1)) as FileResult);
    printed = "";
    next();
  });
  // `close` does not come where the parent has disconnected.
  const ended = Promise.all([once(child, "exit"), child.stdout === null ? null : once(child.stdout, "end")]);
  next();
  const [[code, signal]] = (await ended) as [[number | null, string | null], unknown];
  process.stdout.write(printed);
  if (file === undefined) return;
  const broken = `the process ended (${signal ?? code}) before every test had finished`;
  note({ file, passed: 0, failed: 0, skipped: 0, broken, seconds: 0, cpuSeconds: 0 });
}

/** The other side of {@link serve}: runs the files that it is sent, one after the other. */
function work(): void {
  process.on("message", async (file: string) => {
    // A test that never settles lets the process run out of work and end.
    process.channel?.unref();
    const result = await runFile(file);
    process.channel?.ref();
    process.stdout.write(`${END_OF_FILE}${JSON.stringify(result)}\n`);
  });
  // Nothing that a test left open may keep the process alive.
  process.on("disconnect", () => process.exit());
}

function printTimes(): void {
  for (const { file, seconds, cpuSeconds } of [...results].sort((a, b) => b.seconds - a.seconds))
    console.log(`${seconds.toFixed(1).padStart(8)} s ${cpuSeconds.toFixed(1).padStart(8)} s CPU  ${file}`);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      long: { type: "boolean", default: false },
      times: { type: "boolean", default: false },
      jobs: { type: "string", default: String(Math.min(2, availableParallelism())) },
    },
  });
  if (values.long) process.env.KESTREL_LONG = "1";
  const files = filesNamed(positionals);
  const jobs = Math.min(Number(values.jobs), files.length);
  if (jobs > 1) {
    const places = new Map(SLOW.map((name, place) => [`${name}.test.js`, place]));
    const queue = [...files].sort((a, b) => (places.get(a) ?? SLOW.length) - (places.get(b) ?? SLOW.length));
    await Promise.all(Array.from({ length: jobs }, () => runInProcess(queue)));
  } else {
    for (const file of files) note(await runFile(file));
  }
  if (values.times) printTimes();
  if (total(({ passed, failed }) => passed + failed) === 0) console.error("FAIL no test ran");
  return total(failures) === 0 && total(({ passed }) => passed) > 0 ? 0 : 1;
}

function failures({ failed, broken }: FileResult): number {
  return failed + (broken === null ? 0 : 1);
}

if (process.argv[2] === "--worker") {
  work();
} else {
  // A test that never settles lets the process run out of work, and one that throws from a callback ends it: both come
  // through here with the run unfinished.
  let finished = false;
  // What a test builds is kept from build to build, but neither taken from the user's cache nor left there.
  const caches = mkdtempSync(join(tmpdir(), "kestrel-test-cache-"));
  process.env.XDG_CACHE_HOME = caches;
  process.on("exit", () => {
    rmSync(caches, { recursive: true, force: true });
    if (!finished) {
      process.exitCode = 1;
      console.log();
      console.error("FAIL the run ended before every test had finished");
    }
    const skipped = total((result) => result.skipped);
    const failed = total(failures) + (finished ? 0 : 1);
    console.log(
      `${total(({ passed }) => passed)} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
    );
  });
  const code = await main();
  finished = true;
  // Nothing that a test left open may keep the process alive.
  process.exit(code);
}

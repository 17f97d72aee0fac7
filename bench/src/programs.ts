// The programs as people start them: each a process, against another process over the same, A B A B; of each the least of its runs. What they print is counted.

import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { writePackage } from "@kestrel/compiler/package/write-package";
import { compile } from "./compile.js";
import { type Input, linesOf } from "./corpus.js";

const RUN = fileURLToPath(new URL("../../runtime/bin/kestrel-run.js", import.meta.url));
const EQLC = fileURLToPath(new URL("../../compiler/bin/eqlc.js", import.meta.url));

/** Two programs and what the first takes of the second's time. */
export interface ProgramResult {
  readonly what: string;
  readonly against: string;
  /** Milliseconds, the least of all runs. */
  readonly least: number;
  readonly leastOther: number;
  readonly ratio: number;
}

const FEW_LINES = 20;
/** As much of the input, again and again, as takes a text tool some seconds. */
const QUERIED_BYTES = 500_000_000;
const QUERY = 'process where process.name == "powershell.exe" and process.args : "*-enc*"';
const FILTER =
  'select(((.event.category | if type == "array" then . else [.] end) | index("process")) and .process.name == "powershell.exe" ' +
  'and ([.process.args // []] | flatten | any(ascii_downcase | contains("-enc"))))';

/** kestrel-run over twenty events of the input, with its rules, against a Node that does nothing. */
export async function measureStart(input: Input, runs: number): Promise<ProgramResult> {
  const { built, rules } = await compile(input.rules);
  return inFolder((folder) => {
    const pack = join(folder, "pack");
    writePackage(pack, built);
    const events = join(folder, "events.ndjson");
    writeFileSync(events, `${linesOf(input.chunks).slice(0, FEW_LINES).join("\n")}\n`);
    const parameters = [RUN, pack, "--replay", events, "--summary", "json"];
    return compare(
      `kestrel-run, ${rules} rules, ${FEW_LINES} events`,
      "an empty Node",
      3 * runs,
      () => {
        const { stderr } = ended(process.execPath, parameters);
        assert.match(stderr, new RegExp(`"events":${FEW_LINES},`));
      },
      () => ended(process.execPath, ["-e", "0"]),
    );
  });
}

/** `eqlc query` against jq over half a gigabyte; null where there is no jq. */
export function measureQuery(input: Input, runs: number): ProgramResult | null {
  if (spawnSync("jq", ["--version"]).status !== 0) return null;
  return inFolder((folder) => {
    const events = join(folder, "events.ndjson");
    const file = openSync(events, "w");
    for (let bytes = 0; bytes < QUERIED_BYTES; )
      for (const chunk of input.chunks) if (bytes < QUERIED_BYTES) bytes += writeSync(file, chunk);
    const found: number[] = [];
    const lines = (text: string): void => {
      found.push(text.split("\n").length - 1);
      assert.equal(found.at(-1), found[0], "eqlc query and jq find different events");
    };
    return compare(
      "eqlc query over 500 MB",
      "jq -c 'select(…)'",
      Math.ceil(runs / 3),
      () => lines(ended(process.execPath, [EQLC, "query", QUERY, events], [0, 1]).stdout),
      () => lines(ended("jq", ["-c", FILTER, events]).stdout),
    );
  });
}

function compare(what: string, against: string, runs: number, one: () => unknown, other: () => unknown): ProgramResult {
  const timed = (run: () => unknown): number => {
    const start = performance.now();
    run();
    return performance.now() - start;
  };
  let least = Number.POSITIVE_INFINITY;
  let leastOther = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    leastOther = Math.min(leastOther, timed(other));
    least = Math.min(least, timed(one));
  }
  return { what, against, least, leastOther, ratio: least / leastOther };
}

function ended(
  program: string,
  parameters: readonly string[],
  codes: readonly number[] = [0],
): { readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(program, parameters, { encoding: "utf8", maxBuffer: 1 << 30 });
  assert.ok(status !== null && codes.includes(status), `${program} ended with ${status}: ${stderr}`);
  return { stdout, stderr };
}

function inFolder<Result>(work: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), "kestrel-bench-"));
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

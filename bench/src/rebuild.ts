// `eqlc build` as people start it: without a cache, from a full one, and from one that lacks a query, or knows all queries and not what a rule says of
// itself. Each is a process; the four take turns, and of each the least of its runs counts. The packages from the cache are asserted to have the digests of those without.

import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { PACK_PATHS } from "./corpus.js";

const EQLC = fileURLToPath(new URL("../../compiler/bin/eqlc.js", import.meta.url));

export interface RebuildResult {
  readonly name: string;
  readonly rules: number;
  /** Milliseconds, least. */
  readonly cold: number;
  /** Against cold. */
  readonly filling: number;
  readonly unchanged: number;
  /** After a change of one name in a rule, and of one rule's query. */
  readonly oneRenamed: number;
  readonly oneChanged: number;
}

/** The packs that are there. Throws AssertionError when a build from the cache differs. */
export function measureRebuild(runs: number): RebuildResult[] {
  const { toml, elastic, sigma } = PACK_PATHS;
  return [toml, [...elastic, ...sigma]]
    .filter((paths) => paths.every((path) => existsSync(path)))
    .map((paths) => measureOne(paths, runs));
}

function measureOne(paths: readonly string[], runs: number): RebuildResult {
  const folder = mkdtempSync(join(tmpdir(), "kestrel-bench-"));
  try {
    const rules = join(folder, "rules");
    mkdirSync(rules);
    for (const path of paths) {
      // What is copied may be read only.
      for (const [name, text] of textsOf(path)) writeFileSync(join(rules, name), text);
    }
    const cache = join(folder, "cache");
    const build = (out: string, ...more: string[]): Built => timedBuild(rules, join(folder, out), more);
    const filled = build("cached", "--cache", cache);
    const least = {
      cold: Number.POSITIVE_INFINITY,
      unchanged: Number.POSITIVE_INFINITY,
      oneRenamed: Number.POSITIVE_INFINITY,
      oneChanged: Number.POSITIVE_INFINITY,
    };
    const note = (what: keyof typeof least, { milliseconds }: Built): void => {
      least[what] = Math.min(least[what], milliseconds);
    };
    for (let run = 0; run < runs; run++) {
      let before = filled.digest;
      for (const [what, where] of [
        ["oneChanged", QUERY],
        ["oneRenamed", NAME],
      ] as const) {
        changeOne(rules, where, run);
        const rebuilt = build("cached", "--cache", cache);
        const cold = build("cold", "--no-cache");
        assert.equal(rebuilt.digest, cold.digest, `${what}: the cache changes the package`);
        assert.notEqual(rebuilt.digest, before, `${what}: nothing was changed`);
        before = rebuilt.digest;
        note(what, rebuilt);
        note("cold", cold);
      }
      const unchanged = build("cached", "--cache", cache);
      assert.equal(unchanged.digest, before, "the cache changes the package");
      note("unchanged", unchanged);
    }
    const { cold, unchanged, oneRenamed, oneChanged } = least;
    return {
      name: paths.map((path) => basename(path)).join(", "),
      rules: filled.rules,
      cold,
      filling: filled.milliseconds / cold,
      unchanged: unchanged / cold,
      oneRenamed: oneRenamed / cold,
      oneChanged: oneChanged / cold,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function textsOf(path: string): (readonly [name: string, text: string])[] {
  if (/\.[a-z]+$/.test(path)) return [[basename(path), readFileSync(path, "utf8")]];
  const files = readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.(toml|json|ya?ml|eql)$/.test(name),
  );
  return files.map((name) => [name.replaceAll(/[\\/]/g, "-"), readFileSync(join(path, name), "utf8")]);
}

interface Built {
  readonly milliseconds: number;
  readonly digest: string;
  readonly rules: number;
}

function timedBuild(rules: string, out: string, more: readonly string[]): Built {
  const start = performance.now();
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [EQLC, "build", rules, "-o", out, "--format", "json", ...more],
    { encoding: "utf8", maxBuffer: 1 << 30 },
  );
  const milliseconds = performance.now() - start;
  assert.ok(status === 0 || status === 1, `eqlc ended with ${status}: ${stderr}`);
  const report = JSON.parse(stdout) as { readonly rules: number; readonly package: { readonly digest: string } };
  return { milliseconds, digest: report.package.digest, rules: report.rules };
}

/** What is changed in the first file that has it: the process that a rule looks for, and what a rule, or a technique in it, is called. */
const QUERY = /process\.name == (\\?")/;
const NAME = /^\s*"?name"?\s*[:=]\s*"(?!")/m;

/** Puts something new behind the quote that `before` ends with. */
function changeOne(rules: string, before: RegExp, run: number): void {
  for (const name of readdirSync(rules).sort()) {
    const file = join(rules, name);
    const text = readFileSync(file, "utf8");
    if (!before.test(text)) continue;
    writeFileSync(
      file,
      text.replace(before, (found) => `${found}x${run}`),
    );
    return;
  }
  assert.fail(`no rule has ${before.source}`);
}

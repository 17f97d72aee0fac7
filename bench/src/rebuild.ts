// `eqlc build` as people start it: without a cache, from a full one, and from one that lacks a rule. Each is a process; the three take turns, and of each
// the least of its runs counts. The package from the cache is asserted to have the digest of the one without.

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
      oneChanged: Number.POSITIVE_INFINITY,
    };
    for (let run = 0; run < runs; run++) {
      changeOne(rules, run);
      const changed = build("cached", "--cache", cache);
      const cold = build("cold", "--no-cache");
      const unchanged = build("cached", "--cache", cache);
      assert.equal(changed.digest, cold.digest, "one rule changed: the cache changes the package");
      assert.equal(unchanged.digest, cold.digest, "the cache changes the package");
      assert.notEqual(changed.digest, filled.digest, "no rule was changed");
      least.cold = Math.min(least.cold, cold.milliseconds);
      least.unchanged = Math.min(least.unchanged, unchanged.milliseconds);
      least.oneChanged = Math.min(least.oneChanged, changed.milliseconds);
    }
    const { cold, unchanged, oneChanged } = least;
    return {
      name: paths.map((path) => basename(path)).join(", "),
      rules: filled.rules,
      cold,
      filling: filled.milliseconds / cold,
      unchanged: unchanged / cold,
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

/** Looks for another process name in the first rule that looks for one. */
function changeOne(rules: string, run: number): void {
  const named = /process\.name == (\\?")/;
  for (const name of readdirSync(rules).sort()) {
    const file = join(rules, name);
    const text = readFileSync(file, "utf8");
    if (!named.test(text)) continue;
    writeFileSync(file, text.replace(named, `process.name == $1x${run}`));
    return;
  }
  assert.fail("no rule looks for a process name");
}

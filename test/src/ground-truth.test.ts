// Rules of others on events that must make them fire: the documents that were generated from Elastic's rules, and the
// recordings of Sigma's regression tests. The corpora are not part of the repository; where they are absent these tests are
// skipped with a note.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { bareRule, type Rule } from "@kestrel/compiler/rule/rule";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { repositoryRoot } from "./support/repository.js";
import { compileForTest, runLines } from "./support/run-pack.js";
import { FULL } from "./support/sizes.js";

const CORPORA = join(repositoryRoot(), "../shared/corpora");
const groundTruth = suite("ground truth");

interface CorpusRule {
  readonly id: string;
  readonly name: string;
  readonly query: string;
  readonly pysigma_regex?: boolean;
}

interface GeneveCase {
  readonly rule_id: string;
  readonly docs: readonly unknown[];
}

interface Regression {
  readonly regression: string;
  /** How many events of the recording each rule must match. */
  readonly matches: Readonly<Record<string, number | null>>;
}

/** Rules that do not fire on all their documents, and why. */
const SILENT: Readonly<Record<string, string>> = {
  // `process.args in ("--ofile*", …)`: `in` has no wildcards, but the documents were made as if it had.
  "d26331be-affe-46b2-bf4e-203d0e2d364c": "AppArmor Profile Compilation via apparmor_parser",
  // The same: `in ("/root/.ssh/*", …)`.
  "d55abdfb-5384-402b-add4-6c401501b0c3": "Privilege Escalation via CAP_CHOWN/CAP_FOWNER Capabilities",
  // The join key `winlog.process.pid` is a long, and its documents hold random letters.
  "44fc462c-1159-4fa8-b1b7-9b6296ab4f96": "Multiple Vault Web Credentials Read",
};

function check(name: string, body: () => Promise<void>): void {
  groundTruth(name, async () => {
    if (existsSync(CORPORA)) await body();
    else console.log(`  skipped, no corpora: ${name}`);
  });
}

function rulesOf(file: string, wanted: (rule: CorpusRule) => boolean = () => true): Rule[] {
  const list = JSON.parse(readFileSync(join(CORPORA, "rules", file), "utf8")) as readonly CorpusRule[];
  const first = new Map<string, CorpusRule>();
  for (const rule of list) if (wanted(rule) && !first.has(rule.id)) first.set(rule.id, rule);
  return [...first.values()].map(({ id, query }) => bareRule(id, query, file));
}

for (const name of ["elastic-detection-rules", "elastic-hunting", "elastic-protections-artifacts"]) {
  check(`every rule of ${name} compiles, and fires on the documents made for it`, async () => {
    const rules = rulesOf(`${name}.json`);
    const under = await compileForTest(rules, DEFAULT_OPTIONS);
    assert.is(under.rules.length, rules.length);
    const index = new Map(under.rules.map(({ rule }, at) => [rule.id, at]));
    const lines = gunzipSync(readFileSync(join(CORPORA, "events", `geneve-${name}.ndjson.gz`)))
      .toString("utf8")
      .split("\n")
      .filter((line) => line !== "");
    const silent = new Set<string>();
    const asked = new Set<string>();
    let cases = 0;
    for (const line of lines) {
      const { rule_id, docs } = JSON.parse(line) as GeneveCase;
      const at = index.get(rule_id);
      assert.ok(at !== undefined, rule_id);
      // Each case takes a detector of its own, and there are three for each rule.
      if (!FULL && asked.has(rule_id)) continue;
      asked.add(rule_id);
      cases++;
      const text = docs.map((doc) => `${JSON.stringify(doc)}\n`).join("");
      if ((runLines(under.pack, Buffer.from(text)).byRule[at]?.length ?? 0) === 0) silent.add(rule_id);
    }
    console.log(`  ${asked.size} rules, ${cases} cases, ${silent.size} silent`);
    assert.equal([...silent].filter((id) => !(id in SILENT)).sort(), []);
  });
}

check("the Endgame library compiles in its dialect", async () => {
  const rules = rulesOf("endgame-eqllib.json");
  const under = await compileForTest(rules, { ...DEFAULT_OPTIONS, dialect: "endgame" });
  assert.is(under.rules.length, rules.length);
});

check("Sigma's rules compile, and each fires as often as its regression recording says", async () => {
  const rules = rulesOf("sigma-eql.json", (rule) => rule.pysigma_regex !== true);
  const truth = JSON.parse(
    readFileSync(join(CORPORA, "events/sigma-regression.groundtruth.json"), "utf8"),
  ) as readonly Regression[];
  const under = await compileForTest(rules, DEFAULT_OPTIONS);
  assert.is(under.rules.length, rules.length);
  const index = new Map(under.rules.map(({ rule }, at) => [rule.id, at]));
  const recordings = new Map<string, string[]>();
  for (const line of readFileSync(join(CORPORA, "events/sigma-regression-ecs.ndjson"), "utf8").split("\n")) {
    if (line === "") continue;
    const { labels } = JSON.parse(line) as { readonly labels: { readonly regression: string } };
    recordings.set(labels.regression, [...(recordings.get(labels.regression) ?? []), line]);
  }
  let asked = 0;
  for (const { regression, matches } of truth) {
    const text = (recordings.get(regression) ?? []).map((line) => `${line}\n`).join("");
    const { byRule } = runLines(under.pack, Buffer.from(text));
    for (const [id, count] of Object.entries(matches)) {
      const at = index.get(id);
      if (at === undefined) continue;
      asked++;
      const found = byRule[at]?.length ?? 0;
      assert.ok(count === null ? found > 0 : found === count, `${id} on ${regression}: ${found} and not ${count}`);
    }
  }
  console.log(`  ${asked} rules asked`);
  assert.ok(asked > 140);
});

groundTruth.run();

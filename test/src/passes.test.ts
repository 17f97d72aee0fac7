// What each pass does to small packs: the pack before it, and after it. A case of test/cases/passes/NAME.txt is for the pass of
// that name; it has queries, the events that they are run over, and the IR `before` and `after`. UPDATE=1 writes both.
//
// Each pair is also executed: the rules find in the events the same whether the pass has run or not. Of choose-witnesses, which a
// pack cannot be lowered without, the other side is an index that tries every predicate on every event.

import { existsSync, readdirSync } from "node:fs";
import { lowerPack } from "@kestrel/compiler/backend/wasm/lower-pack";
import { irText } from "@kestrel/compiler/cli/dump/ir-to-text";
import { analyseRules, type CompiledRule, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import type { PackIr } from "@kestrel/compiler/ir/pack-ir";
import { readName } from "@kestrel/compiler/ir/reading";
import { tryAlways } from "@kestrel/compiler/passes/choose-witnesses";
import { leaveOutKnown } from "@kestrel/compiler/passes/leave-out-known";
import { PASSES, type Pass, runPasses, runPassesTo } from "@kestrel/compiler/passes/passes";
import { draftRules } from "@kestrel/compiler/plan/plan-rules";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { loadForTest, ruleOf, runLines } from "./support/run-pack.js";
import { type CaseKind, openTextCases, sectionOf } from "./support/text-cases.js";

const CASES = new URL("../cases/passes/", import.meta.url);
const KIND: CaseKind = { inputs: ["query", "events"], expectations: ["before", "after"] };
const CHOOSE = "choose-witnesses";
/** The last one runs only for the module: what a package says of its predicates is said of them whole. */
const ALL: readonly Pass[] = [...PASSES, { name: "leave-out-known", run: leaveOutKnown }];
const passes = suite("passes");

function analysed(queries: readonly string[]): readonly CompiledRule[] {
  const { rules, diagnostics } = analyseRules(
    queries.map((query, index) => ruleOf(`r${index + 1}`, query)),
    DEFAULT_OPTIONS,
  );
  assert.equal(
    diagnostics.filter(({ severity }) => severity === "error"),
    [],
  );
  return rules;
}

/** The pack after so many passes. */
function after(count: number, draft: PackIr): PackIr {
  return ALL.slice(0, count).reduce((sofar, pass) => pass.run(sofar, null), draft);
}

/** The pack after every pass but one. */
function without(name: string, draft: PackIr): PackIr {
  const pack = PASSES.filter((pass) => pass.name !== name).reduce((sofar, pass) => pass.run(sofar, null), draft);
  if (name !== CHOOSE) return pack;
  return tryAlways(pack);
}

/** What the rules find in the events: by rule, the ordinals of each match. */
async function finds(ir: PackIr, rules: readonly CompiledRule[], lines: string): Promise<unknown> {
  const events = { timestamp: readName("@timestamp", "date"), unit: "auto" as const, tiebreaker: null };
  const lowered = lowerPack(ir, { events, optimize: false, text: false });
  const pack = await loadForTest({ rules, ir, asked: ir, lowered }, DEFAULT_OPTIONS);
  return runLines(pack, Buffer.from(`${lines}\n`)).byRule;
}

for (const [number, { name }] of ALL.entries()) {
  passes(name, async () => {
    const open = openTextCases(new URL(`${name}.txt`, CASES), KIND);
    for (const { title, sections } of open.cases) {
      const rules = analysed(sections.filter((section) => section.name === "query").map(({ text }) => text));
      const draft = draftRules(rules, DEFAULT_OPTIONS);
      const sides = { before: after(number, draft), after: after(number + 1, draft) };
      for (const [side, ir] of Object.entries(sides)) {
        open.expect(sectionOf(sections, side), irText({ ir, rules }).trimEnd(), `${title}: ${side}`);
      }
      const { text: lines } = sectionOf(sections, "events");
      const found = await finds(runPasses(draft), rules, lines);
      assert.equal(
        await finds(name === "leave-out-known" ? leaveOutKnown(runPasses(draft)) : without(name, draft), rules, lines),
        found,
        `${title}: what is found`,
      );
      assert.ok(JSON.stringify(found).includes("0"), `${title}: nothing is found`);
    }
    open.finish();
  });
}

passes("every file is for a pass", () => {
  for (const file of readdirSync(CASES))
    assert.ok(
      ALL.some(({ name }) => file === `${name}.txt`),
      file,
    );
  for (const { name } of ALL) assert.ok(existsSync(new URL(`${name}.txt`, CASES)), name);
});

passes("passes have names of their own", () => {
  assert.is(new Set(PASSES.map(({ name }) => name)).size, PASSES.length);
  assert.throws(() => runPassesTo("none such", draftRules(analysed(["any where true"]), DEFAULT_OPTIONS)), RangeError);
});

passes.run();

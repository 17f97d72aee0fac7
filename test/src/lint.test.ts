// Warnings about rules that compile: text cases, what suppresses them, and that real rules get no false ones.
//
// In test/cases/lint/*.txt a case has a query and its problems, in the form of the syntax cases, or `none`; queries of files
// named endgame-… are of that dialect.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { analyseRules, DEFAULT_OPTIONS, planRules } from "@kestrel/compiler/compile";
import type { Diagnostic } from "@kestrel/compiler/diagnostics/diagnostic";
import { LINTS } from "@kestrel/compiler/lint/lints";
import { bareRule, type Rule } from "@kestrel/compiler/rule/rule";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openTextCases, sectionOf } from "./support/text-cases.js";

const CASES = new URL("../cases/lint/", import.meta.url);
const CORPORA = new URL("../../../shared/corpora/rules/", import.meta.url);

function showProblem({ code, message, help, fix, place }: Diagnostic): string {
  const { text = "", span } = place;
  const at =
    span === undefined ? "" : ` ${span.start}..${span.end} ${JSON.stringify(text.slice(span.start, span.end))}`;
  const fixed = fix && text.slice(0, fix.span.start) + fix.replacement + text.slice(fix.span.end);
  return [
    `${code}${at}: ${message}`,
    ...(help === undefined ? [] : [`  help: ${help}`]),
    ...(fix === undefined ? [] : [`  fix: ${fix.title}: ${fixed}`]),
  ].join("\n");
}

function lint(query: string, more: Partial<Rule> = {}): readonly Diagnostic[] {
  return analyseRules([{ ...bareRule("case", query, "case.eql"), ...more }], DEFAULT_OPTIONS).diagnostics;
}

const cases = suite("lint cases");
const seen = new Set<string>();
for (const file of readdirSync(CASES)) {
  cases(file, () => {
    const open = openTextCases(new URL(file, CASES), { inputs: ["query"], expectations: ["problems"] });
    for (const { title, sections } of open.cases) {
      const { text } = sectionOf(sections, "query");
      const problems = lint(text, { dialect: file.startsWith("endgame") ? "endgame" : "elastic" });
      for (const { code } of problems) seen.add(code);
      open.expect(sectionOf(sections, "problems"), problems.map(showProblem).join("\n") || "none", title);
    }
    open.finish();
  });
}
cases("show every lint", () => {
  for (const { code } of LINTS) assert.ok(seen.has(code), code);
});
cases.run();

const suppressing = suite("suppressions");

suppressing("by the key of a rule file", () => {
  const query = "process where false";
  assert.equal(lint(query, { suppress: ["W0503"] }), []);
  const [unneeded] = lint("process where process.pid == 1", { suppress: ["W0503"] });
  assert.is(unneeded?.code, "W0508");
  assert.equal(unneeded?.place, { file: "case.eql", rule: "case" });
});

suppressing("of a pipe's warning counts as needed only where there is such a pipe", () => {
  const piped = "process where process.pid == 1 | head 3 | tail 5";
  assert.equal(lint(piped, { suppress: ["W0501"] }), []);
  assert.equal(
    lint("process where process.pid == 1 | head 3", { suppress: ["W0501"] }).map(({ message }) => message),
    ["the rule has no warning W0501 to suppress"],
  );
});
suppressing.run();

const real = suite("real rules");
/** Looked at one by one: each is a slip of its author. */
const MISTAKES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "elastic-detection-rules": { W0505: 8 },
  "elastic-hunting": {},
  "elastic-protections-artifacts": { W0503: 1 },
  "endgame-eqllib": {},
  "sigma-eql": { W0503: 1 },
};
if (existsSync(CORPORA)) {
  for (const [pack, mistakes] of Object.entries(MISTAKES)) {
    real(`${pack}: everything compiles, without a false alarm`, () => {
      const listed = JSON.parse(readFileSync(new URL(`${pack}.json`, CORPORA), "utf8")) as {
        id: string;
        query: string;
        pysigma_regex?: boolean;
      }[];
      const rules = listed
        .filter((rule) => rule.pysigma_regex !== true)
        .map(({ id, query }, index) => bareRule(`${id} ${index}`, query, pack));
      const options = { ...DEFAULT_OPTIONS, dialect: pack.startsWith("endgame") ? "endgame" : "elastic" } as const;
      const { rules: compiled, diagnostics } = analyseRules(rules, { ...options, schema: DEFAULT_OPTIONS.schema });
      assert.equal(
        diagnostics.filter(({ severity }) => severity === "error").map(({ place, message }) => [place.rule, message]),
        [],
      );
      assert.is(compiled.length, rules.length);
      const counts: Record<string, number> = {};
      for (const { code } of diagnostics) {
        if (["W0503", "W0504", "W0505", "W0510"].includes(code)) counts[code] = (counts[code] ?? 0) + 1;
      }
      assert.equal(counts, mistakes);
      const warned = new Set(diagnostics.filter(({ code }) => code === "W0503").map(({ place }) => place.rule));
      for (const one of compiled) {
        const never = planRules([one], { ...options, schema: DEFAULT_OPTIONS.schema }).predicates.some(
          ({ circuit }) => circuit.kind === "constant" && !circuit.value,
        );
        assert.ok(!never || warned.has(one.rule.name), one.rule.name);
      }
    });
  }
}
real.run();

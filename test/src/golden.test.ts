// What small packs become: the pack IR after all passes, the functions that are generated for them, not optimised, and the same
// predicates as Lua. A change of one shows here as a difference to read; whether it means the same is for the other tests to say.
//
// A case of test/cases/golden has one or more queries and their texts, `ir`, `wat` and `lua`. A pack is of the elastic dialect
// unless its section `dialect` says otherwise. UPDATE=1 writes all.

import { readdirSync } from "node:fs";
import { lowerToLua } from "@kestrel/compiler/backend/lua/lower-to-lua";
import { irText } from "@kestrel/compiler/cli/dump/ir-to-text";
import { analyseRules, type CompileOptions, compilePack, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import type { Dialect } from "@kestrel/compiler/syntax/ast";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ruleOf } from "./support/run-pack.js";
import { type CaseKind, openTextCases, optionalSection } from "./support/text-cases.js";
import { generatedFunctions } from "./support/wat-text.js";

const CASES = new URL("../cases/golden/", import.meta.url);
const KIND: CaseKind = { inputs: ["dialect", "query"], expectations: ["ir", "wat", "lua"] };
const golden = suite("golden");

/** The pack IR of queries, and the generated functions, as texts. Throws Error when a query does not compile. */
function textsOf(queries: readonly string[], dialect: Dialect): Readonly<Record<string, string>> {
  const options: CompileOptions = { ...DEFAULT_OPTIONS, dialect, optimize: false };
  const { rules, diagnostics } = analyseRules(
    queries.map((query, index) => ruleOf(`rule-${index + 1}`, query)),
    options,
  );
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map(({ place, message }) => `${place.rule}: ${message}`).join("\n"));
  const pack = compilePack(rules, options, { text: true });
  if (pack.lowered.text === null) throw new Error("the module's text was not kept");
  const lua = lowerToLua(
    pack.ir,
    rules.map(({ rule }) => rule),
  );
  return {
    ir: irText(pack).trimEnd(),
    wat: generatedFunctions(pack.lowered.text),
    lua: lua.map(({ text }) => text.trimEnd()).join("\n\n"),
  };
}

for (const file of readdirSync(CASES).filter((name) => name.endsWith(".txt"))) {
  golden(file, () => {
    const open = openTextCases(new URL(file, CASES), KIND);
    for (const { title, sections } of open.cases) {
      const dialect = optionalSection(sections, "dialect")?.text ?? "elastic";
      if (dialect !== "elastic" && dialect !== "endgame") throw new Error(`there is no dialect ${dialect}`);
      const queries = sections.filter(({ name }) => name === "query").map(({ text }) => text);
      const texts = textsOf(queries, dialect);
      for (const section of sections) {
        const text = texts[section.name];
        if (text !== undefined) open.expect(section, text, `${title}: ${section.name}`);
      }
    }
    open.finish();
  });
}

golden("there are a dozen packs, and each has all texts", () => {
  const cases = readdirSync(CASES).flatMap((file) => openTextCases(new URL(file, CASES), KIND).cases);
  assert.ok(cases.length >= 12, `${cases.length}`);
  for (const { title, sections } of cases)
    for (const name of ["ir", "wat", "lua"]) assert.ok(optionalSection(sections, name), `${title} has no ${name}`);
});

golden("functions are told apart by their names", () => {
  const text = `(module
 (func $prelude/a/f (result i32)
  (i32.const 0) ;; a comment
 )
 (func $"atom 10" (call $x))
 (func $"atom 2" (param $0 i32) (result i32) ${'(i32.eqz (call $"a (b" (local.get $0))) '.repeat(4)})
 (func $~lib/math/f)
)`;
  assert.is(
    generatedFunctions(text),
    [
      '(func $"atom 2" (param $0 i32) (result i32)',
      ...Array.from({ length: 4 }, (_, at) => `  (i32.eqz (call $"a (b" (local.get $0)))${at === 3 ? ")" : ""}`),
      '(func $"atom 10" (call $x))',
    ].join("\n"),
  );
  assert.throws(() => generatedFunctions("(module (func $f))"), /cannot be told/);
  assert.throws(() => generatedFunctions("(module (func $f)"), /not closed/);
});

golden.run();

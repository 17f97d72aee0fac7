// Fields that no schema has: which rules may use them, the type that each is given, and that the rule then finds what the reference
// interpreter finds with the same field in its schema.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { slipFor } from "@kestrel/compiler/analyse/unknown-fields";
import { analyseRules, type CompileOptions, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { extendSchema } from "@kestrel/compiler/query/extend-schema";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";
import type { Field, FieldType, Schema } from "@kestrel/stdlib/schema/types";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { interpret, readEvents } from "./reference/interpret.js";
import { expectedDetections, foundDetections } from "./support/detections.js";
import { repositoryRoot } from "./support/repository.js";
import { compileForTest, ruleOf, runLines } from "./support/run-pack.js";
import { LONG } from "./support/sizes.js";

const unknown = suite("unknown fields");

function told(query: string, namesSource: boolean, unknownFields: CompileOptions["unknownFields"] = null): string[] {
  const { diagnostics } = analyseRules([{ ...ruleOf("r", query), namesSource }], { ...DEFAULT_OPTIONS, unknownFields });
  return diagnostics.map(({ code, message }) => `${code} ${message}`);
}

unknown("are taken where the rule names its source, and misspelt ones never", () => {
  const query = "network where made_up.final == true";
  const taken = ["W0512 `made_up.final` is not a listed field; from its use it is taken for a boolean"];
  const refused = ["E0301 unknown field `made_up.final`"];
  assert.equal(told(query, true), taken);
  assert.equal(told(query, false), refused);
  assert.equal(told(query, false, "warn"), taken);
  assert.equal(told(query, true, "error"), refused);
  for (const name of [
    "process.nmae",
    "procss.name",
    "Process.Name",
    "process_name",
    "process.comand_line",
    "process.pdi",
  ]) {
    assert.equal(told(`process where ${name} == "1"`, true), [`E0301 unknown field \`${name}\``], name);
  }
  assert.match(told('process where process.nmae == "1"', true, "warn")[0] ?? "", /^W0512 /);
});

/** The type taken for `x.y` in each. */
const TYPES: readonly (readonly [string, FieldType])[] = [
  ['any where x.y == "a"', "keyword"],
  ['any where x.y : ("a*", "b")', "keyword"],
  ['any where x.y in ("a", "b")', "keyword"],
  ["any where x.y in (1, 2)", "double"],
  ["any where x.y > 4", "double"],
  ["any where 4.5 >= x.y", "double"],
  ["any where x.y + 1 == 3", "double"],
  ["any where x.y == -3", "double"],
  ["any where x.y == length(process.name)", "double"],
  ["any where x.y == process.pid", "double"],
  ["any where x.y", "boolean"],
  ["any where not x.y", "boolean"],
  ["any where x.y == false or x.y == null", "boolean"],
  ['any where cidrMatch(x.y, "10.0.0.0/8")', "ip"],
  ['any where cidrMatch(x.y, "10.0.0.0/8") or x.y == "::1"', "ip"],
  ['any where startsWith(x.y, "a")', "keyword"],
  ["any where x.y != null", "object"],
  ['any where x.y > 3 and x.y == "a"', "keyword"],
  ["any where ?x.y == 3", "double"],
];

unknown("have the type that they are used as, and mean what they mean with that type", async () => {
  const values: readonly unknown[] = [
    ...["a", "abc", "b", "", "10.1.2.3", "::1", "0:0::1", "11.0.0.1", "true", "3", "4.5"],
    ...[0, 1, 2, 3, 4, 4.5, 5, -3, 42, true, false, null, [], {}, ["a", 3], { z: 1 }, [1, 2.5]],
  ];
  const lines = values.map((y, at) =>
    JSON.stringify({ "@timestamp": at, process: { name: "four", pid: 42 }, x: { y } }),
  );
  const rules = TYPES.map(([query], index) => ({
    ...ruleOf(`r${String(index).padStart(2, "0")}`, query),
    namesSource: true,
  }));
  const under = await compileForTest(rules, DEFAULT_OPTIONS);
  assert.equal(
    under.diagnostics.filter(({ severity }) => severity === "error"),
    [],
  );
  const found = runLines(under.pack, Buffer.from(`${lines.join("\n")}\n`));
  let total = 0;
  for (const [index, { query, rule }] of under.rules.entries()) {
    const type = TYPES[index]?.[1] ?? "keyword";
    const taken = under.diagnostics.filter(({ place, code }) => place.rule === rule.name && code === "W0512");
    assert.ok(taken.length === 0 || taken[0]?.message.endsWith(` ${type}`), rule.query);
    const schema = extendSchema(DEFAULT_OPTIONS.schema, new Map([["x.y", type]]));
    const options = { schema };
    const expected = expectedDetections(query, interpret(query, readEvents(lines, options), options));
    assert.equal(foundDetections(found, index, "elastic"), expected, rule.query);
    assert.match(
      told(rule.query, true).join(),
      new RegExp(`taken for an? ${type}$|taken for an? ${type},`),
      rule.query,
    );
    total += expected.length;
  }
  assert.ok(total > 40, String(total));
});

/** As the default schema, but without these fields. */
function schemaWithout(names: Iterable<string>): Schema {
  const fields = new Map<string, Field>(DEFAULT_OPTIONS.schema.fields);
  for (const name of names) fields.delete(name);
  return { ...DEFAULT_OPTIONS.schema, fields };
}

unknown("of real rules are taken when the schema lacks what shippers add", () => {
  const corpora = join(repositoryRoot(), "../shared/corpora/rules");
  if (!existsSync(corpora)) {
    console.log("  skipped, no corpora");
    return;
  }
  const files = ["elastic-detection-rules", "elastic-protections-artifacts", "elastic-hunting"];
  const all = collectRules(files.map((name) => join(corpora, `${name}.json`))).rules;
  assert.ok(all.length > 1_700 && all.every(({ namesSource }) => namesSource));
  const rules = all.filter((_, index) => LONG || index % 12 === 0);
  const shippers = /^(?!process|file|host|event|user|registry|dll|dns|network|source|destination|url|agent|@)/;
  const gone = [...DEFAULT_OPTIONS.schema.fields.keys()].filter((name) => shippers.test(name));
  const options = { ...DEFAULT_OPTIONS, schema: schemaWithout(gone) };
  const failing = (more: Partial<CompileOptions>): string[] =>
    analyseRules(rules, { ...options, ...more }).diagnostics.flatMap(({ severity, message }) =>
      severity === "error" ? [message] : [],
    );
  assert.ok(failing({ unknownFields: "error" }).length > 10);
  assert.equal(failing({}), []);
});

unknown("that real rules use are not taken for slips of others", () => {
  const common = ["host.ip", "file.name", "rule.name", "dll.path", "url.path", "user.id", "process.pid", "event.type"];
  const others = ["agent.id", "event.kind", "process.parent.pid", "flow.final", "processor.name", "host.hostname"];
  for (const name of [...common, ...others]) {
    const found = slipFor(schemaWithout([name]), name);
    // The schema has `user_id` and `agent_id` as well, of other producers: there the separator tells.
    assert.ok(found === null || found === name.replace(".", "_"), `${name} ${found}`);
  }
});

unknown.run();

// Rules written by hand that want to harm, built with eqlc's own functions beside fifty rules in EQL: each is stopped, for the reason that it gives,
// and the fifty find on the same stream what they find without it.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { buildPackage } from "@kestrel/compiler/package/build-package";
import { compileRules } from "@kestrel/compiler/package/compile-rules";
import { nameSources } from "@kestrel/compiler/package/source-names";
import { writePackage } from "@kestrel/compiler/package/write-package";
import type { FaultKind } from "@kestrel/runtime/foreign/foreign-host";
import { loadPackage, type Package } from "@kestrel/runtime/load/load-package";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { runLines } from "./support/run-pack.js";

const hostile = suite("hostile hand-written rules");
const folder = mkdtempSync(join(tmpdir(), "kestrel-hostile-"));
hostile.after(() => rmSync(folder, { recursive: true }));

const RULES = 50;
const EVENTS = 200;

interface Attack {
  readonly file: "rule.wat" | "predicate.lua";
  readonly code: string;
  readonly kinds: readonly FaultKind[];
}

const MEMORY = '(memory (export "memory") 1)';

function wat(body: string, kinds: readonly FaultKind[], before = MEMORY): Attack {
  const code = `(module ${before} (func (export "pred_eval") (param $event i32) (result i32) ${body}))`;
  return { file: "rule.wat", code, kinds };
}

function lua(body: string, kinds: readonly FaultKind[], before = ""): Attack {
  return { file: "predicate.lua", code: `${before}\nfunction pred_eval(event)\n  ${body}\nend\n`, kinds };
}

const ATTACKS: Readonly<Record<string, Attack>> = {
  "wat: a loop without an end": wat("(loop $l (br $l)) (i32.const 1)", ["fuel"]),
  "wat: a recursion without an end": wat(
    "(call $f) (i32.const 1)",
    ["fuel", "depth"],
    `${MEMORY} (func $f (call $f) (call $f))`,
  ),
  "wat: memory without an end": wat("(loop $l (drop (memory.grow (i32.const 16))) (br $l)) (i32.const 1)", ["memory"]),
  "wat: a trap": wat("(unreachable)", ["error"]),
  "wat: outside of its memory": wat("(i32.store (i32.const 0x7fffffff) (i32.const 1)) (i32.const 1)", ["error"]),
  "wat: a text to outside of its memory": wat(
    "(call $str (local.get $event) (i32.const 2) (i32.const -8) (i32.const 64))",
    ["host"],
    `(import "kestrel" "event_get_str" (func $str (param i32 i32 i32 i32) (result i32))) ${MEMORY}`,
  ),
  "wat: an event that there is not": wat(
    "(call $has (i32.const 77) (i32.const 2))",
    ["host"],
    `(import "kestrel" "event_has" (func $has (param i32 i32) (result i32))) ${MEMORY}`,
  ),
  "lua: a loop without an end": lua("while true do end", ["fuel", "time"]),
  "lua: a recursion without an end": lua("local function f() return 1 + f() end return f()", [
    "fuel",
    "depth",
    "memory",
  ]),
  "lua: a loop that catches its end": lua("while true do pcall(function() while true do end end) end", [
    "fuel",
    "time",
  ]),
  "lua: a text that doubles": lua('local s = "x" while true do s = s .. s end', ["memory"]),
  "lua: string.rep": lua('return #string.rep("x", 1 << 30) > 0', ["memory"]),
  "lua: a table without an end": lua("local t = {} for i = 1, 1 << 30 do t[i] = {i} end", ["memory", "fuel", "time"]),
  "lua: what lasts from event to event": lua(
    "kept[#kept + 1] = string.rep('x', 1 << 20) return false",
    ["memory"],
    "kept = {}",
  ),
  "lua: a number": lua("return 1", ["type"]),
  "lua: an error": lua('error("no")', ["error"]),
  "lua: os.execute": lua('os.execute("true")', ["error"]),
  "lua: io.open": lua('io.open("/etc/passwd")', ["error"]),
  "lua: load": lua('return load("return true")()', ["error"]),
  "lua: debug": lua("return debug.getregistry() ~= nil", ["error"]),
  "lua: string.dump": lua("return #string.dump(pred_eval) > 0", ["error"]),
  "lua: the metatable of texts": lua('getmetatable("").__index = function() return nil end return true', ["error"]),
  "lua: the table of the host": lua("kestrel.event_get_str = nil return kestrel.event_get_str(event, 2) == nil", [
    "error",
  ]),
  "lua: a constructor that fails": lua("return true", ["init"], "function pred_init() return 3 end"),
};

const MANIFEST = {
  format_version: "1.0",
  metadata: {
    ...{ rule_id: "attack", rule_name: "Attack", rule_version: "1.0.0", tags: [], severity: "High" },
    ...{ schema_version: "1.0", references: [] },
  },
  capabilities: {
    ...{
      supports_inline: true,
      requires_alert: true,
      requires_block: false,
      max_span_ms: null,
      mitre_attack: ["T1059"],
    },
  },
  fields: ["process.name"],
};

/** Writes a folder of rules, and builds and loads its package. */
async function packOf(name: string, attack: Attack | null): Promise<Package> {
  const rules = join(folder, name.replaceAll(/\W+/g, "-"));
  mkdirSync(join(rules, "attack"), { recursive: true });
  for (let at = 0; at < RULES; at++) {
    writeFileSync(join(rules, `rule-${at}.eql`), `process where process.pid == ${at * 3} or process.name == "p${at}"`);
  }
  if (attack !== null) {
    writeFileSync(join(rules, "attack/manifest.json"), JSON.stringify(MANIFEST));
    writeFileSync(join(rules, "attack", attack.file), attack.code);
  }
  const compiled = await compileRules([rules], DEFAULT_OPTIONS);
  const { parts, collected, beside, diagnostics } = compiled;
  assert.equal(
    diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message),
    [],
  );
  assert.ok(parts !== null);
  const { timestampField, tiebreakerField, categoryField } = DEFAULT_OPTIONS;
  const built = buildPackage(compiled.rules, parts, nameSources(collected.files, [rules], beside), {
    ...{ name: "hostile", version: "1.0.0", compilerVersion: "test", timestampField, tiebreakerField, categoryField },
  });
  writePackage(join(rules, "pack"), built);
  return loadPackage(join(rules, "pack"));
}

const lines = Buffer.from(
  Array.from({ length: EVENTS }, (_, at) => {
    const process = { name: `p${at % 70}`, pid: at, args: ["x"] };
    return `${JSON.stringify({ "@timestamp": 1_700_000_000_000 + at, event: { category: "process" }, process })}\n`;
  }).join(""),
);

/** What each rule found, by id. */
function foundBy(pack: Package): {
  readonly alerts: Readonly<Record<string, unknown>>;
  readonly faults: readonly { readonly kind: FaultKind; readonly message: string }[];
} {
  const faults: { kind: FaultKind; message: string }[] = [];
  const { byRule } = runLines(pack, lines, { onFault: ({ kind, message }) => faults.push({ kind, message }) });
  return { alerts: Object.fromEntries(pack.manifest.rules.map(({ id }, rule) => [id, byRule[rule]])), faults };
}

let alone: Readonly<Record<string, unknown>> = {};
hostile.before(async () => {
  alone = foundBy(await packOf("alone", null)).alerts;
  assert.is(Object.keys(alone).length, RULES);
  assert.ok(Object.values(alone).every((found) => (found as unknown[]).length > 2));
});

for (const [name, attack] of Object.entries(ATTACKS)) {
  hostile(name, async () => {
    const pack = await packOf(name, attack);
    const { alerts, faults } = foundBy(pack);
    const { attack: own, ...others } = alerts;
    assert.equal(pack.manifest.rules.find(({ id }) => id === "attack")?.capabilities, MANIFEST.capabilities);
    assert.equal(others, alone);
    // In quarantine after three faults, it is not asked again within so few events.
    assert.ok(faults.length >= 1 && (faults.length === 3 || name.includes("lasts")), `${faults.length} faults`);
    // What is stopped by another limit first may run out of fuel when it has less of it.
    for (const [at, { kind, message }] of faults.entries())
      assert.ok(attack.kinds.includes(kind) || (at > 0 && kind === "fuel"), `${kind}: ${message}`);
    assert.equal(own, []);
  });
}

hostile.run();

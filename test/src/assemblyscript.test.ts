// Rules in AssemblyScript: the library against the table of the Host API, and a rule that uses all of it, built and run.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { locate } from "@kestrel/compiler/diagnostics/locate";
import { fieldSource } from "@kestrel/compiler/foreign/assemblyscript";
import { type ReadForeign, readForeignPackage } from "@kestrel/compiler/foreign/read-foreign";
import type { ForeignHost, Limits } from "@kestrel/runtime/foreign/foreign-host";
import { createWasmInstance } from "@kestrel/runtime/foreign/wasm-instance";
import { wasm } from "@kestrel/runtime/wasm";
import { FOREIGN_FUEL, FOREIGN_MEMORY_BYTES, HOST_FUNCTIONS, MOST_CAPTURES } from "@kestrel/stdlib/host-api";
import { defaultSchema } from "@kestrel/stdlib/schema/schema";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { copying } from "./support/copying.js";

const script = suite("assemblyscript");
const root = mkdtempSync(join(tmpdir(), "kestrel-assemblyscript-"));
script.after(() => rmSync(root, { recursive: true, force: true }));
const LIMITS: Limits = { fuel: FOREIGN_FUEL, memoryBytes: FOREIGN_MEMORY_BYTES, milliseconds: 1000 };

const MANIFEST = JSON.stringify({
  format_version: "1.0",
  metadata: { rule_id: "one", rule_name: "One", rule_version: "1.0.0", severity: "High", schema_version: "1.0" },
  capabilities: { supports_inline: true, requires_alert: true, requires_block: false },
});

function read(name: string, files: Readonly<Record<string, string>>): ReadForeign {
  const folder = join(root, name);
  for (const [path, text] of Object.entries({ "manifest.json": MANIFEST, ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return readForeignPackage(folder, defaultSchema());
}

script("the library declares the functions of the Host API, and no others", () => {
  const library = readFileSync(fileURLToPath(import.meta.resolve("@kestrel/stdlib/assemblyscript/kestrel.ts")), "utf8");
  const declared = [...library.matchAll(/^@external\("kestrel", "(\w+)"\)\nexport declare function (.*);$/gm)];
  assert.equal(
    declared.map(([, name, declaration]) => [name, declaration]),
    HOST_FUNCTIONS.map(({ name, parameters, result }) => [
      name,
      `${name}(${parameters.map((one) => `${one.name}: ${one.type}`).join(", ")}): ${result}`,
    ]),
  );
  assert.is(library.match(/@external|declare/g)?.length, declared.length * 2);
});

script("every field has a name of its own, and its id", () => {
  const source = fieldSource(defaultSchema());
  assert.ok(source.includes("\n  process_pid = 1,\n  process_name = 2,\n"));
  const members = [...source.matchAll(/^ {2}(\w+) = (\d+),$/gm)];
  const listed = [...defaultSchema().fields.values()].filter(({ id }) => id > 0).length;
  assert.is(new Set(members.map(([, name]) => name)).size, members.length);
  // Two names may differ in their signs only.
  assert.ok(members.length > listed * 0.99, `${members.length} of ${listed}`);
});

const RULE = `
import { Captures, event, Field, glob, regex } from "kestrel";
import { twice } from "./other";

// Made when the module starts, which is when pred_init is called.
const seen = new Map<string, i32>();

export function pred_eval(handle: i32): i32 {
  const name = event.str(Field.process_name);
  if (name == null) return 0;
  seen.set(name, seen.has(name) ? seen.get(name) + 1 : 1);
  if (event.count(Field.process_args) > 1) {
    const second = event.strAt(Field.process_args, 1);
    if (second == null || second != "zwei €") return 0;
    if (event.strAt(Field.process_args, 2) != null) return 0;
  }
  if (event.has(Field.user_name)) return 0;
  if (event.int(Field.process_pid) != -5 || event.uint(Field.process_pid) != <u64>-5) return 0;
  if (event.float(Field.process_pid) != -5) return 0;
  if (!event.flag(Field.process_code_signature_exists)) return 0;
  if (!regex(3, name) || !glob(4, twice("ab"))) return 0;
  event.capture(Field.process_name);
  if (seen.get(name) == 3) event.emit();
  return name.length;
}

export function pred_capture(handle: i32): i32 {
  const captures = new Captures().add("name", event.str(Field.process_name)!).add("€", "");
  for (let i = 0; i < 100; i++) captures.add(i.toString(), "v");
  return captures.end();
}
`;

const OTHER = "export function twice(text: string): string { return text + text; }\n";

script("a rule that uses all of it runs as it says, and is built to the same bytes", async () => {
  const { rule, diagnostics } = read("all", { "rule.as.ts": RULE, "other.ts": OTHER });
  assert.equal(diagnostics, []);
  if (rule === null) throw new Error("unreachable");
  assert.equal(rule.fields.map(({ name }) => name).sort(), [
    "process.args",
    "process.code_signature.exists",
    "process.name",
    "process.pid",
    "user.name",
  ]);
  assert.equal(
    rule.sources.map(({ path }) => path),
    ["manifest.json", "other.ts", "rule.as.ts"],
  );
  const idOf = (name: string): number => defaultSchema().fields.get(name)?.id ?? -1;
  const utf8 = new TextEncoder();
  let name = "cmd.exe";
  const log: unknown[] = [];
  const texts = new Map([
    [idOf("process.name"), () => [name]],
    [idOf("process.args"), () => ["one", "zwei €"]],
  ]);
  const textOf = (field: number, index: number): Uint8Array | null => {
    const text = texts.get(field)?.()[index];
    return text === undefined ? null : utf8.encode(text);
  };
  const host: ForeignHost = {
    count: (field) => texts.get(field)?.().length ?? 0,
    text: textOf,
    copyText: copying(textOf),
    integer: (field) => (field === 1 ? -5n : null),
    double: (field) => (field === 1 ? -5 : null),
    boolean: (field) => (field === idOf("process.code_signature.exists") ? true : null),
    regex: (id, text) => log.push(["regex", id, text.length]) > 0,
    glob: (id, text) => log.push(["glob", id, new TextDecoder().decode(text)]) > 0,
    emit: () => log.push("emit"),
    capture: (field) => log.push(["capture", field]),
  };
  const instance = createWasmInstance(await wasm.compile(rule.code), host, LIMITS);
  instance.init();
  assert.is(instance.evaluate(), true);
  assert.equal(log, [
    ["regex", 3, 7],
    ["glob", 4, "abab"],
    ["capture", 2],
  ]);
  const captures = instance.capture();
  assert.equal(captures.slice(0, 3), [
    ["name", "cmd.exe"],
    ["€", ""],
    ["0", "v"],
  ]);
  assert.is(captures.length, MOST_CAPTURES);
  instance.evaluate();
  assert.not.ok(log.includes("emit"));
  instance.evaluate();
  assert.ok(log.includes("emit"), "the third event of a name");

  // Longer than the buffer at first, and a character across its end.
  name = `${"x".repeat(4095)}€${"y".repeat(1_000)}`;
  log.length = 0;
  assert.is(instance.evaluate(), true);
  assert.equal(log[0], ["regex", 3, 5_098]);

  // What a rule drops is collected: far more texts than fit the memory at once.
  for (let i = 0; i < 20_000; i++) {
    name = `${i % 50}`.padEnd(1_000, "z");
    assert.is(instance.evaluate(), true);
  }
  assert.equal(read("again", { "rule.as.ts": RULE, "other.ts": OTHER }).rule?.code, rule.code);
});

script("says where a rule is wrong, and reads no file but its own", () => {
  const { rule, diagnostics } = read("wrong", {
    "rule.as.ts": `import { event, Field } from "kestrel";\nimport { x } from "../secret";
export function pred_eval(handle: i32): i32 { return event.has(Field.process_nmae) ? 1 : "a"; }\n`,
    "../secret.ts": "export const x = 1;\n",
    "asconfig.json": '{ "options": { "transform": ["./evil.mjs"] } }',
    "evil.mjs": 'import { writeFileSync } from "node:fs"; writeFileSync("evil", "");\n',
  });
  assert.is(rule, null);
  assert.ok(diagnostics.length > 0);
  for (const { code, place } of diagnostics) {
    assert.is(code, "E0708");
    assert.ok(place.file.endsWith("rule.as.ts"), place.file);
    assert.ok(locate(place) !== null);
  }
  const said = diagnostics.map(({ message, place }) => `${locate(place)?.line} ${message}`).join("; ");
  assert.match(said, /2 File '.*secret.ts' not found/);
});

script("refuses what only a browser has", () => {
  const { diagnostics } = read("console", {
    "rule.as.ts": 'export function pred_eval(handle: i32): i32 { console.log("x"); return <i32>Math.random(); }\n',
  });
  assert.ok(diagnostics.length >= 2);
  for (const { code } of diagnostics) assert.is(code, "E0710");
});

script.run();

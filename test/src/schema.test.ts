// The event schema: that its table is sound, that it knows the fields of published rules, and what it suggests.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FIELD_LINES, NEXT_FIELD_ID } from "@kestrel/stdlib/schema/fields";
import { defaultSchema, lookup, openNamespaceOf, parseFields, suggest } from "@kestrel/stdlib/schema/schema";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const schema = suite("schema");
const CORPORA = fileURLToPath(new URL("../../../shared/corpora/rules/", import.meta.url));

schema("has unique ids and well-formed names", () => {
  const { fields } = defaultSchema();
  const ids = new Set<number>();
  for (const [name, field] of fields) {
    assert.is(name, field.name);
    assert.match(name, /^[A-Za-z_@][\w@/-]*(\.[\w@/-]+)*$/);
    assert.ok(field.id >= 1 && field.id < NEXT_FIELD_ID, `${name} has id ${field.id}`);
    ids.add(field.id);
  }
  assert.is(ids.size, fields.size);
  assert.is(defaultSchema(), defaultSchema());
});

schema("keeps the ids that others rely on", () => {
  assert.equal(lookup(defaultSchema(), "process.pid"), { id: 1, name: "process.pid", type: "long" });
  assert.equal(lookup(defaultSchema(), "process.name"), { id: 2, name: "process.name", type: "keyword" });
});

schema("lists each group in alphabetical order", () => {
  // The first group is ordered by use.
  for (const text of FIELD_LINES.slice(1)) {
    const names = text.split("\n").flatMap((line) => line.split(" ")[1] ?? []);
    assert.equal(names, [...names].sort());
  }
});

schema("types what events carry", () => {
  const types: Record<string, string> = {
    "@timestamp": "date",
    "source.ip": "ip",
    "destination.port": "long",
    "process.code_signature.trusted": "boolean",
    "file.Ext.entropy": "double",
    "process.thread.Ext.call_stack": "object",
    "winlog.event_data.LogonType": "keyword",
    "Target.process.thread.Ext.call_stack_summary": "keyword",
    "Effective_process.executable": "keyword",
  };
  for (const [name, type] of Object.entries(types)) assert.is(lookup(defaultSchema(), name)?.type, type, name);
  assert.is(lookup(defaultSchema(), "process.nane"), null);
});

schema("refuses a malformed or repeated line", () => {
  assert.throws(() => parseFields(["1 a.b"]), /not a field/);
  assert.throws(() => parseFields(["1 a.b string"]), /not a field/);
  assert.throws(() => parseFields(["1 a long\n1 b long"]), /given twice/);
  assert.throws(() => parseFields(["1 a long", "2 a long"]), /given twice/);
});

schema("suggests what was meant", () => {
  const first = (name: string) => suggest(defaultSchema(), name)[0];
  assert.is(first("name"), "process.name");
  assert.is(first("command_line"), "process.command_line");
  assert.is(first("Process.Name"), "process.name");
  assert.is(first("process_name"), "process.name");
  assert.is(first("process.commandline"), "process.command_line");
  assert.equal(suggest(defaultSchema(), "name").slice(0, 2), ["process.name", "file.name"]);
  assert.is(first("parent.name"), "process.parent.name");
  assert.is(first("prcoess.name"), "process.name");
  assert.is(first("process.exectuable"), "process.executable");
  assert.is(first("event0.process.parent.name"), "process.parent.name");
  assert.is(first("winlog.event_data.subjectusername"), "winlog.event_data.SubjectUserName");
  assert.is(first("destination.prot"), "destination.port");
  assert.is(first("timestamp"), "@timestamp");
  assert.is(first("parent.process.name"), "process.parent.name");
  assert.is(first("process.commandline"), "process.command_line");
  assert.is(first("process.cmdline"), "process.command_line");
  assert.is(first("process.image"), "process.executable");
});

schema("takes any name below an open namespace, as text", () => {
  const known = lookup(defaultSchema(), "winlog.event_data.TargetUserName");
  assert.is(known?.id === undefined || known.id === 0, false);
  const field = { id: 0, name: "winlog.event_data.Whatever", type: "keyword" };
  assert.equal(lookup(defaultSchema(), field.name), field);
  assert.is(openNamespaceOf(defaultSchema(), field.name), "winlog.event_data");
  for (const name of ["winlog.event_data", "winlog.event_data.", "winlog.Whatever", "winlog.event_database.x"]) {
    assert.is(openNamespaceOf(defaultSchema(), name), null, name);
  }
  assert.is(lookup({ fields: defaultSchema().fields }, field.name), null);
  // A namespace that is closed by a listed field of a scalar type could hold nothing.
  for (const open of defaultSchema().open ?? []) {
    const self = lookup(defaultSchema(), open);
    assert.ok(self === null || self.type === "object" || self.type === "keyword", open);
  }
});

schema("suggests no more than asked, and nothing far away", () => {
  assert.is(suggest(defaultSchema(), "name", 2).length, 2);
  assert.equal(suggest(defaultSchema(), "name", 0), []);
  assert.equal(suggest(defaultSchema(), ""), []);
  assert.equal(suggest(defaultSchema(), "entirely.different.thing.altogether"), []);
  assert.not.ok(suggest(defaultSchema(), "process.name").includes("process.name"));
});

/** Dotted names of a query outside strings and comments; words of one part are mostly keywords and functions. */
function dottedNames(query: string): string[] {
  const code = query.replace(/"""[\s\S]*?"""+|"(?:\\.|[^"\\])*"|\/\/.*|\/\*[\s\S]*?\*\//g, " ");
  const names = code.match(/(?<![\w$.`])(?:[A-Za-z_@]\w*|`[^`]+`)(?:\.\s*(?:\w+|`[^`]+`))+|`[^`.]*\.[^`]*`/g) ?? [];
  return names.map((name) => name.replace(/[`\s]/g, ""));
}

interface CorpusRule {
  readonly query: string;
  /** Translated from a regular expression by a tool that leaves quotes unescaped. */
  readonly pysigma_regex?: boolean;
}

schema("knows every field of published rules", () => {
  if (!existsSync(CORPORA)) {
    console.log("schema: no rule corpora here, fields of published rules not compared");
    return;
  }
  const names = new Set<string>();
  for (const pack of ["elastic-detection-rules", "elastic-protections-artifacts", "elastic-hunting", "sigma-eql"]) {
    const rules = JSON.parse(readFileSync(`${CORPORA}${pack}.json`, "utf8")) as CorpusRule[];
    for (const rule of rules) {
      if (rule.pysigma_regex === true) continue;
      // `as name` after a term gives an event a name that its fields are then written under.
      const aliases = [...rule.query.matchAll(/\bas\s+(\w+)/g)].map((match) => `${match[1]}.`);
      for (const name of dottedNames(rule.query)) {
        const alias = aliases.find((prefix) => name.startsWith(prefix)) ?? "";
        names.add(name.slice(alias.length));
      }
    }
  }
  assert.ok(names.size >= 350, `only ${names.size} fields found`);
  const unknown = [...names].filter((name) => lookup(defaultSchema(), name) === null);
  assert.equal(unknown, []);
});

schema.run();

// `event_category_override`, `timestamp_field` and `tiebreaker_field` of rule files: the compiled rule finds what the reference
// interpreter finds with the same fields, beside rules that keep the package's.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CompileOptions, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { checkRules } from "@kestrel/compiler/package/check-rules";
import { NO_EVENT_FIELDS } from "@kestrel/compiler/rule/rule";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";
import type { Dialect } from "@kestrel/compiler/syntax/ast";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";
import { interpret, readEvents } from "./reference/interpret.js";
import { expectedDetections, foundDetections } from "./support/detections.js";
import { compileForTest, ruleOf, runLines } from "./support/run-pack.js";
import { sizeOf } from "./support/sizes.js";

const fields = suite("event fields of a rule");

/** Each is asked with the package's field and with `event.type`, or `kind` in endgame; the words are values of all of them. */
const QUERIES: readonly (readonly [Dialect, string])[] = [
  ["elastic", "info where true"],
  ["elastic", 'start where event.category == "info"'],
  ["elastic", 'any where event.type == "info"'],
  ["elastic", "sequence by host.id with maxspan=4s [info where true] [start where true]"],
  ["elastic", "sequence by host.id with maxspan=4s [start where true] ![info where true] [process where true]"],
  ["elastic", "sequence by host.id [info where true] [process where true] until [start where true]"],
  ["elastic", "sample by host.id [info where true] [start where true]"],
  ["endgame", "info where true"],
  ["endgame", "sequence by host_id [info where true] [start where true]"],
];

fields("a rule's own category field decides, as in the reference", async () => {
  const rules = QUERIES.flatMap(([dialect, query], index) => {
    const rule = { ...ruleOf(`r${index}`, query), dialect };
    const category = dialect === "elastic" ? "event.type" : "kind";
    return [rule, { ...rule, id: `${rule.id}-own`, eventFields: { ...NO_EVENT_FIELDS, category } }];
  });
  const under = await compileForTest(rules, DEFAULT_OPTIONS);
  assert.equal(
    under.diagnostics.filter(({ severity }) => severity === "error"),
    [],
  );
  const random = createRandom(14);
  const found = { own: 0, differ: 0 };
  for (let round = 0; round < sizeOf("KESTREL_EVENT_FIELDS", 20, 200); round++) {
    const word = (): string => random.pick(["info", "start", "process", "Info"]);
    const lines = Array.from({ length: 30 }, (_, at) => {
      const host = random.pick(["a", "b"]);
      const event = { category: [word(), word()], type: random.pick([word(), [word(), word()]]), sequence: at };
      const time = 1_767_225_600_000 + at * 700;
      return JSON.stringify({
        ...{ "@timestamp": time, event, host: { id: host } },
        ...{ event_type: word(), kind: word(), host_id: host },
      });
    });
    const got = runLines(under.pack, Buffer.from(`${lines.join("\n")}\n`));
    const shown = under.rules.map(({ rule, query }, index) => {
      const own = rule.eventFields.category;
      const categoryField = own ?? (query.dialect === "elastic" ? "event.category" : "event_type");
      const options = { schema: DEFAULT_OPTIONS.schema, categoryField, sampleWindowNs: 3_600_000_000_000n };
      const expected = expectedDetections(query, interpret(query, readEvents(lines, options), options));
      const detections = foundDetections(got, index, query.dialect);
      assert.equal(detections, expected, `${rule.id}: ${rule.query}\n${lines.join("\n")}`);
      if (own !== null) found.own += detections.length;
      return JSON.stringify(detections);
    });
    for (let index = 0; index < shown.length; index += 2) if (shown[index] !== shown[index + 1]) found.differ++;
  }
  assert.ok(found.own > 100 && found.differ > 50, JSON.stringify(found));
});

const folder = mkdtempSync(join(tmpdir(), "kestrel-event-fields-"));
fields.after(() => rmSync(folder, { recursive: true, force: true }));

function ruleFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

fields("are read from TOML, YAML and JSON", () => {
  const paths = [
    ruleFile("t.toml", '[rule]\nname = "T"\nevent_category_override = "event.type"\nquery = "info where true"\n'),
    ruleFile("y.yaml", "id: y\ntimestamp_field: event.ingested\ntiebreaker_field: event.id\nquery: any where true\n"),
    ruleFile("j.json", '{"id":"j","event_category_override":null,"tiebreaker_field":"","query":"any where true"}'),
    ruleFile("w.json", '{"id":"w","event_category_override":3,"query":"any where true"}'),
  ];
  const { rules, diagnostics } = collectRules(paths);
  assert.equal(
    rules.map(({ eventFields }) => eventFields),
    [
      { category: "event.type", timestamp: null, tiebreaker: null },
      { category: null, timestamp: "event.ingested", tiebreaker: "event.id" },
      NO_EVENT_FIELDS,
    ],
  );
  assert.equal(
    diagnostics.map(({ message }) => message),
    ["key `event_category_override` must be a text, but is the number 3"],
  );
});

function told(text: string, options: CompileOptions = DEFAULT_OPTIONS): string[] {
  return checkRules([ruleFile("one.yaml", `id: one\n${text}`)], options).diagnostics.map(
    ({ code, message, help }) => `${code} ${message}${help === undefined ? "" : `; ${help}`}`,
  );
}

fields("a category field must be a keyword that exists", () => {
  assert.equal(told("event_category_override: event.type\nquery: Process where true\n"), []);
  assert.equal(told("event_category_override: process.pid\nquery: info where true\n"), [
    "E0303 key `event_category_override`: `process.pid` is a long, but a category is a keyword",
  ]);
  const [unknown = "", ...rest] = told("event_category_override: event.tpye\nquery: info where true\n");
  assert.match(
    unknown,
    /^E0301 key `event_category_override`: unknown field `event\.tpye`; did you mean `event\.type`/,
  );
  assert.equal(rest, []);
});

fields("another order than the package's is an error where order decides", () => {
  const sequence = "query: sequence by host.id with maxspan=1m [process where true] [file where true]\n";
  const flag = "build the rule into a package of its own with";
  assert.equal(told(`timestamp_field: event.ingested\n${sequence}`), [
    "E0311 key `timestamp_field`: the rule needs events in the order of `event.ingested`, and the package is ordered by" +
      ` \`@timestamp\`; ${flag} \`--timestamp-field event.ingested\``,
  ]);
  const untied = { ...DEFAULT_OPTIONS, tiebreakerField: null };
  assert.equal(told(`tiebreaker_field: event.sequence\n${sequence}`, untied), [
    "E0311 key `tiebreaker_field`: the rule needs events in the order of `event.sequence`, and the package has no such field" +
      `; ${flag} \`--tiebreaker-field event.sequence\``,
  ]);
  assert.equal(told(`timestamp_field: "@timestamp"\ntiebreaker_field: event.sequence\n${sequence}`), []);
  assert.equal(told("timestamp_field: event.ingested\nquery: process where true\n"), []);
});

// In Elastic's engine the override is the field of the range filter around an EQL search (`from`, `to`), and the search orders by its own
// `timestamp_field`: elastic/kibana, build_eql_search_request.ts and #132247; elastic/security-docs #2061.
fields("`timestamp_override` changes no order: sequences go by `@timestamp`, as Elastic's do", async () => {
  const text = (override: string): string =>
    `[rule]\nname = "S"\nlanguage = "eql"\ntype = "eql"\n${override}query = '''sequence by host.id with maxspan=1m [process where true] [file where true]'''\n`;
  const paths = [
    ruleFile("with.toml", text('timestamp_override = "event.ingested"\n')),
    ruleFile("without.toml", text("")),
  ];
  const { rules, diagnostics } = collectRules(paths);
  const under = await compileForTest(rules, DEFAULT_OPTIONS);
  assert.equal([...diagnostics, ...under.diagnostics], []);
  const event = (host: string, category: string, time: string, ingested: string): string =>
    JSON.stringify({
      "@timestamp": `2026-01-05T08:${time}Z`,
      event: { category, ingested: `2026-01-05T08:${ingested}Z` },
      host: { id: host },
    });
  const lines = [
    // Ingested the other way round; ingested an hour apart; too far apart, though ingested together.
    ...[event("a", "file", "00:10", "00:20"), event("a", "process", "00:00", "00:30")],
    ...[event("b", "process", "00:00", "00:01"), event("b", "file", "00:10", "59:00")],
    ...[event("c", "process", "00:00", "05:00"), event("c", "file", "02:00", "05:01")],
  ];
  const { byRule } = runLines(under.pack, Buffer.from(`${lines.join("\n")}\n`));
  const expected = [
    [1, 0],
    [2, 3],
  ];
  assert.equal(byRule, [expected, expected]);
});

fields.run();

// What a package says that its predicates ask of events (compiler/src/package/circuit-to-demand.ts): that no event matches without
// having it, for generated and for real rules, and that it is as narrow as it should be.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type CompileOptions, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { bareRule } from "@kestrel/compiler/rule/rule";
import { passesPrefixes } from "@kestrel/runtime/ebpf/path-prefixes";
import { createEvaluator } from "@kestrel/runtime/evaluate/evaluator";
import { hasKeys } from "@kestrel/runtime/event/join-keys";
import type { Package } from "@kestrel/runtime/load/load-package";
import type { Demand, TextDemand } from "@kestrel/stdlib/package-format";
import type { Field, FieldType, Schema } from "@kestrel/stdlib/schema/types";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ELASTIC, ENDGAME } from "./generate/compare.js";
import { generateEndgameEvent } from "./generate/endgame-event.js";
import { generateEndgameQuery } from "./generate/endgame-query.js";
import { generateEventLine } from "./generate/event.js";
import { generateQuery } from "./generate/query.js";
import { createRandom, type Random } from "./generate/random.js";
import { TEST_SCHEMA } from "./generate/schema.js";
import { generateLineageQuery, generateSequence, generateStream } from "./generate/stream.js";
import { type FlatEvent, flatten, scalarText } from "./reference/flatten.js";
import { type Json, readJson } from "./reference/read-json.js";
import { readOutput } from "./support/read-output.js";
import { repositoryRoot } from "./support/repository.js";
import { compileForTest, ruleOf } from "./support/run-pack.js";
import { LONG, sizeOf } from "./support/sizes.js";

const demands = suite("demands");
const SEED = Number(process.env.KESTREL_SEED ?? 1);
const ROUNDS = sizeOf("KESTREL_DEMANDS", 3, 40);

/** Few fields, so that most conditions ask those that demands tell more of. */
const TYPES: Readonly<Record<string, FieldType>> = {
  "@timestamp": "date",
  "event.category": "keyword",
  "event.type": "keyword",
  "event.action": "keyword",
  "event.sequence": "long",
  "file.path": "keyword",
  "process.name": "keyword",
  "process.pid": "long",
  "process.code_signature": "object",
  "process.code_signature.trusted": "boolean",
  "source.ip": "ip",
  "event.risk_score": "double",
  "process.stack": "object",
  "process.stack.symbol": "keyword",
  "process.stack.size": "long",
};
const SCHEMA: Schema = {
  fields: new Map(Object.entries(TYPES).map(([name, type], i): [string, Field] => [name, { id: i + 1, name, type }])),
};

interface Match {
  readonly line: string;
  readonly predicate: number;
  /** Whether it can be joined: no key of it is missing. */
  readonly joins: boolean;
}

/** Every predicate that the index finds, event by event. */
function matchesOf(pack: Package, lines: readonly string[]): Match[] {
  const chunk = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  const found: Match[] = [];
  for (const { output } of createEvaluator(pack).evaluate(chunk, { file: "test", firstLine: 1 }, 0)) {
    const { view } = output.memory;
    for (const { line, predicate, areKeysLost, keysAt, keyBytes } of readOutput(view, output.base, output.length)) {
      const joins = !areKeysLost && hasKeys(view, keysAt, keyBytes);
      found.push({ line: lines[output.place.ordinal + line] ?? "", predicate, joins });
    }
  }
  return found;
}

interface ReadEvent {
  readonly flat: FlatEvent;
  /** Dotted names at which something stands that is not null, an empty object or array say. */
  readonly names: ReadonlySet<string>;
}

function readEvent(line: string): ReadEvent {
  const json = readJson(line);
  const flat = flatten(json);
  const names = new Set(flat.present);
  const walk = (path: string, value: Json): void => {
    if (value.kind === "object") {
      names.add(path);
      for (const [key, child] of value.entries) walk(path === "" ? key : `${path}.${key}`, child);
    } else if (value.kind === "array") {
      if (value.items.length === 0) names.add(path);
      for (const item of value.items) walk(path, item);
    }
  };
  walk("", json);
  return { flat, names };
}

function textsAt({ flat }: ReadEvent, name: string): string[] {
  return (flat.values.get(name) ?? []).flatMap((scalar) => (scalar.kind === "null" ? [] : [scalarText(scalar)]));
}

function meetsTexts(texts: readonly string[], { any_of, none_of = [] }: TextDemand = {}): boolean {
  if (texts.some((text) => none_of.includes(text))) return false;
  return any_of === undefined || texts.some((text) => any_of.includes(foldString(text)));
}

/** What of a demand an event lacks. */
function lackOf(event: ReadEvent, demand: Demand): string[] {
  const lack = demand.fields.filter((name) => !event.names.has(name));
  for (const name of ["category", "type", "action"] as const) {
    if (!meetsTexts(textsAt(event, `event.${name}`), demand[name]))
      lack.push(`event.${name} of ${JSON.stringify(demand[name])}`);
  }
  const { paths } = demand;
  if (paths !== undefined && !textsAt(event, "file.path").some((path) => passesPrefixes(Buffer.from(path), paths))) {
    lack.push("file.path");
  }
  return lack;
}

interface Held {
  /** Matches, and those whose demand tells something: texts, fields, paths. */
  readonly matches: number;
  readonly told: Readonly<Record<"texts" | "fields" | "paths", number>>;
}

/** Asserts that every match has what is demanded of it. */
function assertDemandsHold(pack: Package, lines: readonly string[], rules: readonly string[]): Held {
  const told = { texts: 0, fields: 0, paths: 0 };
  const events = new Map<string, ReadEvent>();
  const all = matchesOf(pack, lines);
  for (const { line, predicate, joins } of all) {
    const demand = pack.manifest.demands[predicate];
    assert.ok(demand, `predicate ${predicate} holds for an event and has no demand`);
    const event = events.get(line) ?? readEvent(line);
    events.set(line, event);
    const lack = lackOf(event, demand as Demand);
    if (lack.length > 0 && joins) {
      const asked = (demand as Demand).rules.map((rule) => rules[rule]).join("\n  or ");
      assert.unreachable(`${line}\nlacks ${lack.join(", ")} and matches\n${asked}`);
    }
    if (demand?.category ?? demand?.type ?? demand?.action) told.texts++;
    if ((demand?.fields.length ?? 0) > 0) told.fields++;
    if (demand?.paths !== undefined) told.paths++;
  }
  return { matches: all.length, told };
}

interface Property {
  readonly name: string;
  readonly compile: Partial<CompileOptions>;
  readonly make: (random: Random) => { readonly queries: readonly string[]; readonly lines: readonly string[] };
  /** What at least one match of a round tells, for the property to test something. */
  readonly tells: readonly (keyof Held["told"])[];
}

const PROPERTIES: readonly Property[] = [
  {
    name: "conditions over the fields that demands tell of",
    compile: { schema: SCHEMA, dialect: "elastic" },
    make: (random) => ({
      queries: times(250, () => generateQuery(random, SCHEMA, { depth: random.pick([1, 2, 3]) })),
      lines: times(200, () => generateEventLine(random, SCHEMA)),
    }),
    tells: ["texts", "fields", "paths"],
  },
  {
    name: "conditions over fields of every type",
    compile: ELASTIC.compile,
    make: (random) => ({
      queries: times(150, () => generateQuery(random, TEST_SCHEMA)),
      lines: times(150, () => generateEventLine(random, TEST_SCHEMA)),
    }),
    tells: ["texts", "fields"],
  },
  {
    name: "sequences and lineage",
    compile: ELASTIC.compile,
    make: (random) => ({
      queries: times(60, () => (random.chance(0.3) ? generateLineageQuery(random) : generateSequence(random))),
      lines: generateStream(random, { length: 100 }),
    }),
    tells: ["texts", "fields"],
  },
  {
    name: "conditions of endgame",
    compile: ENDGAME.compile,
    make: (random) => ({
      queries: times(100, () => generateEndgameQuery(random)),
      lines: times(150, () => generateEndgameEvent(random)),
    }),
    tells: ["fields"],
  },
];

for (const [place, { name, compile, make, tells }] of PROPERTIES.entries()) {
  demands(`no event matches without what is demanded: ${name}`, async () => {
    const sum = { matches: 0, texts: 0, fields: 0, paths: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const { queries, lines } = make(createRandom(SEED * 1_000_003 + place * 100_000_007 + round));
      const options = { ...DEFAULT_OPTIONS, ...compile, optimize: false };
      const { pack, rules } = await compileForTest(
        queries.map((query, i) => ruleOf(`q${i}`, query)),
        options,
      );
      const held = assertDemandsHold(
        pack,
        lines,
        rules.map(({ rule }) => rule.query),
      );
      sum.matches += held.matches;
      for (const kind of ["texts", "fields", "paths"] as const) sum[kind] += held.told[kind];
    }
    for (const kind of tells) assert.ok(sum[kind] > 0, `${sum[kind]} of ${sum.matches} matches tell ${kind}`);
  });
}

const CORPORA = join(repositoryRoot(), "../shared/corpora");

interface CorpusRule {
  readonly id: string;
  readonly query: string;
}

demands("no document that real rules match lacks what they demand", async () => {
  if (!existsSync(CORPORA)) {
    console.log("  skipped, no corpora: documents made for real rules");
    return;
  }
  const short = ["elastic-detection-rules", "elastic-hunting"];
  for (const name of LONG ? [...short, "elastic-protections-artifacts"] : short) {
    const list = JSON.parse(readFileSync(join(CORPORA, "rules", `${name}.json`), "utf8")) as readonly CorpusRule[];
    const distinct = new Map(list.map((rule) => [rule.id, rule]));
    const rules = [...distinct.values()].map(({ id, query }) => bareRule(id, query, name));
    const under = await compileForTest(rules, { ...DEFAULT_OPTIONS, optimize: false });
    const documents = gunzipSync(readFileSync(join(CORPORA, "events", `geneve-${name}.ndjson.gz`)))
      .toString("utf8")
      .split("\n")
      .filter((line) => line !== "")
      .flatMap((line) => (JSON.parse(line) as { readonly docs: readonly unknown[] }).docs)
      .map((document) => JSON.stringify(document));
    const { matches, told } = assertDemandsHold(
      under.pack,
      documents,
      under.rules.map(({ rule }) => rule.query),
    );
    console.log(
      `  ${name}: ${matches} matches, texts told of ${told.texts}, fields of ${told.fields}, paths of ${told.paths}`,
    );
    assert.ok(matches > under.rules.length / 2 && told.texts > matches / 2);
  }
});

interface Narrow {
  readonly query: string;
  /** Of each predicate; without its rules. */
  readonly demands: readonly Omit<Demand, "rules">[];
}

const processOnly = { category: { any_of: ["process"] } };
const CASES: readonly Narrow[] = [
  { query: "any where true", demands: [{ fields: [] }] },
  { query: "any where false", demands: [{ category: { any_of: [] }, fields: [] }] },
  {
    query: 'process where event.type == "start" and event.action : ("EXEC", "fork") and process.name == "sh"',
    demands: [
      {
        ...processOnly,
        type: { any_of: ["start"] },
        action: { any_of: ["exec", "fork"] },
        fields: ["event.action", "event.category", "event.type", "process.name"],
      },
    ],
  },
  {
    // A pattern tells no texts; what is denied is told as it is written.
    query: 'process where event.action : "ex*" and event.type != "end" and not event.type in~ ("INFO", "change")',
    demands: [
      {
        ...processOnly,
        type: { none_of: ["change", "end", "info"] },
        fields: ["event.action", "event.category"],
      },
    ],
  },
  {
    // An event may have both types: the lists are not intersected.
    query: 'any where event.type in ("start", "info") and event.type in ("info", "end", "change")',
    demands: [{ type: { any_of: ["info", "start"] }, fields: ["event.type"] }],
  },
  {
    query: `any where (event.category == "file" and event.action == "creation" and file.name == "x" and file.path == "/etc/x")
      or (event.category == "network" and event.action == "bound-socket" and file.path : "/VAR/Straße*" and source.port > 1)`,
    demands: [
      {
        category: { any_of: ["file", "network"] },
        action: { any_of: ["bound-socket", "creation"] },
        fields: ["event.action", "event.category", "file.path"],
        paths: ["/etc/x", "/var/stra"],
      },
    ],
  },
  {
    query: `file where file.path like ("/etc/cron?d/*", "/etc/cron*", "/Root/.ssh/?x*") and not file.path : "/etc/cron.d/x"`,
    demands: [
      { category: { any_of: ["file"] }, fields: ["event.category", "file.path"], paths: ["/etc/cron", "/root/.ssh/"] },
    ],
  },
  {
    query: `file where file.path : ("/etc/*", "*/passwd")`,
    demands: [{ category: { any_of: ["file"] }, fields: ["event.category", "file.path"] }],
  },
  {
    query: `file where file.path regex "/etc/.*" or (file.path : "/etc/*" and process.pid == null)`,
    demands: [{ category: { any_of: ["file"] }, fields: ["event.category", "file.path"] }],
  },
  {
    // Null spreads to the comparison, but not out of a test of null, an \`or\`, or arguments that may be left out.
    query: `process where length(process.name) + process.pid > 3 and substring(process.title, process.args_count) == "x"
      and (process.ppid == 1 or process.pgid == 2) and process.parent.pid == null and process.exit_code != 0`,
    demands: [{ ...processOnly, fields: ["event.category", "process.name", "process.pid", "process.title"] }],
  },
  {
    query:
      'sequence by process.entity_id, ?user.id [process where process.name == "a"] [network where true] until [file where true]',
    demands: [
      { ...processOnly, fields: ["event.category", "process.entity_id", "process.name"] },
      { category: { any_of: ["network"] }, fields: ["event.category", "process.entity_id"] },
      { category: { any_of: ["file"] }, fields: ["event.category", "process.entity_id"] },
    ],
  },
];

demands("are as narrow as a query allows", async () => {
  for (const { query, demands: expected } of CASES) {
    const { pack, diagnostics } = await compileForTest([ruleOf("r", query)], { ...DEFAULT_OPTIONS, optimize: false });
    assert.equal(
      diagnostics.filter(({ severity }) => severity === "error"),
      [],
      query,
    );
    assert.equal(
      pack.manifest.demands.map((demand) => {
        const { rules, ...rest } = demand ?? { rules: [], fields: [] };
        assert.equal(rules, [0]);
        return rest;
      }),
      expected,
      query,
    );
  }
});

demands("name every rule that asks, and none of late tests", async () => {
  const queries = [
    'process where process.name == "sh"',
    'process where process.name == "sh"',
    'sequence [process where process.name == "sh"] as a [process where process.name == a.process.name]',
    'file where descendant of [process where process.name == "cron"]',
  ];
  const { pack } = await compileForTest(
    queries.map((query, at) => ruleOf(`r${at}`, query)),
    { ...DEFAULT_OPTIONS, optimize: false },
  );
  const { demands: all, programs, lineage } = pack.manifest;
  const rulesOf = (predicate: number | undefined): unknown => all[predicate ?? -1]?.rules;
  const [event, sequence] = [all.find((demand) => demand?.rules.includes(0)), programs.find(({ rule }) => rule === 2)];
  assert.equal(event?.rules, [0, 1, 2]);
  assert.equal(rulesOf(sequence?.stages[1]?.predicate), [2]);
  assert.is(all[sequence?.stages[1]?.late?.predicate ?? -1], null);
  const [tree] = lineage;
  for (const predicate of [tree?.feed, tree?.starts, tree?.ends, tree?.queries[0]?.predicate]) {
    assert.equal(rulesOf(predicate), [3]);
  }
});

demands("hold a path against prefixes byte by byte", () => {
  const passes = (path: string, ...prefixes: readonly string[]): boolean => passesPrefixes(Buffer.from(path), prefixes);
  assert.ok(passes("/etc/passwd", "/var/", "/etc/"));
  assert.ok(passes("/ETC/Passwd", "/etc/pass"));
  assert.not(passes("/et", "/etc"));
  assert.not(passes("/opt/x", "/etc", "/var"));
  assert.not(passes("/opt/\u017f", "/etc", "/var"));
  assert.ok(passes("/etc/\u017fsh/config", "/etc/ssh/"));
  assert.not(passes("/etc/x\u017fh", "/etc/ssh/"));
  assert.not(passes("/etc", ...[]));
});

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

demands.run();

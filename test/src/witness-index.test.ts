// The index never loses a match: a pack finds in every event what the same pack finds whose predicates are all tried on every event. Nor
// does it where a profile steers it, one that is true of the events or one that says the contrary of everything.
//
// Random rules, half of them over texts that stand in others; random events, half of whose texts are made of what the rules ask for:
// whole, cut at an end, in other case, one behind the other, long. Then real rules over real recordings, where the corpora stand
// beside the project. `KESTREL_INDEX=n` sets how many pairs of a rule and an event are tried at random, `KESTREL_SEED=n` starts elsewhere.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { createDataSection } from "@kestrel/compiler/backend/wasm/data-section";
import { addLiteralTables } from "@kestrel/compiler/backend/wasm/literal-tables";
import {
  type AnalysedRule,
  analyseRules,
  type CompileOptions,
  DEFAULT_OPTIONS,
  planRules,
} from "@kestrel/compiler/compile";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { generateEventLine } from "./generate/event.js";
import { quoteText } from "./generate/operands.js";
import { CATEGORIES } from "./generate/pool.js";
import { generateQuery } from "./generate/query.js";
import { createRandom, type Random } from "./generate/random.js";
import { TEST_SCHEMA } from "./generate/schema.js";
import { profileOf, reversed } from "./support/profiles.js";
import { repositoryRoot } from "./support/repository.js";
import { type Found, lowerForTest, ruleOf, runLines } from "./support/run-pack.js";
import { LONG, sizeOf } from "./support/sizes.js";

const PAIRS = sizeOf("KESTREL_INDEX", 200_000, 2_000_000);
const SEED = Number(process.env.KESTREL_SEED ?? 1);
const OPTIONS: CompileOptions = { ...DEFAULT_OPTIONS, schema: TEST_SCHEMA, optimize: false };
const RULES = 200;
const LISTS = 6;
const EVENTS = 400;

const test = suite("witness index");

/** What rules look for: letters that fold into fewer bytes and into more, texts that share their rarest bytes, one byte said often. */
const WORDS = [
  "mimikatz",
  "\\Temp\\a",
  "aaaa",
  "aaaaaaab",
  "-enc",
  " -e ",
  "K\u212akK",
  "\u017fhell",
  "\u023a\u023e\u023a",
  // Three bytes that are four when they are folded.
  "\u023aa",
  "b\u023e",
  "ete\u00c9t",
  "\u{10400}\u{1f600}",
];
/** So many that one field is looked through for them by a filter, where fewer go into buckets. */
const MANY = Array.from({ length: 300 }, (_, number) =>
  Math.imul(number + 1, 0x9e3779b1)
    .toString(36)
    .slice(1),
);
const LARGE_FIELD = "process.command_line";
const NEIGHBOURS = ["xqzj1", "xqzj2", "xqzj3", "xqzj4", "xqzj5", "xqzj6", "0xqzj", "1xqzj", "xqz"];
const FIELDS = [...TEST_SCHEMA.fields.values()].filter(({ type }) => type === "keyword").map(({ name }) => name);

function word(random: Random): string {
  const text = random.pick(random.pick([WORDS, NEIGHBOURS, MANY]));
  return random.chance(0.2) ? text + word(random) : text;
}

function regexText(random: Random): string {
  const escaped = (): string => word(random).replaceAll(/[\\.*?+()[\]{}|"]/g, "\\$&");
  return random.pick([
    () => `.*${escaped()}.*`,
    () => `.*(${escaped()}|${escaped()}).*`,
    () => `.*(${escaped()})?${escaped()}{1,2}.*`,
    () => `(?i).*${escaped()}`,
    () => `.*[ab]${escaped()}(x|).*`,
  ])();
}

function anyField(random: Random): string {
  return random.chance(0.4) ? LARGE_FIELD : random.pick(FIELDS);
}

/** A condition on texts that stand in a value. */
function textLeaf(random: Random): string {
  const field = anyField(random);
  const quoted = (text: string): string => quoteText(text);
  return random.pick([
    () => `${field} : ${quoted(`*${word(random)}*`)}`,
    () => `${field} like ${quoted(`*${word(random)}?*${word(random)}`)}`,
    () => `${field} like~ (${quoted(`${word(random)}*`)}, ${quoted(`*${word(random)}`)})`,
    () => `${field} : (${quoted(word(random))}, ${quoted(`*${word(random)}*`)})`,
    () => `stringContains${random.pick(["", "~"])}(${field}, ${quoted(word(random))})`,
    () => `startsWith~(${field}, ${quoted(word(random))}) or endsWith(${random.pick(FIELDS)}, ${quoted(word(random))})`,
    () => `${field} regex${random.pick(["", "~"])} ${quoted(regexText(random))}`,
  ])();
}

/** A rule over texts that stand in a value. */
function textQuery(random: Random): string {
  const other = random.pick([
    "",
    "",
    ` and ${random.pick(FIELDS)} != null`,
    ` or ${random.pick(FIELDS)} == ${quoteText(word(random))}`,
    ` and not ${random.pick(FIELDS)} : ${quoteText(`*${word(random)}*`)}`,
  ]);
  return `any where ${textLeaf(random)}${other}`;
}

/** A rule over many texts of one field. */
function listQuery(random: Random): string {
  const texts = Array.from({ length: 40 }, () => quoteText(`*${word(random)}${random.pick(MANY)}*`));
  return `any where ${LARGE_FIELD} : (${texts.join(", ")})`;
}

const KINDS = ["start", "end", "change"];

/** A rule over events of a category or a type, of another one where another condition holds. */
function guardedQuery(random: Random): string {
  const type = (): string => `event.type == "${random.pick(KINDS)}"`;
  const leaf = (): string => `(${textLeaf(random)})`;
  return random.pick([
    () => `${random.pick(CATEGORIES)} where ${leaf()}`,
    () => `${random.pick(CATEGORIES)} where ${type()} and ${leaf()}`,
    () => `any where ${type()} and ${leaf()}`,
    () => `any where (${type()} and ${leaf()}) or (event.category == "${random.pick(CATEGORIES)}" and ${leaf()})`,
    () => `any where (${type()} and ${leaf()}) or (${type()} and ${leaf()}) or (user.name != null and ${leaf()})`,
  ])();
}

function guardedEvent(random: Random): string {
  const category = random.pick([...CATEGORIES.slice(0, 4), "other"]);
  const type = random.pick([...KINDS, [...KINDS].slice(0, 2), "other"]);
  return JSON.stringify({ ...JSON.parse(textEvent(random)), "event.category": category, "event.type": type });
}

/** A text that rules may look for, or that comes near to it. */
function valueText(random: Random): string {
  const parts = Array.from({ length: 1 + random.below(3) }, () => {
    const text = word(random);
    return random.pick([
      () => text,
      () => text.toUpperCase(),
      () => text.toLowerCase(),
      () => [...text].slice(1).join(""),
      () => [...text].slice(0, -1).join(""),
      () => "a".repeat(random.below(70)),
      () => "",
    ])();
  });
  return parts.join(random.pick(["", "", " ", "x"]));
}

function textEvent(random: Random): string {
  const fields = Array.from({ length: 1 + random.below(4) }, () => {
    const value = random.chance(0.2) ? [valueText(random), valueText(random)] : valueText(random);
    return [anyField(random), value] as const;
  });
  return JSON.stringify(Object.fromEntries(fields));
}

async function agree(
  rules: readonly AnalysedRule[],
  options: CompileOptions,
  lines: readonly string[],
): Promise<number> {
  const bytes = Buffer.from(`${lines.join("\n")}\n`);
  const profile = profileOf(rules, options, lines);
  const found = async (how: Pick<CompileOptions, "narrow" | "profile">): Promise<Found> =>
    runLines((await lowerForTest(rules, { ...options, ...how })).pack, bytes);
  const all = await found({ narrow: false, profile: null });
  const tried: number[] = [];
  for (const own of [null, profile, reversed(profile)]) {
    const narrow = await found({ narrow: true, profile: own });
    for (const [number, expected] of all.byRule.entries()) {
      assert.equal(narrow.byRule[number], expected, rules[number]?.rule.query ?? "a rule");
      assert.equal(narrow.keysByRule[number], all.keysByRule[number], rules[number]?.rule.query ?? "a rule");
    }
    assert.ok(narrow.counters.evaluated < all.counters.evaluated, "the index leaves nothing out");
    tried.push(narrow.counters.evaluated);
  }
  const [builtIn = 0, steered = 0, misled = 0] = tried;
  // Shares of events say little of what is asked together, so a true profile may be a little worse.
  assert.ok(steered < builtIn * 1.02 && builtIn < misled, `tried ${tried.join(", ")}: the profiles do not steer`);
  return all.byRule.reduce((sum, found) => sum + found.length, 0);
}

test(`loses nothing in ${PAIRS} random pairs`, async () => {
  let matches = 0;
  let literals = 0;
  let filters = 0;
  let buckets = 0;
  let pairs = 0;
  for (let round = 0; pairs < PAIRS; round++) {
    const random = createRandom(SEED * 1_000_003 + round);
    const queries = Array.from({ length: RULES }, (_, number) =>
      number < LISTS ? listQuery(random) : number % 2 === 0 ? textQuery(random) : generateQuery(random, TEST_SCHEMA),
    );
    const { rules } = analyseRules(
      queries.map((query, number) => ruleOf(`r${number}`, query)),
      OPTIONS,
    );
    const lines = Array.from({ length: EVENTS }, (_, number) =>
      // An event that comes again is answered from what is kept of the first.
      number % 2 === 0 ? textEvent(random) : generateEventLine(random, TEST_SCHEMA),
    ).flatMap((line) => (random.chance(0.2) ? [line, line] : [line]));
    matches += await agree(rules, OPTIONS, lines);
    for (const postings of planRules(rules, OPTIONS).index?.literals ?? []) {
      literals += postings.byText.size;
      if (addLiteralTables(postings, null, 0, createDataSection(0)).buckets === 0) filters++;
      else buckets++;
    }
    pairs += rules.length * lines.length;
  }
  assert.ok(matches > pairs / 1000, `only ${matches} matches`);
  assert.ok(literals > pairs / 10_000, `only ${literals} literals`);
  assert.ok(filters > 0 && buckets > filters, `${filters} fields with a filter, ${buckets} with buckets`);
});

test("loses no value that is longer than a gram only when it is folded", async () => {
  const words = ["\u2c65a", "b\u2c66", "zqx1w", "zqx2w", "zqx3w"];
  const { rules } = analyseRules(
    words.map((text, number) => ruleOf(`r${number}`, `any where ${LARGE_FIELD} : "*${text}*"`)),
    OPTIONS,
  );
  assert.is(planRules(rules, OPTIONS).index?.literals.length, 1);
  const values = ["\u023aa", "\u023aA", ["\u023aa", "some longer text"], "B\u023e", "\u023a", "aa"];
  const lines = values.map((value) => `{"${LARGE_FIELD}":${JSON.stringify(value)}}\n`);
  const { pack } = await lowerForTest(rules, OPTIONS);
  assert.equal(runLines(pack, Buffer.from(lines.join(""))).byRule.slice(0, 2), [[[0], [1], [2]], [[3]]]);
});

test("loses nothing where guards say what is looked for", async () => {
  let matches = 0;
  let pairs = 0;
  // Texts that are looked for only where an event has one of some guards, and rules that are woken by one operand or another.
  let spared = 0;
  let split = 0;
  for (let round = 0; pairs < PAIRS; round++) {
    const random = createRandom(SEED * 2_000_003 + round);
    const queries = Array.from({ length: RULES }, () => guardedQuery(random));
    const { rules } = analyseRules(
      queries.map((query, number) => ruleOf(`r${number}`, query)),
      OPTIONS,
    );
    const lines = Array.from({ length: EVENTS }, () => guardedEvent(random));
    matches += await agree(rules, OPTIONS, lines);
    const index = planRules(rules, OPTIONS).index;
    for (const { anyOf } of [...(index?.sets ?? []), ...(index?.literals ?? [])]) spared += anyOf === 0n ? 0 : 1;
    for (const { byText } of index?.literals ?? []) {
      for (const { predicate, guards } of [...byText.values()].flat())
        split += guards === index?.masks[predicate] ? 0 : 1;
    }
    pairs += rules.length * lines.length;
  }
  assert.ok(matches > pairs / 1000, `only ${matches} matches`);
  assert.ok(spared > pairs / 50_000, `only ${spared} fields are spared`);
  assert.ok(split > pairs / 10_000, `only ${split} postings need more than their predicate does`);
});

const CORPORA = join(repositoryRoot(), "../shared/corpora");
const PACKS = LONG
  ? ["elastic-detection-rules.json", "elastic-protections-artifacts.json", "sigma-eql.json"]
  : ["sigma-eql.json"];
const RECORDINGS = ["evtx-samples-ecs.ndjson.gz", "linux-sysflow-ecs.ndjson.gz", "sigma-regression-ecs.ndjson"];
const STEP = LONG ? 5 : 40;

test("loses nothing of the rules that ship, in the story and the recordings of the examples", async () => {
  const root = repositoryRoot();
  const { rules } = analyseRules(collectRules([join(root, "rules")]).rules, { ...DEFAULT_OPTIONS, optimize: false });
  const files = readdirSync(join(root, "examples"), { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ndjson"),
  );
  const lines = files.sort().flatMap((file) =>
    readFileSync(join(root, "examples", file), "utf8")
      .trim()
      .split("\n"),
  );
  assert.ok((await agree(rules, { ...DEFAULT_OPTIONS, optimize: false }, lines)) > 10, "little matches");
});

for (const name of PACKS) {
  test(`loses nothing of ${name}`, async () => {
    const path = join(CORPORA, "rules", name);
    if (!existsSync(path)) return console.log(`${name} is not here: skipped`);
    const options = { ...DEFAULT_OPTIONS, unknownFields: "warn" as const, optimize: false };
    const { rules } = analyseRules(collectRules([path]).rules, options);
    const folder = join(CORPORA, "events/otrf-windows-ecs");
    const files = [
      ...RECORDINGS.map((file) => join(CORPORA, "events", file)),
      ...readdirSync(folder)
        .slice(0, 3)
        .map((file) => join(folder, file)),
    ];
    const lines = files.flatMap((file) => {
      const read = readFileSync(file);
      const all = (file.endsWith(".gz") ? gunzipSync(read) : read).toString("utf8").split("\n");
      return all.filter((line, number) => line !== "" && (all.length < 1_000 || number % STEP === 0));
    });
    assert.ok((await agree(rules, options, lines)) > 0, "nothing matches");
  });
}

test.run();

// Texts against patterns and functions of text where implementations go wrong: lengths around the 16 bytes of a block, one
// character of many bytes beside one of few, letters whose folding changes their length in UTF-8, surrogate pairs cut in two,
// addresses at the edges of ranges. Each pair of a condition and a text must be the same in the reference and in Wasm.
// `KESTREL_PAIRS=n` sets how many pairs are tried (20,000 when absent, 40,000 in the long form), `KESTREL_SEED=n` starts elsewhere.

import { analyseRules as analyse, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { quoteText } from "./generate/query.js";
import { createRandom, type Random } from "./generate/random.js";
import { TEST_SCHEMA } from "./generate/schema.js";
import { matches, readEvents } from "./reference/interpret.js";
import { compileForTest, ruleOf, runLines } from "./support/run-pack.js";
import { sizeOf } from "./support/sizes.js";

const PAIRS = sizeOf("KESTREL_PAIRS", 20_000, 40_000);
const SEED = Number(process.env.KESTREL_SEED ?? 1);
const REFERENCE = { schema: TEST_SCHEMA };
const CONDITIONS = 60;
const TEXTS = 60;

const matcher = suite("matcher");

// K and its sign, s and its long form, letters that fold from two bytes to three and back, letters that do not fold at all,
// letters and signs of four bytes, and what patterns give a meaning to.
const SMALL = ["a", "b"];
const LETTERS =
  "a b A B k K \u212a s S \u017f \u023a \u2c65 \u023e \u2c66 \u0130 \u0131 i I \u1e9e \u00df \u00e9 \u00c9".split(" ");
const WIDE = ["\u{1f600}", "\u{10400}", "\u{10428}", "\u{1e900}", "\uffff", "\ufffd", "\u0000", "\n", "."];
const LENGTHS = [0, 1, 2, 3, 7, 8, 14, 15, 16, 17, 18, 30, 31, 32, 33, 34, 47, 48, 49, 63, 64, 65];

function randomText(random: Random): string {
  const alphabet = random.weighted([
    [3, SMALL],
    [3, LETTERS],
    [2, [...SMALL, ...LETTERS, ...WIDE]],
  ]);
  const length = random.chance(0.7) ? random.pick(LENGTHS) : random.below(12);
  // Long runs of one letter make the matcher try many places.
  if (random.chance(0.2)) return random.pick(alphabet).repeat(length) + random.pick(alphabet);
  return Array.from({ length }, () => random.pick(alphabet)).join("");
}

/** A piece of one of the texts, often one that stands at an end, sometimes with a letter changed. */
function randomPiece(random: Random, text: string): string {
  const letters = Array.from(text);
  const length = random.chance(0.6) ? Math.min(letters.length, random.pick(LENGTHS)) : random.below(letters.length + 1);
  const last = letters.length - length;
  const from = random.weighted<number>([
    [1, 0],
    [1, last],
    [1, random.below(last + 1)],
  ]);
  const piece = letters.slice(from, from + length);
  if (random.chance(0.15) && piece.length > 0) piece[random.below(piece.length)] = random.pick([...LETTERS, ...WIDE]);
  const joined = piece.join("");
  return random.chance(0.2) ? joined.toUpperCase() : joined;
}

function randomWildcard(random: Random, text: string): string {
  const piece = (): string => {
    const raw = Array.from(randomPiece(random, text));
    return raw.map((letter) => (random.chance(0.1) ? "?" : letter)).join("");
  };
  return random.weighted<() => string>([
    [2, () => `*${piece()}*`],
    [2, () => `${piece()}*`],
    [2, () => `*${piece()}`],
    [2, piece],
    [2, () => `${piece()}*${piece()}`],
    [2, () => `*${piece()}*${piece()}*${piece()}`],
    [1, () => `?${piece()}*?`],
    [1, () => `*${"?".repeat(random.below(4))}*${piece()}?`],
  ])();
}

/**
 * Patterns of which many can only be followed state set by state set, because their tables would be too large. None may have
 * many ways to match one text: the reference tries them all.
 */
function randomRegex(random: Random, text: string): string {
  const escaped = (literal: string): string => literal.replace(/[.?+*|{}[\]()"\\^$#@&<>~-]/g, "\\$&");
  const piece = (): string => escaped(randomPiece(random, text));
  const letter = (): string => escaped(random.pick([...SMALL, ...LETTERS]));
  return random.weighted<() => string>([
    [2, () => `.*${letter()}.{${10 + random.below(8)}}`],
    [2, () => `(a|b)*${letter()}(a|b){${8 + random.below(8)}}${random.pick(["", "é?", ".*"])}`],
    [1, () => `[${letter()}${letter()}]*${letter()}[^${letter()}]{12}.*`],
    [1, () => `.*${piece()}.*`],
    [1, () => `(${piece()}|${piece()}){1,3}`],
    [1, () => `[${letter()}-\u2c66]{${random.below(20)},}`],
  ])();
}

function randomCondition(random: Random, texts: readonly string[]): string {
  const text = random.pick(texts);
  const piece = (): string => quoteText(randomPiece(random, text));
  const tilde = (): string => random.pick(["", "~"]);
  const units = (): number => random.below(text.length + 4) - 2;
  const list = (make: () => string): string => Array.from({ length: 1 + random.below(4) }, make).join(", ");
  const wildcard = (): string => quoteText(randomWildcard(random, random.pick(texts)));
  // Long enough for those with a character beyond ASCII to be guarded together.
  const long = (): string => Array.from({ length: 12 + random.below(20) }, wildcard).join(", ");
  const name = "process.name";
  return random.weighted<() => string>([
    [6, () => `${name} ${random.pick([":", "like", "like~"])} (${list(wildcard)})`],
    [2, () => `${name} ${random.pick([":", "like", "like~"])} (${long()})`],
    [3, () => `${name} regex${tilde()} ${quoteText(randomRegex(random, text))}`],
    [2, () => `${name} in${tilde()} (${list(() => quoteText(random.pick(texts)))}, ${piece()})`],
    [2, () => `${name} ${random.pick(["==", "<", "<=", ">"])} ${quoteText(text)}`],
    [1, () => `${name} == user.name`],
    [3, () => `${random.pick(["startsWith", "endsWith", "stringContains"])}${tilde()}(${name}, ${piece()})`],
    [2, () => `${random.pick(["startsWith", "endsWith", "stringContains"])}${tilde()}(${name}, user.name)`],
    [1, () => `stringContains${tilde()}(${name}, substring(user.name, ${units()}, ${units()}))`],
    [2, () => `indexOf${tilde()}(${name}, ${piece()}, ${units()}) == ${units()}`],
    [1, () => `indexOf${tilde()}(${name}, ${piece()}) ${random.pick(["<", ">"])} ${units()}`],
    [3, () => substringCondition(text, units(), random.chance(0.7) ? units() : null)],
    [1, () => `length(${name}) == ${text.length}`],
    [1, () => `length(substring(${name}, ${units()}, ${units()})) == ${random.below(4)}`],
    [3, () => betweenCondition(random, text, tilde())],
    [1, () => `concat(${name}, user.name) : ${wildcard()}`],
    [1, () => `substring(${name}, ${units()}) like${tilde()} ${wildcard()}`],
  ])();
}

/** Compares with what the text gives, so that the condition holds for it at least. */
function substringCondition(text: string, from: number, to: number | null): string {
  const cut = text.slice(from, to ?? undefined).replace(/\p{Surrogate}/gu, "\ufffd");
  return `substring(process.name, ${from}${to === null ? "" : `, ${to}`}) == ${quoteText(cut)}`;
}

function betweenCondition(random: Random, text: string, tilde: string): string {
  const [left, right] = [randomPiece(random, text).slice(0, 20), randomPiece(random, text).slice(-3)].map(whole);
  const greedy = random.chance(0.5);
  const start = text.indexOf(left ?? "") + (left ?? "").length;
  const end = greedy ? text.lastIndexOf(right ?? "") : text.indexOf(right ?? "", start);
  const found = end < start ? "" : whole(text.slice(start, end));
  return `between${tilde}(process.name, ${quoteText(left ?? "")}, ${quoteText(right ?? "")}, ${greedy}) == ${quoteText(found)}`;
}

function whole(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "");
}

/** The text as JSON; with an escape in it, it is matched in the arena, behind which stands what was there before. */
function quoteJson(random: Random, text: string): string {
  const plain = JSON.stringify(text);
  const [first = ""] = Array.from(text);
  if (first === "" || random.chance(0.5) || !/^"[a-zA-Z]/.test(plain)) return plain;
  return `"\\u${first.charCodeAt(0).toString(16).padStart(4, "0")}${plain.slice(2)}`;
}

matcher(`texts meet patterns (${PAIRS} pairs)`, async () => {
  let pairs = 0;
  let matched = 0;
  for (let round = 0; pairs < PAIRS; round++) {
    const seed = SEED * 17_000_003 + round;
    const random = createRandom(seed);
    const texts = Array.from({ length: TEXTS }, () => randomText(random));
    // The value stands at the very end of its line, or has what the next value begins with behind it.
    const lines = texts.map((text) =>
      random.chance(0.5)
        ? `{"user.name":${quoteJson(random, random.pick(texts))},"process.name":${quoteJson(random, text)}}`
        : `{"process.name":${quoteJson(random, text)},"user.name":${quoteJson(random, random.pick(texts))}}`,
    );
    const conditions = Array.from({ length: CONDITIONS }, () => randomCondition(random, texts));
    pairs += await compare(seed, conditions, lines, (count) => (matched += count));
  }
  assert.ok(matched > pairs / 30, `only ${matched} of ${pairs} pairs match`);
});

matcher("a character beyond ASCII is seen wherever it stands", async () => {
  const patterns = [..."äöüáéíóúß"].map((letter) => `"*${letter}*"`);
  const values = Array.from({ length: 40 }, (_, length) => "a".repeat(length)).flatMap((text) => [text, `${text}é`]);
  const lines = values.map((value) => `{"process.name":"${value}","user.name":"é"}`);
  for (const operator of [":", "like", "like~"]) {
    let matched = 0;
    await compare(0, [`process.name ${operator} (${patterns.join(", ")})`], lines, (count) => (matched += count));
    assert.is(matched, values.length / 2);
  }
});

// The signs for kelvin and the long s are folded to letters of ASCII, and are longer than these.
matcher("what is folded to a wildcard meets it, wherever it stands in the text", async () => {
  const wildcards = "kiss* ?kiss* ??kiss *kiss *kiss? *kiss* *ki*ss* kiss*ask ?*kiss *ï*kiss* ki{s* *ki{s*".split(" ");
  const long = `kiss${"-abcdefghijklmno".repeat(2)}kiss`;
  const lists = ["kiss*", "?kiss*", "*kiss", "*kiss*"].map((wildcard) => wildcard.replace("kiss", long));
  const spelled = "kiss KISS \u212aiss ki\u017fs \u212aI\u017fS kisz ki ïkiss kissï ki[ss ki{ss".split(" ");
  const around = ["", "a", "é", "[", "abcdefghijklmnopqrst", "abcdefghijklmnopqrsé", "éabcdefghijklmnopqrst"];
  const pieces = [
    ...spelled,
    ...spelled.flatMap((piece) => [long.replace(/^kiss/, piece), long.replace(/kiss$/, piece)]),
  ];
  const values = around.flatMap((front) => pieces.flatMap((piece) => around.map((back) => front + piece + back)));
  const lines = values.map((value) => `{"process.name":"${value}"}`);
  const conditions = [...wildcards, ...lists].map((wildcard) => `process.name : "${wildcard}"`);
  const several = [`process.name : ("kiss*", "?kiss*", "*kiss")`, `process.name : ("zz*", "*kiss*", "??kiss*")`];
  let matched = 0;
  for (const condition of [...conditions, ...several]) {
    await compare(0, [condition], lines, (count) => (matched += count));
    // Alone, and where no literal wakes it, so that nothing has folded the text before.
    await compare(0, [`not ${condition}`], lines, (count) => (matched += count));
  }
  assert.is(matched, (conditions.length + several.length) * lines.length);
});

matcher("a text that is nearly there again and again is found behind that", async () => {
  const needle = `${"a".repeat(30)}ba`;
  const values = [0, 1, 40, 200, 600].flatMap((count) => ["a".repeat(count), "a".repeat(count) + needle]);
  const lines = values.map((value) => `{"process.name":"${value}"}`);
  const conditions = ["", "not "].map((not) => `${not}process.name : "*${needle}*"`);
  let matched = 0;
  await compare(0, conditions, lines, (count) => (matched += count));
  assert.is(matched, lines.length);
});

async function compare(
  seed: number,
  conditions: readonly string[],
  lines: readonly string[],
  onMatched: (count: number) => void,
): Promise<number> {
  const rules = conditions.map((condition, index) => ruleOf(`q${index}`, `any where ${condition}`));
  const under = await compileForTest(rules, { ...DEFAULT_OPTIONS, schema: TEST_SCHEMA });
  const errors = under.diagnostics.filter((diagnostic) => diagnostic.severity === "error");
  assert.is(errors.map((error) => error.message).join("\n"), "", `seed ${seed}`);
  const events = readEvents(lines, REFERENCE);
  const found = runLines(under.pack, Buffer.from(`${lines.join("\n")}\n`));
  for (const [index, { rule, query }] of under.rules.entries()) {
    if (query.body.kind !== "event") continue;
    const got = new Set(found.byRule[index]?.map(([ordinal]) => ordinal));
    onMatched(got.size);
    for (const event of events) {
      const expected = matches(query.body, event, REFERENCE);
      if (expected === got.has(event.ordinal)) continue;
      assert.unreachable(`seed ${seed}\n${rule.query}\n${event.line}\nreference: ${expected}, Wasm: ${!expected}`);
    }
  }
  return under.rules.length * events.length;
}

function randomAddress(random: Random): string {
  const group = (): string => random.pick(["0", "1", "00ab", "ABCD", "ffff", "fe80", "8000", "7fff", "00000", "g", ""]);
  const four = (): string =>
    Array.from({ length: 4 }, () => random.pick(["0", "1", "10", "127", "128", "255", "192"])).join(".");
  const groups = (count: number): string => Array.from({ length: count }, group).join(":");
  return random.weighted<() => string>([
    [6, four],
    [
      1,
      () =>
        random.pick([
          "256.0.0.1",
          "1.2.3",
          "1.2.3.4.5",
          "01.2.3.4",
          "1.2.3.4 ",
          " 1.2.3.4",
          "1..2.3",
          "",
          ".",
          "1.2.3.0004",
        ]),
    ],
    [3, () => groups(8)],
    [3, () => `${groups(random.below(5))}::${groups(random.below(5))}`],
    [1, () => `${groups(random.below(8))}::`],
    [1, () => `::${groups(random.below(8))}`],
    [1, () => `${groups(6)}:${four()}`],
    [1, () => `${groups(random.below(3))}::${random.pick(["", "ffff:", "0:"])}${four()}`],
    [
      1,
      () =>
        random.pick(["::", ":::", ":", "1:", ":1", "::1::", "1::2::3", "fe80::1%eth0", "::1.2.3", "1:2:3:4:5:6:7::8"]),
    ],
  ])();
}

/** An address of the range or beside it: the same prefix, perhaps with the bit behind it or the last of it flipped. */
function nearby(random: Random, range: string): string {
  const [address = "", length = "0"] = range.split("/");
  if (address.includes(":")) return random.chance(0.5) ? address : randomAddress(random);
  const value = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const flipped =
    (value ^ (random.chance(0.7) ? 2 ** Math.max(0, 31 - Math.min(31, Number(length) - random.below(2))) : 0)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (flipped >>> shift) & 255).join(".");
}

matcher("addresses meet ranges", async () => {
  let matched = 0;
  for (let round = 0; round < Math.ceil(PAIRS / 20_000); round++) {
    const seed = SEED * 19_000_003 + round;
    const random = createRandom(seed);
    const ranges: string[] = [];
    while (ranges.length < 60) {
      const address = randomAddress(random);
      const bits = address.includes(":") ? 128 : 32;
      const length = random.pick([0, 1, 7, 8, 9, 15, 16, 17, 23, 31, 32, 33, 63, 64, 65, 96, 127, 128]);
      const range = `${address}/${Math.min(bits, length)}`;
      if (isRange(range)) ranges.push(range);
    }
    const texts = Array.from({ length: 100 }, () =>
      random.chance(0.5) ? nearby(random, random.pick(ranges)) : randomAddress(random),
    );
    const lines = texts.map(
      (text) =>
        `{"source.ip":${JSON.stringify(text)},"destination.ip":${JSON.stringify(random.pick(texts))},"user.name":${JSON.stringify(text)}}`,
    );
    const some = (): string =>
      Array.from({ length: 1 + random.below(5) }, () => quoteText(random.pick(ranges))).join(", ");
    const single = (): string => quoteText(random.pick(texts.filter((text) => isRange(`${text}/1`))));
    const conditions = Array.from({ length: 100 }, () =>
      random.weighted<() => string>([
        [3, () => `cidrMatch(source.ip, ${some()})`],
        [1, () => `cidrMatch(user.name, ${some()})`],
        [1, () => `source.ip == ${quoteText(random.pick(ranges))}`],
        [1, () => `source.ip == ${single()}`],
        [1, () => `source.ip in (${single()}, ${single()})`],
        [1, () => `source.ip : (${some()}, ${single()})`],
        [1, () => "source.ip == destination.ip"],
      ])(),
    );
    await compare(seed, conditions, lines, (count) => (matched += count));
  }
  assert.ok(matched > 0);
});

function isRange(text: string): boolean {
  const query = `cidrMatch(source.ip, ${quoteText(text)})`;
  return analysable(query);
}

function analysable(condition: string): boolean {
  return (
    analyse([ruleOf("q", `any where ${condition}`)], { ...DEFAULT_OPTIONS, schema: TEST_SCHEMA }).rules.length === 1
  );
}

matcher.run();

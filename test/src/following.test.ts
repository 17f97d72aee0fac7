// What the decoder remembers from event to event (stdlib/prelude/follow.ts), and what is kept with it, never changes a result: a stream of
// lines that repeat themselves, nearly repeat themselves, or never do, judged by one instance, against each line alone, judged by an
// instance that has seen no other. The same with counters that are spent after some events, in batches of every size.
// `KESTREL_SEED=n` starts elsewhere.

import { analyseRules, compilePack, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import type { Package } from "@kestrel/runtime/load/load-package";
import { GENERATION_LIMIT, MEMBER_COUNT, VERSION_LIMIT } from "@kestrel/stdlib/abi";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { generateEventLine } from "./generate/event.js";
import { mutate } from "./generate/mutation.js";
import { generateCondition } from "./generate/query.js";
import { createRandom, type Random } from "./generate/random.js";
import { TEST_SCHEMA } from "./generate/schema.js";
import { loadForTest, ruleOf, runLines } from "./support/run-pack.js";
import { sizeOf } from "./support/sizes.js";

const SEED = Number(process.env.KESTREL_SEED ?? 1);
const RULES = 80;
const LINES = 150;
const DRAWS = sizeOf("KESTREL_FOLLOWED", 3_000, 15_000);

const following = suite("following");

const options = { ...DEFAULT_OPTIONS, schema: TEST_SCHEMA };

function rulesOf(random: Random): ReturnType<typeof compilePack> {
  const queries = Array.from({ length: RULES }, () => `any where ${generateCondition(random, TEST_SCHEMA)}`);
  const { rules } = analyseRules(
    queries.map((query, at) => ruleOf(`rule ${at}`, query)),
    options,
  );
  assert.ok(rules.length > RULES / 2, `${rules.length} rules`);
  return compilePack(rules, options);
}

/** The pack with another constant in the code of its module; both are written with five bytes. */
async function withConstant(compiled: ReturnType<typeof compilePack>, from: number, to: number): Promise<Package> {
  const old = constantOf(from);
  const binary = Buffer.from(compiled.lowered.binary);
  let found = 0;
  for (let at = binary.indexOf(old); at >= 0; at = binary.indexOf(old, at + 1)) {
    constantOf(to).copy(binary, at);
    found++;
  }
  assert.ok(found > 0, `the module has no constant ${from}`);
  return loadForTest({ ...compiled, lowered: { ...compiled.lowered, binary } }, options);
}

/** `i32.const` with a positive value in five bytes of LEB128. */
function constantOf(value: number): Buffer {
  const bytes = [0x41];
  for (let shift = 0; shift < 28; shift += 7) bytes.push(((value >>> shift) & 0x7f) | 0x80);
  return Buffer.from([...bytes, (value >>> 28) & 0x7f]);
}

/** The rules that each of the lines matches, and how many are broken. */
function judge(
  pack: Package,
  lines: readonly Buffer[],
  chunk: number,
): { readonly found: readonly string[]; readonly broken: number } {
  const found = lines.map((): number[] => []);
  const { byRule, counters } = runLines(pack, Buffer.concat(lines.flatMap((line) => [line, FEED])), {}, chunk);
  for (const [rule, detections] of byRule.entries()) for (const [line] of detections) found[line ?? -1]?.push(rule);
  return { found: found.map((rules) => rules.join(" ")), broken: counters.broken };
}

const FEED = Buffer.from("\n");

/** Lines of which some repeat others but for a value, a blank, or a byte. */
function variedLines(random: Random): readonly Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < LINES; at++) {
    const other = random.chance(0.5) ? lines.at(random.below(lines.length || 1)) : undefined;
    if (other === undefined) lines.push(Buffer.from(generateEventLine(random, TEST_SCHEMA, { density: 0.4 })));
    else if (random.chance(0.3)) lines.push(mutate(random, other));
    else lines.push(Buffer.from(varied(random, other.toString("latin1")), "latin1"));
  }
  return lines.filter((line) => !line.includes(10));
}

function varied(random: Random, line: string): string {
  const places = [...line.matchAll(/[:,]/g)].map(({ index }) => index + 1);
  if (places.length === 0) return line;
  const place = random.pick(places);
  return random.pick([
    `${line.slice(0, place)} ${line.slice(place)}`,
    line.replace(/\d+/, (digits) => `${digits}1`),
    line.replace(/"([^"\\]+)"/g, (whole, text: string) => (random.chance(0.1) ? `"${text}x"` : whole)),
    `${line.slice(0, -1)},${line.slice(1)}`,
  ]);
}

/** Draws with runs of the same and of a few, as a source has them, and then none. */
function drawn(random: Random, lines: readonly Buffer[], count: number): readonly Buffer[] {
  const stream: Buffer[] = [];
  while (stream.length < count) {
    const few = Array.from({ length: 1 + random.below(4) }, () => random.pick(lines));
    for (let left = random.below(60); left > 0; left--) stream.push(random.pick(few));
    for (let left = random.below(20); left > 0; left--) stream.push(random.pick(lines));
  }
  return stream;
}

const compiled = rulesOf(createRandom(SEED));
const plain = await loadForTest(compiled, options);
const random = createRandom(SEED + 1);
const lines = variedLines(random);
const alone = new Map(
  lines.map((line) => {
    const { found, broken } = judge(plain, [line], 1 << 20);
    return [line, { found: found[0] ?? "", broken }];
  }),
);

function assertSame(pack: Package, stream: readonly Buffer[], chunk: number, what: string): void {
  const { found, broken } = judge(pack, stream, chunk);
  for (const [at, line] of stream.entries()) {
    const wanted = alone.get(line)?.found;
    if (found[at] === wanted) continue;
    const before = stream.slice(Math.max(0, at - 3), at + 1).map((shown) => shown.toString("utf8"));
    assert.unreachable(`${what}, line ${at}: found ${found[at]}, alone ${wanted}\n${before.join("\n")}`);
  }
  assert.is(
    broken,
    stream.reduce((sum, line) => sum + (alone.get(line)?.broken ?? 0), 0),
    what,
  );
}

following("lines of which some are found, some are not, and some are broken", () => {
  const results = [...alone.values()];
  assert.ok(results.some(({ broken }) => broken === 1) && results.some(({ found }) => found === ""));
  assert.ok(new Set(results.map(({ found }) => found)).size > 20);
});

following("a stream that repeats itself is judged as each of its lines alone", () => {
  const stream = drawn(random, lines, DRAWS);
  for (const chunk of [1 << 20, 20_000, 1]) assertSame(plain, stream, chunk, `batches of ${chunk} bytes`);
});

following("a spent counter of versions, or of events, changes nothing", async () => {
  const stream = drawn(random, lines, DRAWS / 3);
  for (const limit of [1, 40, 1_000]) {
    assertSame(await withConstant(compiled, VERSION_LIMIT, limit), stream, 50_000, `versions to ${limit}`);
  }
  for (const limit of [2, 29]) {
    assertSame(await withConstant(compiled, GENERATION_LIMIT, limit), stream, 50_000, `generations to ${limit}`);
  }
});

following("more keys than are remembered, and keys and values that never come again", () => {
  // Each line twice: with what no rule reads behind it, and as it is.
  let number = 0;
  const strange = (): string => {
    const keys = Array.from({ length: 9 }, () => `"strange ${number++}":${random.pick(["1", '"x"', "{}", "[[1]]"])}`);
    return keys.join(",");
  };
  const stream = drawn(random, lines, MEMBER_COUNT).flatMap((line) => {
    const judged = alone.get(line);
    if (judged === undefined || judged.broken === 1 || line.length < 3) return [line];
    const longer = Buffer.concat([Buffer.from(`{${strange()},`), line.subarray(line.indexOf(0x7b) + 1)]);
    alone.set(longer, judged);
    return [longer, line];
  });
  assert.ok(number > 3 * MEMBER_COUNT, `${number} keys`);
  for (const chunk of [1 << 20, 5_000]) assertSame(plain, stream, chunk, `batches of ${chunk} bytes`);
});

/** An object in which the names of fields lead to objects and to other values, now and then twice, with blanks, or broken. */
function strayObject(random: Random, depth: number): string {
  const blank = (): string => (random.chance(0.04) ? random.pick([" ", "\t", "  "]) : "");
  const value = (): string =>
    depth < 4 && random.chance(0.6)
      ? strayObject(random, depth + 1)
      : random.pick([
          '"a"',
          '"b"',
          "1",
          "2",
          "null",
          "{}",
          "[]",
          '["a",{"name":"b"}]',
          '"\\u0061"',
          random.chance(0.05) ? "{" : '"a"',
        ]);
  const members = Array.from(
    { length: random.below(depth === 0 ? 8 : 4) },
    () =>
      `${blank()}"${random.pick(depth === 0 ? ["process", "user", "process.name", "process.parent"] : ["name", "pid", "parent"])}"${blank()}:${blank()}${value()}${blank()}`,
  );
  return `{${members.join(",")}${blank()}}`;
}

following("members whose value is an object, and then another or none", async () => {
  const fields = ["process.name", "process.parent.name", "user.name"];
  const queries = [
    ...fields.flatMap((field) => [`${field} == "a"`, `${field} == "b"`, `${field} == null`]),
    ...["process.pid", "process.parent.pid"].flatMap((field) => [`${field} == 1`, `${field} > 1`]),
  ];
  const { rules } = analyseRules(
    queries.map((query, at) => ruleOf(`rule ${at}`, `any where ${query}`)),
    options,
  );
  assert.is(rules.length, queries.length);
  const pack = await loadForTest(compilePack(rules, options), options);
  const stray = Array.from({ length: 300 }, () => Buffer.from(strayObject(random, 0)));
  for (const line of stray) {
    const { found, broken } = judge(pack, [line], 1 << 20);
    alone.set(line, { found: found[0] ?? "", broken });
  }
  const results = new Set(stray.map((line) => alone.get(line)?.found));
  assert.ok(results.size > 20, `only ${results.size} results`);
  for (const chunk of [1 << 20, 500]) {
    assertSame(pack, drawn(random, stray, DRAWS * 4), chunk, `batches of ${chunk} bytes`);
  }
});

following.run();

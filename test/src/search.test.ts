// The searches of the prelude: what they find, where they read and how often, whatever stands in the two texts.
//
// prelude/search.ts is compiled with a call before each load, so that its work is a number that no machine changes.

import { type CompileOptions, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { BLOCK_BYTES } from "@kestrel/stdlib/abi";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom, type Random } from "./generate/random.js";
import { assemble } from "./support/fake-pack.js";
import { compileForTest, ruleOf, runLines } from "./support/run-pack.js";
import { sizeOf } from "./support/sizes.js";

const test = suite("search");

/** The part of the WebAssembly API that is needed here; the library for Node does not type it. */
interface WasmApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
}

type Search = (hay: number, hayLength: number, needle: number, needleLength: number, from: number) => number;

interface Range {
  readonly start: number;
  readonly end: number;
}

interface Found {
  readonly first: number;
  readonly last: number;
  /** Loads of the search for the first place, and for the last. */
  readonly loads: readonly [first: number, last: number];
}

/** The file that is compiled, as its importer names it. */
const SEARCH = "./stdlib/prelude/search";
const HAY = 1 << 16;
const NEEDLE = HAY * 2;

const find = await countedSearches();

async function countedSearches(): Promise<(hay: string, needle: string, from: number) => Found> {
  const source = `export { indexOfBytes, lastIndexOfBytes } from "${SEARCH}";`;
  const bytes = await assemble(source, ["-O3", "--enable", "simd", "--runPasses", "instrument-memory"]);
  let ranges: readonly Range[] = [];
  let loads = 0;
  const load_ptr = (_: number, size: number, offset: number, address: number): number => {
    const at = address + offset;
    const isInside = ranges.some(({ start, end }) => at >= start && at + size <= end + BLOCK_BYTES);
    if (!isInside) throw new Error(`${size} bytes at ${at} lie outside of ${JSON.stringify(ranges)}`);
    loads++;
    return address;
  };
  const same = (_: number, value: unknown): unknown => value;
  const env = new Proxy({ load_ptr }, { get: (own, name) => (name === "load_ptr" ? own.load_ptr : same) });
  const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WasmApi }).WebAssembly;
  const { exports } = new Instance(new Module(bytes), { env });
  const { memory, indexOfBytes, lastIndexOfBytes } = exports as {
    readonly memory: { readonly buffer: ArrayBuffer };
    readonly indexOfBytes: Search;
    readonly lastIndexOfBytes: Search;
  };
  const inside = new Uint8Array(memory.buffer);
  return (hay, needle, from) => {
    // What stands around the texts continues them, so that a search which goes too far finds more than there is.
    const behind = hay.charCodeAt(hay.length - 1);
    inside.fill(behind, HAY - 64, HAY + hay.length + 64).fill(behind, NEEDLE - 64, NEEDLE + needle.length + 64);
    inside.set(Buffer.from(hay, "latin1"), HAY);
    inside.set(Buffer.from(needle, "latin1"), NEEDLE);
    ranges = [
      { start: HAY, end: HAY + hay.length },
      { start: NEEDLE, end: NEEDLE + needle.length },
    ];
    const counted = (search: Search): [place: number, loads: number] => {
      loads = 0;
      return [search(HAY, hay.length, NEEDLE, needle.length, from), loads];
    };
    const [first, firstLoads] = counted(indexOfBytes);
    const [last, lastLoads] = counted(lastIndexOfBytes);
    return { first, last, loads: [firstLoads, lastLoads] };
  };
}

/** Places and loads as they must be; the loads are those of the invariant of prelude/search.ts. */
function check(hay: string, needle: string, from: number): Found {
  const found = find(hay, needle, from);
  const first = from > hay.length ? -1 : hay.indexOf(needle, from);
  const last = first < 0 ? -1 : hay.lastIndexOf(needle);
  const shown = JSON.stringify({ hay, needle, from }).slice(0, 5_000);
  assert.equal([found.first, found.last], [first, last], shown);
  const passed = (place: number, all: number): number => (place < 0 ? all : place);
  const most = [passed(first - from, hay.length), passed(hay.length - last - needle.length, hay.length)].map(
    (places) => 9 * (places + needle.length) + 14 * needle.length + 100,
  );
  for (const at of [0, 1] as const) {
    assert.ok(found.loads[at] <= (most[at] ?? 0), `${found.loads[at]} loads, ${most[at]}: ${shown}`);
  }
  return found;
}

function fibonacci(length: number): string {
  let [shorter, longer] = ["a", "ab"];
  while (longer.length < length) [shorter, longer] = [longer, longer + shorter];
  return longer.slice(0, length);
}

function draw(random: Random, length: number, letters: string): string {
  return Array.from({ length }, () => letters[random.below(letters.length)]).join("");
}

/** A word that agrees with itself and with others of its kind: of one letter, of a period, of few letters. */
function word(random: Random, length: number): string {
  const period = (): string => draw(random, 1 + random.below(random.pick([3, 20, 70])), "ab");
  return random.pick([
    () => "a".repeat(length),
    () => fibonacci(length),
    () => period().repeat(length).slice(0, length),
    () => draw(random, length, "ab"),
    () => draw(random, length, "abc"),
  ])();
}

/** A piece of the haystack, perhaps with another letter in one place; a word; the whole haystack. */
function needleFor(random: Random, hay: string): string {
  const from = random.below(hay.length + 1);
  const piece = hay.slice(from, from + random.below(hay.length - from + 1));
  const at = random.below(piece.length + 1);
  return random.pick([
    () => piece,
    () => `${piece.slice(0, at)}${random.pick(["a", "b", "c"])}${piece.slice(at + 1)}`,
    () => word(random, random.below(100)),
    () => hay,
  ])();
}

/** Pieces of a needle that has a period, of which nearly every one is broken somewhere: they agree at many places. */
function brokenPieces(random: Random): { readonly hay: string; readonly needle: string } {
  const period = draw(random, 1 + random.below(40), "aab");
  const needle = period.repeat(200).slice(0, 20 + random.below(150));
  const pieces: string[] = [];
  const most = random.pick([1, 3]);
  for (let left = 1 + random.below(20); left > 0; left--) {
    const end = random.chance(0.5) ? random.below(3) : random.below(needle.length);
    const at = random.chance(0.5) ? end : needle.length - 1 - end;
    const more = period.repeat(random.below(most));
    pieces.push(`${needle.slice(0, at)}${random.pick(["a", "b", "c", "c"])}${needle.slice(at + 1)}${more}`);
  }
  return { hay: pieces.join(""), needle };
}

test("both searches find what JavaScript finds, read nothing else, and no more than they may", () => {
  const random = createRandom(9);
  let [hits, misses, patient, impatient] = [0, 0, 0, 0];
  for (let left = sizeOf("KESTREL_SEARCHES", 20_000, 200_000); left > 0; left--) {
    let hay = word(
      random,
      random.below(
        random.weighted([
          [20, 20],
          [70, 200],
          [10, 3_000],
        ]),
      ),
    );
    const needle = needleFor(random, hay);
    if (random.chance(0.3)) {
      const at = random.below(hay.length + 1);
      hay = hay.slice(0, at) + needle + hay.slice(at);
    }
    const from = random.chance(0.7) ? 0 : random.below(hay.length + 2);
    const { first, loads } = check(hay, needle, from);
    if (first < 0) misses++;
    else hits++;
    if (loads[0] > hay.length) impatient++;
    else patient++;
  }
  assert.ok(Math.min(hits, misses, patient, impatient) > 500, `${hits} ${misses} ${patient} ${impatient}`);
});

test("needles with a period are found among nearly the same", () => {
  const random = createRandom(10);
  let [hits, misses] = [0, 0];
  for (let left = sizeOf("KESTREL_SEARCHES", 20_000, 200_000) / 2; left > 0; left--) {
    const { hay, needle } = brokenPieces(random);
    if (check(hay, needle, 0).first < 0) misses++;
    else hits++;
  }
  assert.ok(Math.min(hits, misses) > 500, `${hits} ${misses}`);
});

test("what agrees at every place is searched in linear time", () => {
  const half = 15_000;
  const needles = [16, 17, 31, 32, 33, 48, 100, 1_000, half].flatMap((length) => {
    const [some, few] = ["a".repeat(length >> 1), "a".repeat(length - 2)];
    return [`${some}b${some}`, `a${few}b`, `b${few}a`, `ab${few}a`, `a${few}ba`, `${few}bb`, fibonacci(length)];
  });
  const hays = [
    "a".repeat(2 * half),
    "ab".repeat(half),
    fibonacci(2 * half),
    `${"a".repeat(half)}b${"a".repeat(half)}`,
  ];
  for (const hay of hays) for (const needle of needles) check(hay, needle, 0);
  for (const hay of hays) check(hay, hay, 0);
});

test("no byte before or behind a text takes part", () => {
  for (let length = 1; length <= 70; length++) {
    const hay = "a".repeat(length);
    for (let part = 0; part <= length + 1; part++) {
      for (const needle of ["a".repeat(part), `b${"a".repeat(part)}`, `${"a".repeat(part)}b`]) {
        for (const from of [0, 1, length - 1, length, length + 1]) check(hay, needle, from);
      }
    }
  }
});

const MANY = 400_000;
const RUN = "a".repeat(MANY);
const WANTED = `${"a".repeat(MANY / 4)}b${"a".repeat(MANY / 4)}`;

/** Events of 600 KB and more that hold both sides of a search: a haystack that agrees with its needle at every place. */
const HOSTILE = [RUN, RUN + WANTED, WANTED + RUN, (RUN + WANTED).toUpperCase(), WANTED + RUN + WANTED + RUN + WANTED];

/** For each query, the ordinals of the events that it matches. */
async function matched(queries: readonly string[], events: readonly object[], options: CompileOptions) {
  const rules = queries.map((query, at) => ruleOf(`query${at}`, query));
  const { pack, diagnostics } = await compileForTest(rules, options);
  assert.equal(
    diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message),
    [],
  );
  const bytes = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  const { byRule, counters } = runLines(pack, bytes, { order: "arrival" }, bytes.length);
  assert.is(counters.broken, 0);
  return Object.fromEntries(queries.map((query, at) => [query, byRule[at]?.flat()]));
}

test("events that bring both sides of a search are searched, whatever they hold", async () => {
  const expected: Readonly<Record<string, readonly number[]>> = {
    "any where stringContains(process.command_line, process.title)": [1, 2, 4],
    "any where stringContains~(process.command_line, process.title)": [1, 2, 3, 4],
    "any where indexOf(process.command_line, process.title) == 400000": [1],
    "any where indexOf~(process.command_line, process.title, 3) == 400000": [1, 3],
    "any where indexOf(process.command_line, process.title, 1) == 600001": [4],
    'any where length(between(process.command_line, "a", process.title)) == 399999': [1],
    'any where length(between(process.command_line, "a", process.title, true)) == 0': [0, 2, 3],
    'any where length(between~(process.command_line, "a", process.title, true)) == 399999': [1, 3],
    "any where length(between(process.command_line, process.title, process.title)) == 400000": [4],
    "any where length(between~(process.command_line, process.title, process.title, true)) == 1000001": [4],
  };
  const events = HOSTILE.map((hay) => ({ process: { command_line: hay, title: WANTED } }));
  assert.equal(await matched(Object.keys(expected), events, DEFAULT_OPTIONS), expected);
});

test("and in the endgame dialect", async () => {
  const expected: Readonly<Record<string, readonly number[]>> = {
    "any where stringContains(hay, needle)": [1, 2, 3, 4],
    "any where indexOf(hay, needle) == 400000": [1, 3],
    "any where indexOf(hay, needle, 1) == 600001": [4],
    'any where length(between(hay, "a", needle)) == 399999': [1, 3],
    'any where between(hay, "a", needle, true) == null': [0, 2],
    "any where length(between(hay, needle, needle, true)) == 1000001": [4],
  };
  const events = HOSTILE.map((hay) => ({ hay, needle: WANTED }));
  const options: CompileOptions = { ...DEFAULT_OPTIONS, dialect: "endgame", tiebreakerField: null };
  assert.equal(await matched(Object.keys(expected), events, options), expected);
});

test("an array is looked for among many arrays, whatever stands at its beginning", async () => {
  const options: CompileOptions = { ...DEFAULT_OPTIONS, dialect: "endgame", tiebreakerField: null };
  const long = `A${"\n".repeat(150_000)}`;
  const short = Array.from({ length: 60_000 }, () => [1]);
  const events = [
    { a: short, b: [long, 1] },
    { a: [...short, [long.toLowerCase(), 1]], b: [long, true] },
    { a: [...short, [long, 1, 2]], b: [long, 1] },
    { a: [[[1, -0, 1e18, 0.5], [{}], []]], b: [[true, 0, 1000000000000000000, 5e-1], [null], []] },
    { a: [["\u0001"], ["1"]], b: [1] },
    { a: [[], 1, null], b: [] },
    { a: "x", b: [] },
  ];
  const query = "any where arrayContains(a, b)";
  assert.equal(await matched([query], events, options), { [query]: [1, 3, 5] });
});

test("a search within a search takes a bounded number of turns, and is counted", async () => {
  const query = `any where _arraysearch(process.args, $a, _arraysearch(process.args, $b, $a == $b and $a == "zz"))`;
  const { pack } = await compileForTest([ruleOf("nested", query)], DEFAULT_OPTIONS);
  const run = (count: number, last: string) => {
    const args = Array.from({ length: count }, (_, at) => (at === count - 1 ? last : `a${at}`));
    const { byRule, counters } = runLines(pack, Buffer.from(`${JSON.stringify({ process: { args } })}\n`), {
      order: "arrival",
    });
    return [byRule.flat(2), counters.combinations];
  };
  assert.equal(run(200, "zz"), [[0], 0]);
  assert.equal(run(200, "b"), [[], 0]);
  assert.equal(run(20_000, "zz"), [[], 1]);
});

test("a long text is not searched for any number of values", async () => {
  const query = "any where stringContains(process.command_line, process.args) or process.pid == 7";
  const { pack } = await compileForTest([ruleOf("many", query)], DEFAULT_OPTIONS);
  const run = (values: number, end: string) => {
    const args = Array.from({ length: values }, (_, at) => (at === values - 1 ? end : "aaza"));
    const line = JSON.stringify({ process: { command_line: "a".repeat(300_000), args } });
    const { byRule, counters } = runLines(pack, Buffer.from(`${line}\n`), { order: "arrival" });
    return [byRule.flat(2), counters.combinations];
  };
  assert.equal(run(200, "aaa"), [[0], 0]);
  assert.equal(run(200, "b"), [[], 0]);
  assert.equal(run(60_000, "aaa"), [[], 1]);
});

test.run();

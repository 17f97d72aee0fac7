// The decoder against the text cases, against the reference on broken lines, and on its own at the limits of size and depth.
//
// A third of the tests are mutations: generated events, a little broken, must come out of Wasm as the reference reads them,
// and must not disturb the lines around them. `KESTREL_FUZZ=n` tries n lines (4,000 when absent, 10,000 in the long form), `KESTREL_SEED=n` starts
// elsewhere. What the decoder does not check in places that no rule reads stands in support/blank-unread.ts.

import { readdirSync } from "node:fs";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { generateEventLine } from "./generate/event.js";
import { mutate } from "./generate/mutation.js";
import { createRandom } from "./generate/random.js";
import { type RefEvent, readEvent } from "./reference/interpret.js";
import { blankUnread } from "./support/blank-unread.js";
import { DECODER, decoderCases } from "./support/decoder-cases.js";
import { DECODER_SCHEMA } from "./support/decoder-schema.js";
import { createSlotReader, type Decoded, referenceSlots } from "./support/read-slots.js";
import { compileForTest, type Found, ruleOf, runLines } from "./support/run-pack.js";
import { sizeOf } from "./support/sizes.js";
import { openTextCases } from "./support/text-cases.js";

const CASES = new URL("../cases/decoder/", import.meta.url);
const FUZZ = sizeOf("KESTREL_FUZZ", 4_000, 10_000);
const SEED = Number(process.env.KESTREL_SEED ?? 1);
const DEPTH_LIMIT = 64;

const decoder = suite("decoder");
const readSlots = await createSlotReader(DECODER_SCHEMA);
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

const FEED = Buffer.from("\n");
const SENTINEL = Buffer.from('{"process.pid":[77,78],"process":{"name":"between"},"user.name":"x"}\n');
const SENTINEL_SHOWN = 'process.pid 77 78 | process.name "between" | user.name "x"';

function showFields(fields: ReadonlyMap<string, readonly string[]>): string {
  const names = [...fields.keys()].sort((a, b) => FIELD_ORDER.indexOf(a) - FIELD_ORDER.indexOf(b));
  return names.map((name) => [name, ...(fields.get(name) ?? [])].join(" ")).join(" | ");
}

const FIELD_ORDER = [...DECODER_SCHEMA.fields.keys()];

function show(decoded: Decoded | undefined): string {
  if (decoded === undefined) return "no line";
  if (decoded.kind !== "event") return decoded.kind === "broken" ? `broken ${decoded.reason}` : "blank";
  if (decoded.fields === null) return "too many values to show";
  return showFields(decoded.fields) || "nothing";
}

/** One line, with sentinels around it that must not change. */
function decodeOne(line: Uint8Array): string {
  const alone = readSlots(Buffer.concat([line, FEED]));
  const between = readSlots(Buffer.concat([SENTINEL, line, FEED, SENTINEL]));
  const counts = (["malformed", "replaced"] as const).flatMap((name) =>
    alone[name] === 0 ? [] : [`${name} ${alone[name]}`],
  );
  assert.equal(between.lines.map(show), [SENTINEL_SHOWN, show(alone.lines[0]), SENTINEL_SHOWN]);
  return [show(alone.lines[0]), ...counts].join(" | ");
}

function reference(text: string): RefEvent | null {
  try {
    return readEvent(text, { schema: DECODER_SCHEMA });
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function countedOnly(shown: string): string {
  return shown
    .split(" | ")
    .map((part) => `${part.split(" ")[0]} ${part.split(" ").length - 1} values`)
    .join(" | ");
}

for (const file of readdirSync(CASES).filter((name) => name.endsWith(".txt"))) {
  decoder(file, () => {
    const failures: string[] = [];
    const open = openTextCases(new URL(file, CASES), DECODER);
    for (const { title, bytes, lenient, expected: section } of decoderCases(open)) {
      const expected = section.text;
      const { line } = section;
      const shown = decodeOne(bytes);
      open.expect(section, / values/.test(expected) ? countedOnly(shown) : shown, title);
      // Of depth and size the reference knows nothing.
      if (/^(blank|broken (depth|size))/.test(expected)) continue;
      const event = reference(utf8.decode(bytes));
      if ((event === null) !== (lenient || expected.startsWith("broken"))) {
        failures.push(`${file}:${line} ${title}: the reference ${event === null ? "refuses" : "accepts"} the line`);
      } else if (event !== null) {
        const wanted = showFields(referenceSlots(event)) || "nothing";
        const counted = expected.replace(/ \| (malformed|replaced) [0-9]+/g, "");
        const found = / values/.test(expected) ? countedOnly(wanted) : wanted;
        if (found !== counted)
          failures.push(`${file}:${line} ${title}\n    expected  ${counted}\n    reference ${found}`);
      }
    }
    open.finish();
    assert.is(failures.join("\n"), "");
  });
}

const REALISTIC =
  '{"@timestamp":"2024-02-29T12:00:00.123456789Z","event":{"category":["process"],"type":"start","sequence":12,' +
  '"risk_score":1.5e1},"process":{"pid":4242,"name":"b\\u0061sh","args":["bash","-c","echo \\"h\\u00e4\\" é 😀"],' +
  '"parent":{"name":"sshd","pid":-1},"code_signature":{"trusted":true,"subject":"x"},"unread":{"deep":[1,{"a":"]"}]}},' +
  '"user.name":"root","source":{"ip":"10.0.0.1"},"labels":{"a":"}","b":null},"package.version":"1.2.3"}';

decoder("a line that is cut off is broken, wherever it is cut", () => {
  const whole = Buffer.from(REALISTIC);
  assert.ok(!decodeOne(whole).startsWith("broken"));
  for (let length = 1; length < whole.length; length++) {
    const cut = Buffer.concat([SENTINEL, whole.subarray(0, length), FEED, SENTINEL]);
    const { lines } = readSlots(cut);
    assert.equal(lines.map(show), [SENTINEL_SHOWN, "broken syntax", SENTINEL_SHOWN], `cut at ${length}`);
    // The same with what a writer on Windows leaves behind.
    const { lines: crlf } = readSlots(Buffer.concat([whole.subarray(0, length), Buffer.from("\r\n"), SENTINEL]));
    assert.equal(crlf.map(show), ["broken syntax", SENTINEL_SHOWN], `cut at ${length}, CRLF`);
  }
});

decoder("no single byte changes the lines around it", () => {
  const whole = Buffer.from(REALISTIC);
  for (const byte of [0x00, 0x0d, 0x1f, 0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a, 0x80, 0xff]) {
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at] = byte;
      check(changed, `byte ${at} is ${byte}`);
    }
  }
});

/** Holds a piece of input, which may be several lines, against the reference. */
function check(input: Buffer, what: string): "accepted" | "lenient" | "refused" {
  const { lines, malformed } = readSlots(Buffer.concat([SENTINEL, input, FEED, SENTINEL]));
  const texts = utf8.decode(input).split("\n");
  const context = (): string => `${what}\n${JSON.stringify(texts)}\n${input.toString("hex")}`;
  assert.is(lines.length, texts.length + 2, context());
  assert.is(show(lines[0]), SENTINEL_SHOWN, context());
  assert.is(show(lines.at(-1)), SENTINEL_SHOWN, context());
  let verdict: "accepted" | "lenient" | "refused" = "accepted";
  let malformedWanted: number | null = 0;
  for (const [index, text] of texts.entries()) {
    const decoded = lines[index + 1];
    const strict = reference(text);
    const blanked = blankUnread(text, DECODER_SCHEMA);
    const event = reference(blanked);
    if (strict !== null)
      assert.is(event && showFields(referenceSlots(event)), showFields(referenceSlots(strict)), context());
    if (event === null) {
      const wanted = /^[ \t\r]*$/.test(text) ? "blank" : "broken";
      assert.is(
        decoded?.kind,
        wanted,
        `${context()}\nthe reference refuses line ${index}, the decoder says ${show(decoded)}`,
      );
      if (wanted === "broken") {
        verdict = "refused";
        // What was counted before the line broke stays counted.
        malformedWanted = null;
      }
      continue;
    }
    if (strict === null && verdict === "accepted") verdict = "lenient";
    if (malformedWanted !== null) malformedWanted += event.malformed;
    const wanted = showFields(referenceSlots(event)) || "nothing";
    assert.is(show(decoded), wanted, `${context()}\nthe decoder reads line ${index} differently`);
    if (decoded?.kind === "event") assert.is(decoded.time, event.timed ? event.ts : null, context());
  }
  if (malformedWanted !== null) assert.is(malformed, malformedWanted, `${context()}\nmalformed values`);
  return verdict;
}

decoder(`mutated lines come out as the reference reads them (${FUZZ})`, () => {
  const verdicts = { accepted: 0, lenient: 0, refused: 0 };
  for (let i = 0; i < FUZZ; i++) {
    const seed = SEED * 13_000_003 + i;
    const random = createRandom(seed);
    const line = Buffer.from(generateEventLine(random, DECODER_SCHEMA, { density: random.pick([0.1, 0.3, 0.6]) }));
    verdicts[check(mutate(random, line), `seed ${seed}`)]++;
  }
  for (const [name, count] of Object.entries(verdicts)) assert.ok(count > FUZZ / 100, `only ${count} ${name}`);
});

decoder(
  "escapes are undone wherever they stand, whatever stands beside them, and bad ones break the line, read or not",
  () => {
    const held = (body: string): ReturnType<typeof check> =>
      check(Buffer.from(`{"unread":"${body}","process.name":"${body}"}`), body);
    const verdicts = { accepted: 0, lenient: 0, refused: 0 };
    for (let before = 0; before < 34; before++) {
      for (let run = 1; run < 36; run++) {
        for (const after of ["", "n", "u0041z", '"', "/x", "x", "\u0001"]) {
          const verdict = held(`${"a".repeat(before)}${"\\".repeat(run)}${after}`);
          verdicts[verdict]++;
        }
      }
    }
    const pieces = [
      "\\\\",
      '\\"',
      "\\/",
      "\\n",
      "\\t",
      "\\u00e9",
      "\\ud83d\\ude00",
      "\\ud800",
      "x",
      "Yz",
      "é",
      "aaaaaaaaaaaa",
    ];
    const bad = ["\\x", '"', "\u0001", "\\u12", "\\"];
    for (let i = 0; i < FUZZ / 2; i++) {
      const random = createRandom(SEED * 17_000_009 + i);
      const picked = Array.from({ length: random.below(60) }, () => random.pick(random.chance(0.002) ? bad : pieces));
      const verdict = held(picked.join(""));
      verdicts[verdict]++;
    }
    for (const name of ["accepted", "refused"] as const)
      assert.ok(verdicts[name] > 500, `only ${verdicts[name]} ${name}`);
  },
);

decoder("nesting is taken up to the limit and refused behind it, read or not", () => {
  const nested = (open: string, close: string, depth: number): string => open.repeat(depth) + close.repeat(depth);
  for (const depth of [DEPTH_LIMIT - 2, DEPTH_LIMIT - 1, DEPTH_LIMIT, DEPTH_LIMIT + 1, 1000, 100_000]) {
    const wanted = depth < DEPTH_LIMIT ? "nothing" : "broken depth";
    for (const name of ["process.name", "unread", "process"]) {
      for (const [open, close] of [
        ["[", "]"],
        ['{"name":', "}"],
      ] as const) {
        const value = open === "[" ? nested(open, close, depth) : `${open.repeat(depth)}null${close.repeat(depth)}`;
        assert.is(decodeOne(Buffer.from(`{"${name}":${value}}`)), wanted, `${depth} times ${open} in ${name}`);
      }
    }
  }
});

decoder("texts and lists keep every byte up to the size of the input", () => {
  for (const length of [0, 1, 7, 8, 9, 14, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000, 65_535, 65_536, 900_000]) {
    const text = "abcdefghijklmnopqrstuvwxyz".repeat(Math.ceil(length / 26)).slice(0, length);
    for (const body of [text, `${text}\\n`, `\\u0061${text}é`, `${text}\\ud83d\\ude00`]) {
      const shown = decodeOne(Buffer.from(`{"process.name":"${body}"}`));
      assert.is(shown, `process.name ${JSON.stringify(JSON.parse(`"${body}"`))}`);
    }
  }
  for (const count of [1, 2, 3, 4, 5, 8, 9, 1000, 65_537, 100_000]) {
    const values = Array.from({ length: count }, (_, i) => i - 5);
    assert.is(decodeOne(Buffer.from(`{"process.pid":[${values.join(",")}]}`)), `process.pid ${values.join(" ")}`);
  }
});

decoder("an event of more values or texts than the arena holds is given up, and only that event", async () => {
  const conditions = [
    'process.args : "GOOD"',
    'process.args : "g?*d"',
    'process.args in ("good", "better")',
    'process.args regex "(g|o|d)*o(g|o|d){14}|good"',
    'concat(process.args, process.args, process.args, process.args, process.args) like "good*"',
  ];
  const rules = conditions.map((condition, index) => ruleOf(`q${index}`, `any where ${condition}`));
  const { pack } = await compileForTest(rules, { ...DEFAULT_OPTIONS, schema: DECODER_SCHEMA });
  const good = '{"process.args":["x","good"]}';
  const cases: readonly (readonly [args: string, givenUp: boolean])[] = [
    [`${"1,".repeat(2_090_000)}1`, true],
    [`"${"a".repeat(4_000_000)}"`, true],
    [`"${"\u023a".repeat(2_000)}","${"Ⱥ".repeat(500_000)}"`, false],
    [`${'"gogo",'.repeat(400_000)}"good"`, false],
  ];
  for (const [args, givenUp] of cases) {
    const reasons: string[] = [];
    const input = Buffer.from([good, `{"process.args":[${args}]}`, good, ""].join("\n"));
    const found = runLines(pack, input, { onBroken: ({ reason }) => reasons.push(reason) }, 1 << 23);
    assert.equal(reasons, givenUp ? ["too much to hold in one event"] : [], args.slice(0, 20));
    const wanted = args.includes("good") ? [[0], [1], [2]] : [[0], [2]];
    for (const ordinals of found.byRule) assert.equal(ordinals, wanted, args.slice(0, 20));
  }
});

decoder("what a full arena left undecided of a value is asked again when the value comes again", async () => {
  // Too large for a table of states, so what it remembers stands in the arena.
  const pattern = 'user.name regex ".*a[^c]{24}z.*"';
  const long = `length(concat(${Array<string>(16).fill("process.command_line").join(", ")})) == 7`;
  const rules = [`any where ${long}`, `any where ${pattern}`, `file where ${pattern}`];
  const { pack } = await compileForTest(
    rules.map((query, index) => ruleOf(`q${index}`, query)),
    DEFAULT_OPTIONS,
  );
  const name = `qqqqqa${"x".repeat(24)}z`;
  const of = (user: string, line: string): string =>
    `${JSON.stringify({ user: { name: user }, process: { command_line: line } })}\n`;
  const lines = of(name, "y".repeat(900_000)) + of(name, "k") + of(`${name}1`, "k") + of(name, "k");
  const { byRule, counters } = runLines(pack, Buffer.from(lines), {}, 1 << 23);
  assert.is(counters.broken, 1);
  assert.equal(byRule[1], [[1], [2], [3]]);
});

decoder("whether keys have room does not depend on the events before", async () => {
  const rules = Array.from({ length: 30 }, (_, at) =>
    ruleOf(`q${at}`, `sequence by user.name [any where process.pid >= ${at}] [any where process.pid >= ${at}]`),
  );
  const { pack } = await compileForTest(rules, DEFAULT_OPTIONS);
  // Of the keys of one event there is room for a megabyte.
  const line = (letter: string, length: number): string =>
    `${JSON.stringify({ user: { name: letter.repeat(length) }, process: { pid: 40 } })}\n`;
  const lines = ["a", "b", "c", "d", "e"].flatMap((letter) => [line(letter, 30_000), line(letter, 40_000)]);
  const found = [1, 70_000, 1 << 23].map((chunk) => runLines(pack, Buffer.from(lines.join("")), {}, chunk));
  const [{ counters }] = found as [Found];
  assert.ok(counters.keyOverflow > 0 && counters.keyOverflow % 5 === 0, `${counters.keyOverflow} without room`);
  for (const one of found) assert.is(one.counters.keyOverflow, counters.keyOverflow);
});

decoder("a short text with an escape takes little room where little is left", async () => {
  const fields = ["process.entity_id", "process.args", "host.id", "process.command_line", "process.parent.name"];
  const counts = [100, 2 ** 20 + 1, 2 ** 19 + 1, 2 ** 18 + 1, 2 ** 17 + 1];
  const conditions = [...fields.map((field) => `${field} != null`), 'process.name : "*kiss*"'];
  const rules = conditions.map((condition, index) => ruleOf(`q${index}`, `any where ${condition}`));
  const { pack } = await compileForTest(rules, { ...DEFAULT_OPTIONS, schema: DECODER_SCHEMA });
  const lists = fields.map((field, index) => `"${field}":[${"1,".repeat((counts[index] ?? 1) - 1)}1]`);
  for (const name of ["kiss", "x\\\\kiss", "k\\u0069ss", "x\\nkiss"]) {
    const line = `{${lists.join(",")},"process.name":"${name}"}\n`;
    const { byRule, counters } = runLines(pack, Buffer.from(line), {}, 1 << 23);
    assert.is(counters.broken, 0, name);
    assert.equal(byRule, Array(conditions.length).fill([[0]]), name);
  }
});

decoder.run();

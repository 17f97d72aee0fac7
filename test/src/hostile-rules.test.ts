// Rules that no author means: each must end in a package or in an error of the rule and leave the rule beside it alone. The
// largest are checked by an eqlc of their own, whose memory and time are limited from outside.

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TEST_SCHEMA } from "./generate/schema.js";
import { compileForTest, ruleOf, runLines } from "./support/run-pack.js";
import { FULL, LONG } from "./support/sizes.js";

const OPTIONS = { ...DEFAULT_OPTIONS, schema: TEST_SCHEMA };

const EVENT = Buffer.from(
  '{"event.category":"process","process":{"pid":9,"name":"name7.EXE"},"source.ip":"10.0.7.1","user.name":"ab"}\n',
);

function times(count: number, make: (index: number) => string, separator: string): string {
  return Array.from({ length: count }, (_, index) => make(index)).join(separator);
}

function within(open: string, close: string, depth: number, inner: string): string {
  return open.repeat(depth) + inner + close.repeat(depth);
}

interface Hostile {
  readonly query: string | readonly string[];
  /** `matches` the event above, `misses` it, or the code of an error. */
  readonly ends: "matches" | "misses" | `E${string}`;
}

const CASES: Readonly<Record<string, Hostile>> = {
  "10,000 brackets": { query: `any where ${within("(", ")", 10_000, "true")}`, ends: "E0206" },
  "10,000 nots": { query: `any where ${"not ".repeat(10_000)}true`, ends: "E0206" },
  "10,000 signs": { query: `any where process.pid == ${"-".repeat(10_000)}1`, ends: "E0206" },
  "10,000 calls": { query: `any where ${within("concat(", ")", 10_000, '"a"')} == "a"`, ends: "E0206" },
  "10,000 alternating": {
    query: `any where ${within("(process.pid == 1 and (process.pid == 2 or ", "))", 5_000, "true")}`,
    ends: "E0206",
  },
  "200 alternating": {
    query: `any where ${within("(process.pid == 9 and (process.pid == 2 or ", "))", 100, "true")}`,
    ends: "matches",
  },
  "a sum of 10,000": { query: `any where process.pid == ${"1 + ".repeat(10_000)}1`, ends: "E0402" },
  "a sum of 10,000 fields": { query: `any where 0 == ${times(10_000, () => "process.pid", " + ")}`, ends: "E0402" },
  "a sum of 400 fields": { query: `any where 3600 == ${times(400, () => "process.pid", " + ")}`, ends: "matches" },
  "sums in sums": {
    query: `any where 0 < ${within("(", `${" + 1".repeat(50)})`, 50, "process.pid")}`,
    ends: "E0402",
  },
  "5,000 joined texts": { query: `any where concat(${times(5_000, () => "user.name", ", ")}) == "a"`, ends: "E0402" },
  "200 joined texts": {
    query: `any where concat(${times(200, () => "user.name", ", ")}) == "${"ab".repeat(200)}"`,
    ends: "matches",
  },
  "10,000 ands": { query: `any where ${'user.name == "ab" and '.repeat(10_000)}true`, ends: "matches" },
  "100,000 texts": {
    query: `any where process.name in~ (${times(100_000, (i) => `"Name${i}.exe"`, ", ")})`,
    ends: "matches",
  },
  "3,000 numbers": { query: `any where process.pid in (${times(3_000, (i) => `${i * 3}`, ", ")})`, ends: "matches" },
  "10,000 addresses": {
    query: `any where source.ip in (${times(10_000, (i) => `"10.${i >> 8}.${i & 255}.1"`, ", ")})`,
    ends: "matches",
  },
  "2,000 ranges": {
    query: `any where ${times(2_000, (i) => `cidrMatch(source.ip, "10.${i >> 8}.${i & 255}.0/24")`, " or ")}`,
    ends: "matches",
  },
  "1,000 wildcards": {
    query: `any where ${times(1_000, (i) => `process.name : "*e${i}.*x?"`, " or ")}`,
    ends: "matches",
  },
  "3,000 wildcards in a table": {
    query: `any where process.name : (${times(3_000, (i) => `"*e${i}.*x?"`, ", ")})`,
    ends: "matches",
  },
  "3,000 wildcards that miss": {
    query: `any where process.name like (${times(3_000, (i) => `"*e${i}.*x?"`, ", ")})`,
    ends: "misses",
  },
  "5,000 excluded texts": {
    query: `any where ${times(5_000, (i) => `process.name != "name${i + 8}.EXE"`, " and ")}`,
    ends: "matches",
  },
  "1,000 mixed conditions": {
    query: `any where ${times(1_000, (i) => `process.pid == ${i + 50} or startsWith~(process.name, "NAME${i}.")`, " or ")}`,
    ends: "matches",
  },
  "a long regular expression": { query: `any where user.name regex "${"(a|b)?".repeat(8_000)}"`, ends: "matches" },
  "nested repeats": { query: 'any where user.name regex "((a{100}){100}){100}"', ends: "E0402" },
  "a table that explodes": { query: 'any where user.name regex ".*a.{999}.*b.{999}"', ends: "misses" },
  "a deep regular expression": { query: `any where user.name regex "${within("(", ")", 10_000, "a")}"`, ends: "E0309" },
  "30,000 stars": { query: `any where user.name : "${"a*".repeat(30_000)}b"`, ends: "misses" },
  "too many stars": { query: `any where user.name : "${"a*".repeat(70_000)}b"`, ends: "E0402" },
  "a segment too long": { query: `any where user.name : "*${"a?".repeat(40_000)}"`, ends: "E0402" },
  "a text of a megabyte": { query: `any where user.name == "${"a".repeat(1 << 20)}"`, ends: "misses" },
  "5,000 rules of one query": {
    query: Array.from({ length: 5_000 }, () => 'process where process.name : "name7.exe" and user.name : "*?b"'),
    ends: "matches",
  },
  "1,000 rules of 1,000 queries": {
    query: Array.from(
      { length: 1_000 },
      (_, i) => `process where process.name : "name7.exe" and not user.name : "*?c${i}*"`,
    ),
    ends: "matches",
  },
  "100 runs": {
    query: 'sequence by process.pid with maxspan=1m [any where user.name == "ab"] with runs=100',
    ends: "misses",
  },
  "1,000 terms": { query: `sequence ${times(1_000, (i) => `[any where process.pid == ${i}]`, " ")}`, ends: "misses" },
  "too many runs": { query: "sequence [any where true] with runs=1000000000 [any where true]", ends: "E0205" },
  "a name of 100,000 letters": { query: `any where \`${"x".repeat(100_000)}\` == 1`, ends: "E0301" },
  "names in every script": {
    query: "any where ?`größe` == null and ?`日本`.`語` == null and ?`🙂` == null",
    ends: "matches",
  },
  "a category in another script": { query: '"процесс" where true', ends: "misses" },
  "letters that are none": { query: "любой where größe == 1", ends: "E0201" },
  "100,000 quotes": { query: `any where ${'"'.repeat(100_001)}`, ends: "E0203" },
  "100,000 question marks": { query: `any where ${"?".repeat(100_000)}`, ends: "E0203" },
  "100,000 backslashes": { query: `any where user.name == "${"\\".repeat(99_999)}"`, ends: "E0202" },
  "100,000 NULs": { query: "\u0000".repeat(100_000), ends: "E0201" },
  "10,000 open comments": { query: `any where ${"/*".repeat(10_000)}`, ends: "E0202" },
  "a number of 100,000 digits": { query: `any where process.pid < ${"1".repeat(100_000)}`, ends: "matches" },
};

const hostile = suite("hostile rules");

for (const [name, { query, ends }] of Object.entries(CASES)) {
  hostile(name, async () => {
    const queries = typeof query === "string" ? [query] : query;
    const rules = queries.map((text, index) => ruleOf(`hostile ${index}`, text));
    const under = await compileForTest([...rules, ruleOf("good", 'process where user.name == "ab"')], OPTIONS);
    const { byRule } = runLines(under.pack, EVENT);
    assert.equal(byRule.at(-1), [[0]], "the rule beside it");
    if (ends.startsWith("E")) {
      assert.is(under.rules.length, 1);
      assert.ok(
        under.diagnostics.some((problem) => problem.code === ends),
        under.diagnostics.map((d) => d.code).join(),
      );
      assert.ok(under.diagnostics.length <= 100, `${under.diagnostics.length} problems`);
    } else {
      assert.equal(
        under.diagnostics.filter((d) => d.severity === "error").map((d) => d.message),
        [],
      );
      for (const found of byRule) assert.is(found.length, ends === "matches" || found === byRule.at(-1) ? 1 : 0);
    }
  });
}

hostile.run();

/** Too large to share a process with other tests: each is checked by an eqlc of its own that may use a gigabyte. */
interface Large {
  readonly query: () => string;
  /** `compiles`, or the code of an error. */
  readonly ends: "compiles" | `E${string}`;
  readonly dialect?: "endgame";
}

const LARGE: Readonly<Record<string, Large>> = {
  "10 MB of conditions": {
    query: () => `any where ${times(160_000, (i) => `process.name == "${String(i).padStart(40, "x")}"`, " or ")}`,
    ends: "compiles",
  },
  "10 MB of text": { query: () => `any where process.name == "${"a".repeat(10 << 20)}"`, ends: "compiles" },
  "10 MB of comments": { query: () => `any where true ${"// kestrel: allow\n".repeat(600_000)}`, ends: "compiles" },
  "10 MB of names": { query: () => `any where ${"abcdefghi.".repeat(1 << 20)}x == 1`, ends: "E0206" },
  "100,000 numbers": {
    query: () => `any where process.pid in (${times(100_000, (i) => `${i * 7}`, ", ")})`,
    ends: "compiles",
  },
  "100,000 fractions": {
    query: () => `any where event.risk_score in (${times(100_000, (i) => `${i}.5`, ", ")})`,
    ends: "compiles",
  },
  "100,000 dates": {
    query: () => `any where @timestamp in (${times(100_000, (i) => `"2024-01-01T00:00:00.${i + 100_000}Z"`, ", ")})`,
    ends: "compiles",
  },
  "100,000 wildcards": {
    query: () => `any where process.name : (${times(100_000, (i) => `"*a${i}*b?"`, ", ")})`,
    ends: "compiles",
  },
  "100,000 ors of wildcards": {
    query: () => `any where ${times(100_000, (i) => `process.name : "*a${i}*b?"`, " or ")}`,
    ends: "compiles",
  },
  "100,000 ors of two fields": {
    query: () => `any where ${times(100_000, (i) => `process.${i % 2 ? `pid > ${i}` : `args_count == ${i}`}`, " or ")}`,
    ends: "compiles",
  },
  "100,000 exclusions": {
    query: () => `any where ${times(100_000, (i) => `process.name != "n${i}"`, " and ")}`,
    ends: "compiles",
  },
  "100,000 contradictions": {
    query: () => `any where ${times(50_000, (i) => `process.pid > ${i} and process.pid < ${i}`, " and ")}`,
    ends: "E0402",
  },
  "100,000 calls": {
    query: () => `any where ${times(100_000, (i) => `startsWith(process.name, "n${i}")`, " or ")}`,
    ends: "E0402",
  },
  "100,000 fields": {
    query: () => `any where ${times(100_000, (i) => `winlog.event_data.f${i} == "x"`, " or ")}`,
    ends: "E0402",
  },
  "4,000 calls": {
    query: () => `any where ${times(4_000, (i) => `startsWith(process.name, "n${i}")`, " or ")}`,
    ends: "compiles",
  },
  "100,000 ranges": {
    query: () =>
      `any where cidrMatch(source.ip, ${times(100_000, (i) => `"10.${(i >> 8) & 255}.${i & 255}.0/24"`, ", ")})`,
    ends: "compiles",
  },
  "100,000 regular expressions": {
    query: () => `any where process.name regex (${times(100_000, (i) => `"a${i}.*b"`, ", ")})`,
    ends: "E0402",
  },
  "choices that are the same": {
    query: () => 'any where process.name regex "(a|a)*(a|a)*(((a*)*)*)*b"',
    ends: "compiles",
  },
  "repeats of repeats": { query: () => 'any where process.name regex "((a{0,1000}){0,1000}){0,1000}"', ends: "E0402" },
  "classes of 20,000 letters": {
    query: () =>
      `any where process.name regex "[${times(20_000, (i) => String.fromCodePoint(0x4e00 + i), "")}]{100}.*"`,
    ends: "compiles",
  },
  "10,000 terms": {
    query: () => `sequence ${times(10_000, (i) => `[any where process.pid == ${i}]`, " ")}`,
    ends: "E0402",
  },
  "1,000 aliases": {
    query: () =>
      `sequence ${times(1_000, (i) => `[any where process.pid == ${i}${i ? ` and e${i - 1}.process.pid == 1` : ""}] as e${i}`, " ")}`,
    ends: "compiles",
  },
  "1,000 searches inside each other": {
    query: () => `any where ${times(1_000, (i) => `_arraysearch(process.args, $v${i}, `, "")}true${")".repeat(1_000)}`,
    ends: "E0206",
  },
  "200 lineage tests inside each other": {
    query: () => `any where ${within("descendant of [any where ", "]", 200, "true")}`,
    ends: "compiles",
  },
  "marks that turn the text around": { query: () => 'any where process.\u200bname == "\u202eabc"', ends: "E0201" },
  "macros that double": {
    query: () =>
      `macro M0(x) x or x\n${times(40, (i) => `macro M${i + 1}(x) M${i}(x) or M${i}(x)`, "\n")}\nany where M40(a == 1)`,
    ends: "E0206",
    dialect: "endgame",
  },
  "100,000 texts of endgame": {
    query: () => `any where a in (${times(100_000, (i) => `"name ${i}"`, ", ")})`,
    ends: "compiles",
    dialect: "endgame",
  },
};

const large = suite("hostile rules in a process of their own");
const folder = mkdtempSync(join(tmpdir(), "kestrel-hostile-"));
type Ended = { readonly code: number | null; readonly output: string };
const ended = new Map<string, (result: Ended) => void>();

/** The short form takes every third. */
const CHOSEN = Object.entries(LARGE).filter((_, at) => FULL || at % (LONG ? 2 : 3) === 0);

for (const [name, { ends }] of CHOSEN) {
  const result = new Promise<Ended>((resolve) => ended.set(name, resolve));
  large(name, async () => {
    const { code, output } = await result;
    const said = output.slice(0, 2_000);
    assert.is(code, ends === "compiles" ? 0 : 2, said);
    if (ends !== "compiles") assert.match(output, `error[${ends}]`, said);
    assert.ok(!output.includes("mistake in eqlc"), said);
    assert.ok(output.length < 1 << 20, `${output.length} characters are said`);
  });
}

// Two at a time, in the order of the tests.
const waiting = [...CHOSEN];
async function work(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [name, { query, dialect }] = next;
    const path = join(folder, `${waiting.length}.eql`);
    writeFileSync(path, query());
    ended.get(name)?.(await check(path, dialect ?? "elastic"));
    rmSync(path);
  }
}

large.before(() => {
  for (let worker = 0; worker < 2; worker++) void work();
});
large.after(() => rmSync(folder, { recursive: true }));
large.run();

/** The limit of time is there so that a mistake ends the tests at all; a healthy run takes seconds. */
function check(path: string, dialect: string): Promise<Ended> {
  const eqlc = fileURLToPath(new URL("../../compiler/bin/eqlc.js", import.meta.url));
  const options = { timeout: 300_000, maxBuffer: 1 << 26 };
  const args = ["--max-old-space-size=1024", eqlc, "check", path, "--dialect", dialect];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, output: `${stdout}${stderr}` }),
    );
  });
}

// What the safety of a module's memory rests on: each assumption at the number where it begins to fail, the facts about text
// that the sizes are made from, the regions of real packs, and events that fill the largest of them.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { analyseRules, type CompiledPack, compilePack, DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { buildPackage } from "@kestrel/compiler/package/build-package";
import { partsOf } from "@kestrel/compiler/package/pack-parts";
import { writePackage } from "@kestrel/compiler/package/write-package";
import { readBroken } from "@kestrel/runtime/evaluate/broken-lines";
import { instantiate } from "@kestrel/runtime/load/instantiate";
import { viewMemory } from "@kestrel/runtime/load/memory-view";
import { countLines, USUAL_LONGEST_LINE } from "@kestrel/runtime/read/lines";
import * as abi from "@kestrel/stdlib/abi";
import {
  ASSUMPTIONS,
  type AssumptionName,
  brokenAssumptions,
  layOutMemory,
  MEMORY_SIZES,
  type MemorySizes,
} from "@kestrel/stdlib/memory-layout";
import { FOLD_RANGES } from "@kestrel/stdlib/text/case-folding";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { loadForTest, ruleOf } from "./support/run-pack.js";

const memory = suite("memory layout");
const BIN = fileURLToPath(new URL("../../runtime/bin/kestrel-run.js", import.meta.url));

// The assumptions.

interface Edge {
  readonly name: AssumptionName;
  /** The last sizes with which it holds, and the first with which it does not. */
  readonly holds: Partial<MemorySizes>;
  readonly fails: Partial<MemorySizes>;
}

const MEBIBYTE = 1 << 20;
const LIST_BYTES = 2 * MEBIBYTE * abi.VALUE_BYTES;
const FOLDED_BYTES = 24 * MEBIBYTE + abi.BLOCK_BYTES;
const REPAIRED_BYTES = 12 * MEBIBYTE + abi.BLOCK_BYTES;

const EDGES: readonly Edge[] = [
  { name: "padding", holds: { padding: 16 }, fails: { padding: 15 } },
  { name: "padding", holds: { block: 64 }, fails: { block: 65 } },
  { name: "control", holds: { controlEnd: 4096 }, fails: { controlEnd: 4097 } },
  {
    name: "control",
    holds: { preludeData: MEMORY_SIZES.controlEnd },
    fails: { preludeData: MEMORY_SIZES.controlEnd - 1 },
  },
  { name: "input-holds", holds: { input: abi.INPUT_BYTES }, fails: { input: abi.INPUT_BYTES - 1 } },
  { name: "input-holds", holds: { longestLine: abi.LONGEST_LINE }, fails: { longestLine: abi.LONGEST_LINE + 1 } },
  { name: "input-bounds", holds: { input: abi.INPUT_BYTES }, fails: { input: abi.INPUT_BYTES + 1 } },
  { name: "input-bounds", holds: { longestLine: abi.LONGEST_LINE }, fails: { longestLine: abi.LONGEST_LINE - 1 } },
  { name: "late", holds: { late: abi.LATE_BYTES }, fails: { late: abi.LATE_BYTES - 1 } },
  { name: "late", holds: { lateLines: 4 }, fails: { lateLines: 5 } },
  { name: "overflow-repair", holds: { overflow: REPAIRED_BYTES }, fails: { overflow: REPAIRED_BYTES - 1 } },
  { name: "overflow-repair", holds: { repairGrowth: 7 }, fails: { repairGrowth: 8 } },
  { name: "overflow-fold", holds: { overflow: FOLDED_BYTES }, fails: { overflow: FOLDED_BYTES - 1 } },
  { name: "overflow-fold", holds: { longestJoin: 21 * MEBIBYTE }, fails: { longestJoin: 22 * MEBIBYTE } },
  { name: "overflow-fold", holds: { foldShift: 1 }, fails: { foldShift: 0, longestJoin: 17 * MEBIBYTE } },
  { name: "overflow-list", holds: { overflow: LIST_BYTES }, fails: { overflow: LIST_BYTES - 1 } },
  { name: "overflow-list", holds: { longestLine: 8 * MEBIBYTE }, fails: { longestLine: 8 * MEBIBYTE + 2 } },
  { name: "overflow-list", holds: { value: 16 }, fails: { value: 17 } },
  { name: "oversize", holds: { arena: abi.OVERSIZE_REQUEST - 1 }, fails: { arena: abi.OVERSIZE_REQUEST } },
  { name: "oversize", holds: { oversizeRequest: abi.ARENA_BYTES + 1 }, fails: { oversizeRequest: abi.ARENA_BYTES } },
  { name: "output-header", holds: { output: 96 }, fails: { output: 95 } },
  { name: "output-header", holds: { eventHeader: MEBIBYTE }, fails: { eventHeader: MEBIBYTE + 1 } },
  { name: "output-matches", holds: { outputAPredicate: 16 }, fails: { outputAPredicate: 15 } },
  { name: "output-matches", holds: { match: 8 }, fails: { match: 9 } },
];

memory("every assumption holds, and fails from the number on that it names", () => {
  assert.equal(brokenAssumptions(MEMORY_SIZES), []);
  for (const { name, holds, fails } of EDGES) {
    const broken = (changed: Partial<MemorySizes>): boolean =>
      brokenAssumptions({ ...MEMORY_SIZES, ...changed }).some((assumption) => assumption.name === name);
    assert.not.ok(broken(holds), `${name} ${JSON.stringify(holds)}`);
    assert.ok(broken(fails), `${name} ${JSON.stringify(fails)}`);
  }
  assert.equal(
    [...new Set(EDGES.map(({ name }) => name))],
    ASSUMPTIONS.map(({ name }) => name),
  );
  const tried = new Set(EDGES.flatMap(({ holds, fails }) => Object.keys({ ...holds, ...fails })));
  assert.equal(
    Object.keys(MEMORY_SIZES).filter((size) => !tried.has(size)),
    // Where the data of a pack begins is compared with where that of the prelude ends, below; what members need is in abi.test.ts.
    ["packData", "members"],
  );
});

memory("a layout that is not safe is refused with the argument that breaks", () => {
  const extent = { preludeEnd: 8000, dataEnd: 70_001, predicates: 3 };
  assert.throws(
    () => layOutMemory(extent, { ...MEMORY_SIZES, longestJoin: 24 * MEBIBYTE, padding: 8 }),
    /^the memory layout is not safe: padding >= block: .*\(bytes\.ts\); .*; overflow >= folded text \+ block: .*foldedText/,
  );
  assert.throws(
    () => layOutMemory({ ...extent, preludeEnd: 65_537 }),
    /data of the prelude ends at 65537.* from 65536/,
  );
  assert.is(layOutMemory({ ...extent, preludeEnd: 65_536 }).membersBase, 70_008);
  const { end } = layOutMemory({ ...extent, dataEnd: 0 });
  const left = Math.floor((abi.MEMORY_END - end) / 8) * 8;
  assert.ok(layOutMemory({ ...extent, dataEnd: left }).end <= abi.MEMORY_END);
  assert.throws(() => layOutMemory({ ...extent, dataEnd: left + 8 }), /bytes of memory; addresses end at 2147483648/);
});

memory("the regions stand one behind the other, padded, whatever the pack", () => {
  for (const dataEnd of [70_000, 70_001, 10_000_003]) {
    for (const predicates of [0, 1, 989, 100_001]) {
      const { padding, arena, overflow, output, input, late, eventHeader, match } = MEMORY_SIZES;
      const regions = layOutMemory({ preludeEnd: 8000, dataEnd, predicates });
      assert.ok(regions.arenaBase >= dataEnd);
      assert.is(regions.arenaEnd, regions.arenaBase + arena);
      assert.ok(regions.outputBase >= regions.arenaEnd + overflow + padding);
      assert.ok(regions.outputEnd >= regions.outputBase + output);
      // Half of it, which `run` keeps free for the event at hand.
      assert.ok((regions.outputEnd - regions.outputBase) / 2 >= eventHeader + predicates * match);
      assert.ok(regions.inputBase >= regions.outputEnd + padding);
      assert.ok(regions.lateBase >= regions.inputBase + input + padding);
      assert.ok(regions.end >= regions.lateBase + late + padding);
    }
  }
});

memory("folding and repairing lengthen no text by more than the sizes say", () => {
  const width = (codePoint: number): number => Buffer.byteLength(String.fromCodePoint(codePoint));
  let most = 0;
  for (const [start, end, step, delta] of FOLD_RANGES) {
    for (let codePoint = start; codePoint <= end; codePoint += step) {
      most = Math.max(most, width(codePoint + delta) / width(codePoint));
    }
  }
  assert.is(most, 1 + 1 / 2 ** abi.FOLD_SHIFT);
  assert.is(width(0xfffd), abi.REPAIR_GROWTH);
});

// Real packs.

function compileOne(query: string): CompiledPack {
  const { rules, diagnostics } = analyseRules([ruleOf("one", query)], DEFAULT_OPTIONS);
  assert.equal(
    diagnostics.filter(({ severity }) => severity === "error"),
    [],
  );
  return compilePack(rules, DEFAULT_OPTIONS);
}

async function instanceOf(query: string) {
  return instantiate((await loadForTest(compileOne(query), DEFAULT_OPTIONS)).module);
}

memory("a pack has the regions that are laid out", async () => {
  const instance = await instanceOf('any where process.name == "a"');
  const regions = layOutMemory({ preludeEnd: 0, dataEnd: 0, predicates: 1 });
  assert.is(instance.inputCapacity, abi.INPUT_BYTES);
  assert.is(instance.lateCapacity, abi.LATE_BYTES);
  assert.is(instance.inputBase - instance.outputBase, regions.inputBase - regions.outputBase);
  assert.is(instance.lateBase - instance.inputBase, regions.lateBase - regions.inputBase);
  const moved = instance.lateBase - regions.lateBase;
  const size = instance.memory.buffer.byteLength;
  assert.ok(size >= regions.end + moved && size - regions.end - moved < 65_536, `${size}`);
});

interface Worst {
  readonly name: string;
  readonly query: string;
  readonly line: string | Buffer;
  /** How far behind the arena's end the prelude must have written, or the test has not met what it is for. */
  readonly written: number;
}

/** A line of exactly the greatest length, with `body` again and again in its middle. */
function longest(head: string, body: string | Buffer, tail: string): Buffer {
  const line = Buffer.alloc(abi.LONGEST_LINE, " ");
  line.set(Buffer.from(head));
  const room = line.length - Buffer.byteLength(head) - tail.length;
  const unit = Buffer.from(body);
  const end = Buffer.byteLength(head) + Math.floor(room / unit.length) * unit.length;
  line.fill(unit, Buffer.byteLength(head), end);
  line.set(Buffer.from(tail), end);
  return line;
}

const NAME = '{"process":{"name":"';
const JOINED = "concat(process.name, process.name, process.name, process.name)";
const WORST: readonly Worst[] = [
  {
    // The field (4 MiB, unescaped), its folded copy (6) and its joins (8, 12, 16) leave no room for the folded join of 24.
    name: "a folded join",
    query: `any where process.name : "*Ⱥ" and stringContains~(${JOINED}, "zz")`,
    line: longest(`${NAME}\\u0041`, "Ⱥ", '"}}'),
    written: 23 * MEBIBYTE,
  },
  {
    // It is repaired to 12 MiB, and folded; both fit.
    name: "a repaired text",
    query: 'any where process.name : "*zz"',
    line: longest(NAME, Buffer.from([0xff]), '"}}'),
    written: 0,
  },
];

for (const { name, query, line, written } of WORST) {
  memory(`${name} of the longest line does not touch what is not its own`, async () => {
    const instance = await instanceOf(query);
    const { outputBase, inputBase, lateBase } = instance;
    const now = viewMemory(instance.memory);
    const arenaEnd = outputBase - abi.OVERFLOW_BYTES - abi.INPUT_PADDING;
    const mark = 0xa5;
    // The output's first bytes are the event's header, which is given up again.
    const untouched = [
      [outputBase - abi.INPUT_PADDING, outputBase],
      [outputBase + abi.EVENT_HEADER_BYTES + abi.MATCH_BYTES, inputBase],
      [inputBase + line.length + 1, lateBase],
    ] as const;
    for (const [from, to] of untouched) now.bytes.fill(mark, from, to);
    now.bytes.set(Buffer.from(line), inputBase);
    now.bytes[inputBase + line.length] = 0x0a;
    assert.is(instance.run(inputBase, line.length + 1), abi.RUN_DONE);
    for (const [from, to] of untouched) {
      assert.ok(Buffer.alloc(to - from, mark).equals(now.bytes.subarray(from, to)), `${from} to ${to}`);
    }
    const reasons: string[] = [];
    readBroken(now, inputBase, line.length + 1, { file: "", fileLine: 1, ordinal: 0 }, ({ reason }) =>
      reasons.push(reason),
    );
    if (written > 0) {
      assert.ok(now.bytes.subarray(arenaEnd + written, arenaEnd + written + 64).some((byte) => byte !== 0));
      assert.is(reasons.length, 1);
    } else assert.equal(reasons, []);
  });
}

// The limit as a user meets it.

let folder = "";
let pack = "";

memory.before(() => {
  folder = mkdtempSync(join(tmpdir(), "kestrel-limits-"));
  pack = join(folder, "pack");
  const compiled = compileOne('any where process.name == "a"');
  const sources = new Map(compiled.rules.map(({ rule }) => [rule.source.file, { name: "one.eql", text: rule.query }]));
  const { timestampField, tiebreakerField, categoryField } = DEFAULT_OPTIONS;
  const about = {
    name: "limits",
    version: "1.0.0",
    compilerVersion: "test",
    timestampField,
    tiebreakerField,
    categoryField,
  };
  writePackage(pack, buildPackage(compiled.rules, partsOf(compiled), sources, about));
});
memory.after(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly alerts: number;
  readonly stderr: string;
}

function run(parameters: readonly string[], input: string | Buffer = ""): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, pack, "--replay", "-", "--summary", "json", ...parameters]);
    let feeds = 0;
    let stderr = "";
    child.stdout.on("data", (bytes: Buffer) => {
      feeds += countLines(bytes);
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code: number | null) => resolve({ code, alerts: feeds, stderr }));
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

/** An event that the rule asks for, of so many bytes. */
function eventOf(bytes: number): Buffer {
  const line = Buffer.alloc(bytes, " ");
  line.set(
    Buffer.from('{"@timestamp":"2026-01-01T00:00:00Z","event":{"category":"process"},"process":{"name":"a"},"x":"'),
  );
  line.set(Buffer.from('"}'), bytes - 2);
  return line;
}

for (const [option, limit] of [
  [["--max-line", "4m"], abi.LONGEST_LINE],
  [["--max-line", "300"], 300],
  [[], USUAL_LONGEST_LINE],
] as const) {
  memory(`a line of ${limit} bytes is judged with "${option.join(" ")}", and one more is too long`, async () => {
    const ends: readonly (readonly [what: string, bytes: number, end: string, isJudged: boolean])[] = [
      ["exactly", limit, "\n", true],
      ["one more", limit + 1, "\n", false],
      // The carriage return is a byte of the line.
      ["exactly, with a carriage return", limit - 1, "\r\n", true],
      ["one more, with a carriage return", limit, "\r\n", false],
      ["exactly, without an end", limit, "", true],
      ["one more, without an end", limit + 1, "", false],
    ];
    const check = async ([what, bytes, end, isJudged]: (typeof ends)[number]): Promise<void> => {
      const small = `${eventOf(200)}\n`;
      const { code, alerts, stderr } = await run(
        option,
        Buffer.concat([Buffer.from(small), eventOf(bytes), Buffer.from(end)]),
      );
      assert.is(code, 0, `${what}: ${stderr}`);
      const summary = JSON.parse(stderr.split("\n").findLast((line) => line.startsWith("{")) ?? "") as {
        readonly events: number;
        readonly too_long: number;
      };
      const expected = isJudged ? [2, 2, 0] : [1, 1, 1];
      assert.equal([alerts, summary.events, summary.too_long], expected, what);
    };
    await Promise.all(ends.map(check));
  });
}

memory("a limit that no module can hold is wrong usage, and is said", async () => {
  for (const size of ["4194305", "5m", "1g", "0"]) {
    const { code, stderr } = await run(["--max-line", size]);
    assert.is(code, 3, size);
    assert.match(
      stderr,
      /^error: option '--max-line <bytes>' argument .* A size is a number of bytes from 1 to 4m/,
      size,
    );
  }
  assert.is((await run(["--max-line", "4194304"], "{}\n")).code, 0);
  assert.match((await run(["--memory", "1"])).stderr, /A size is a number of bytes from 1048576 to 1024g/);
});

memory.run();

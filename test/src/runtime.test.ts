// The runtime around a module written by hand: what the loader refuses, and what the detector makes of lines however they
// are cut into chunks.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createEvaluator } from "@kestrel/runtime/evaluate/evaluator";
import {
  alertToJson,
  type BrokenLine,
  createDetector,
  type Detection,
  type DetectorCounters,
  type DetectorOptions,
  detectionToAlert,
  type EvidenceEvent,
  loadPackage,
  ModuleError,
  type Package,
  PackageError,
  packageFromMemory,
} from "@kestrel/runtime/index";
import { createLane, PAUSE_AFTER } from "@kestrel/runtime/lane/lane";
import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { manifestText } from "@kestrel/stdlib/package-format";
import { type LateTest, type LineageProgram, programToJson } from "@kestrel/stdlib/sequence-tables";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  assemble,
  type FakePack,
  fakeManifest,
  fakePack,
  fakePredicate,
  fakeProgram,
  fakeRule,
  fakeStage,
  INPUT_ROOM,
  LATE_ROOM,
  withDigest,
} from "./support/fake-pack.js";

const loading = suite("loading packages");
const detecting = suite("detector");

const SECOND = 1_000_000_000n;

/** Predicates 0 to 2 belong to sequences, 2 to rules as well; 3 and 4 to event rules only. */
const PACK: FakePack = {
  rules: [
    fakeRule("three", "event"),
    fakeRule("both", "sequence"),
    fakeRule("absent", "sequence"),
    fakeRule("two-or-four", "event"),
    fakeRule("any-order", "sample"),
  ],
  predicates: [[], [], [3], [0], [3, 0]],
  programs: [
    fakeProgram({ rule: 1, kind: "sequence", maxspanNs: 5n * SECOND, stages: [fakeStage(0), fakeStage(1)] }),
    fakeProgram({
      rule: 2,
      kind: "sequence",
      maxspanNs: 2n * SECOND,
      stages: [fakeStage(0), fakeStage(2, { missing: true })],
    }),
    fakeProgram({ rule: 4, kind: "sample", stages: [fakeStage(1), fakeStage(2)] }),
  ],
};

let folder = "";
loading.before(() => {
  folder = mkdtempSync(join(tmpdir(), "kestrel-load-"));
});
loading.after(() => rmSync(folder, { recursive: true, force: true }));

let written = 0;
function write(files: Readonly<Record<string, string | Uint8Array>>): string {
  const dir = join(folder, `package-${written++}`);
  mkdirSync(dir);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), content);
  }
  return dir;
}

/** Each problem as `code file`, with the message behind it when `full`. */
async function problemsOf(loaded: Promise<Package>, full = false): Promise<string[]> {
  try {
    await loaded;
    return [];
  } catch (error) {
    if (!(error instanceof PackageError)) throw error;
    return error.problems.map(({ code, file, message }) => `${code} ${file}${full ? `: ${message}` : ""}`);
  }
}

async function parts(): Promise<{ manifest: PackageManifest; files: Record<string, string | Uint8Array> }> {
  const { manifest, module } = await fakePack(PACK);
  return { manifest, files: { "manifest.json": manifestText(manifest), "module.wasm": module } };
}

loading("takes a package that is whole, from a folder and from memory", async () => {
  const { files } = await parts();
  const fromFolder = await loadPackage(write(files));
  assert.is(fromFolder.manifest.rules.length, 5);
  assert.equal(fromFolder.programs, PACK.programs);
  const fromMemory = await packageFromMemory(await fakePack(PACK));
  assert.equal(fromMemory.manifest, fromFolder.manifest);
});

loading("says when there is no package", async () => {
  assert.match(
    (await problemsOf(loadPackage(join(folder, "nowhere")), true)).join(),
    /E_PACKAGE_MISSING .*no such folder/,
  );
  assert.match((await problemsOf(loadPackage(write({})), true)).join(), /E_PACKAGE_MISSING .*holds no manifest\.json/);
  const file = join(write({ "x.txt": "" }), "x.txt");
  assert.match((await problemsOf(loadPackage(file), true)).join(), /E_PACKAGE_MISSING .*not a folder/);
});

loading("refuses manifests of another kind, format or interface", async () => {
  const { manifest, files } = await parts();
  const load = (text: string): Promise<string[]> =>
    problemsOf(loadPackage(write({ ...files, "manifest.json": text })), true);
  assert.match((await load("{")).join(), /^E_PACKAGE_MANIFEST manifest\.json: is not JSON/);
  assert.equal(await load("[]"), ["E_PACKAGE_MANIFEST manifest.json: expected an object, found an array"]);
  assert.match((await load('{"format_version":"1.0","metadata":{}}')).join(), /^E_PACKAGE_FORMAT .*by hand/);
  assert.equal(await load(manifestText({ ...manifest, format_version: "1.0" })), [
    'E_PACKAGE_FORMAT manifest.json: format_version is "1.0"; this runtime reads "2.0"',
  ]);
  assert.equal(await load(manifestText(withDigest({ ...manifest, abi_version: 99 }))), [
    "E_PACKAGE_ABI manifest.json: abi_version is 99; this runtime speaks 3",
  ]);
});

loading("reports every mistake in a manifest with its place", async () => {
  const { manifest, files } = await parts();
  const broken = {
    ...manifest,
    package: { name: "", version: 1, digest: "abc" },
    rules: [{ ...manifest.rules[0], kind: "rule", tags: ["a", 2] }, ...manifest.rules.slice(1), manifest.rules[1]],
    predicates: [[], [0.5], [9], [1]],
    files: [...manifest.files, { path: "../out", bytes: -1, sha256: "" }, { path: "/etc/x", bytes: 1, sha256: "" }],
  };
  const text = JSON.stringify(broken);
  const found = await problemsOf(loadPackage(write({ ...files, "manifest.json": text })), true);
  const places = found.map((line) => line.replace("E_PACKAGE_MANIFEST manifest.json: ", ""));
  assert.equal(places, [
    "package.version: expected a string, found a number",
    "package.name: is empty",
    "package.digest: expected 64 hexadecimal digits",
    "rules[0].tags[1]: expected a string, found a number",
    'rules[0].kind: expected one of event, sequence, sample, join, found "rule"',
    'rules[5].id: "both" is the id of rules[1] already',
    "predicates[1][0]: expected a whole number from 0, found 0.5",
    "predicates[2][0]: there is no rule 9",
    "predicates[3][0]: rule 1 is a sequence, not an event rule",
    "files[1].bytes: expected a whole number from 0, found -1",
    "files[1].sha256: expected 64 hexadecimal digits",
    'files[1].path: "../out" is a path that leaves the package',
    "files[2].sha256: expected 64 hexadecimal digits",
    'files[2].path: "/etc/x" is an absolute path',
  ]);
});

loading("checks the digest and every listed file, and reports all of it at once", async () => {
  const { manifest, files } = await parts();
  const source = new TextEncoder().encode("any where true\n");
  const { module } = await fakePack(PACK);
  const listed = {
    "module.wasm": module,
    "sources/a.eql": source,
    "sources/b.eql": source,
  };
  const whole = fakeManifest(PACK, listed);
  assert.equal(await problemsOf(loadPackage(write({ ...listed, "manifest.json": manifestText(whole) }))), []);

  const renamed = manifestText({ ...manifest, package: { ...manifest.package, name: "other" } });
  assert.equal(await problemsOf(loadPackage(write({ ...files, "manifest.json": renamed }))), [
    "E_PACKAGE_DIGEST manifest.json",
  ]);
  const changed = Buffer.from(module);
  changed[12] = (changed[12] ?? 0) ^ 1;
  const touched = write({ ...listed, "module.wasm": changed, "manifest.json": manifestText(whole) });
  assert.equal(await problemsOf(loadPackage(touched), true), [
    "E_PACKAGE_FILE module.wasm: was changed after it was built: its SHA-256 is not the one in the manifest",
  ]);
  const dir = write({ ...listed, "sources/a.eql": "short", "manifest.json": manifestText(whole) });
  rmSync(join(dir, "sources/b.eql"));
  rmSync(join(dir, "module.wasm"));
  mkdirSync(join(dir, "module.wasm"));
  assert.equal(await problemsOf(loadPackage(dir), true), [
    "E_PACKAGE_FILE module.wasm: not a file",
    "E_PACKAGE_FILE sources/a.eql: has 5 bytes, not 15",
    "E_PACKAGE_FILE sources/b.eql: is missing",
  ]);
  const linked = write({ ...listed, "manifest.json": manifestText(whole) });
  rmSync(join(linked, "sources/b.eql"));
  const outside = join(folder, "outside.eql");
  writeFileSync(outside, source);
  symlinkSync(outside, join(linked, "sources/b.eql"));
  assert.equal(await problemsOf(loadPackage(linked), true), [
    "E_PACKAGE_FILE sources/b.eql: a link that leaves the package",
  ]);
});

loading("refuses modules with another interface", async () => {
  const tree: LineageProgram = {
    dialect: "elastic",
    feed: 0,
    starts: 0,
    ends: 0,
    processes: null,
    resets: null,
    queries: [{ flag: 2, relation: "event", predicate: 0, late: null }],
  };
  const pack: FakePack = { rules: [], predicates: [[]], programs: [], lineage: [tree] };
  const load = (module: Uint8Array): Promise<string[]> => {
    const manifest = fakeManifest(pack, { "module.wasm": module });
    return problemsOf(packageFromMemory({ manifest, module }), true);
  };
  assert.match((await load(new Uint8Array([1, 2, 3, 4]))).join(), /^E_PACKAGE_MODULE module\.wasm: does not compile/);
  const strange = await assemble(`
    @external("env", "now") declare function now(): f64;
    @external("kestrel", "f64_parse") declare function parse(address: i32, length: i32): f64;
    export const abi_version: i32 = 1; export function input_base(): f64 { return now() + parse(0, 0); }`);
  const missing = ["input_capacity", "output_base", "late_base", "late_capacity", "lineage_flags"];
  assert.equal(await load(strange), [
    "E_PACKAGE_MODULE module.wasm: imports env.now, which does not exist",
    "E_PACKAGE_MODULE module.wasm: exports input_base as a function; it must be a global",
    ...[...missing, "run", "late_begin", "late_event", "late_test"].map(
      (name) => `E_PACKAGE_MODULE module.wasm: does not export ${name}`,
    ),
  ]);
  const misplaced = await assemble(`
    export const abi_version: i32 = 4; export const input_base: i32 = 0; export const input_capacity: i32 = 999999;
    export const output_base: i32 = -1; export function run(a: i32, n: i32): i32 { return a + n; }
    export const late_base: i32 = 262143; export const late_capacity: i32 = 65; export const lineage_flags: i32 = 262142;
    export function late_begin(): void {} export function late_test(p: i32): i32 { return p; }
    export function late_event(r: i32, a: i32, n: i32): i32 { return r + a + n; }`);
  assert.equal(await load(misplaced), [
    "E_PACKAGE_ABI module.wasm: the module speaks ABI version 4; this runtime speaks 3",
    "E_PACKAGE_MODULE module.wasm: an input region of 999999 bytes at 0 does not fit into 262144 bytes of memory",
    "E_PACKAGE_MODULE module.wasm: the output region at 4294967295 stands outside 262144 bytes of memory",
    "E_PACKAGE_MODULE module.wasm: a late region of 65 bytes at 262143 does not fit into 262144 bytes of memory",
    "E_PACKAGE_MODULE module.wasm: 3 lineage flags at 262142 do not fit into 262144 bytes of memory",
  ]);
});

loading("refuses programs that lead nowhere", async () => {
  const load = async (pack: Partial<FakePack>, batch = false): Promise<string[]> => {
    const found = await problemsOf(packageFromMemory(await fakePack({ ...PACK, ...pack }), { batch }), true);
    return found.map((line) => line.replace("E_PACKAGE_MANIFEST manifest.json: ", ""));
  };
  const [first] = PACK.programs;
  if (first === undefined) throw new Error("no program");
  const late = (predicate: number): LateTest => ({ predicate, stages: [] });
  const until = { predicate: 8, late: late(9) };
  const stages = [fakeStage(5, { late: late(6) })];
  assert.equal(
    await load({
      programs: [
        { ...first, rule: 0, stages, until, pipes: [{ kind: "filter", test: late(7) }] },
        { ...first, rule: 77 },
        first,
        first,
      ],
    }),
    [
      "programs[0].kind: is sequence, but rule 0 is of kind event",
      "programs[0].stages[0]: there is no predicate 5",
      "programs[0].stages[0].late: there is no predicate 6",
      "programs[0].until: there is no predicate 8",
      "programs[0].until.late: there is no predicate 9",
      "programs[0].pipes[0]: there is no predicate 7",
      "programs[1].rule: there is no rule 77",
      "programs[3].rule: rule 1 has a program already",
      "predicates[3]: decides rule 0, which has a program",
      "predicates[4]: decides rule 0, which has a program",
    ],
  );
  const tree = {
    dialect: "endgame",
    feed: 5,
    starts: 6,
    ends: 7,
    processes: 8,
    resets: 9,
    queries: [{ flag: 0, relation: "child", predicate: 10, late: late(11) }],
  } as const;
  assert.equal(
    await load({ lineage: [tree] }),
    ["feed", "starts", "ends", "processes", "resets", "queries[0]", "queries[0].late"].map(
      (name, at) => `lineage[0].${name}: there is no predicate ${5 + at}`,
    ),
  );
  const keys = late(0);
  const kinds = ["sort", "count"] as const;
  const batch = { ...first, pipes: [{ kind: "tail", count: 1 } as const, ...kinds.map((kind) => ({ kind, keys }))] };
  assert.equal(
    await load({ programs: [batch] }),
    ["tail", ...kinds].map(
      (kind, at) => `programs[0].pipes[${at}].kind: ${kind} needs the end of the matches, and a stream has none`,
    ),
  );
  assert.equal(await load({ programs: [batch] }, true), []);
});

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** The value with one of its parts replaced, for every part in it, with the part's path. */
function* damaged(value: Json, replaced: Json): Generator<Json> {
  yield replaced;
  if (Array.isArray(value)) {
    const items: readonly Json[] = value;
    for (const [at, item] of items.entries()) {
      for (const other of damaged(item, replaced)) yield items.map((old, index) => (index === at ? other : old));
      yield items.filter((_, index) => index !== at);
    }
  } else if (typeof value === "object" && value !== null) {
    for (const [name, item] of Object.entries(value)) {
      for (const other of damaged(item as Json, replaced)) yield { ...value, [name]: other };
      yield Object.fromEntries(Object.entries(value).filter(([own]) => own !== name));
    }
  }
}

loading(
  "trusts no part of a program or tree: what is taken means what it says, the rest has its place named",
  async () => {
    const { manifest, module } = await fakePack({ ...LATE_PACK, programs: [...LATE_PACK.programs] });
    const tables = JSON.parse(JSON.stringify({ programs: manifest.programs, lineage: manifest.lineage })) as Json;
    const bad: readonly Json[] = [null, true, -1, 0.5, 1e30, 2 ** 53, 3, "", "5000000000", "x", [], {}, [null], [{}]];
    let taken = 0;
    let refused = 0;
    for (const replaced of bad) {
      for (const part of damaged(tables, replaced)) {
        if (part === replaced) continue;
        const { programs, lineage } = part as unknown as PackageManifest;
        const changed = withDigest({ ...manifest, programs, lineage });
        // The wrong module keeps it from being compiled each time.
        const found = await problemsOf(packageFromMemory({ manifest: changed, module: module.subarray(1) }), true);
        const own = found.filter((problem) => !problem.startsWith("E_PACKAGE_FILE module.wasm"));
        for (const problem of own) {
          assert.match(problem, /^E_PACKAGE_MANIFEST manifest\.json: (programs|lineage|predicates)\S*: /);
        }
        if (own.length > 0) {
          refused++;
          continue;
        }
        taken++;
        const pack = await packageFromMemory({ manifest: changed, module });
        assert.equal(JSON.parse(JSON.stringify(pack.programs.map(programToJson))), changed.programs);
        createDetector(pack, { latenessNs: null, onAlert: () => undefined });
      }
    }
    assert.ok(taken > 50 && refused > 3000, `${taken} taken, ${refused} refused`);
  },
);

interface Outcome {
  /** Each detection as `rule key ordinal,ordinal`. */
  readonly alerts: string[];
  readonly lines: string[];
  readonly broken: BrokenLine[];
  readonly counters: DetectorCounters;
}

async function detect(
  lines: readonly string[],
  options: Partial<DetectorOptions> = {},
  linesPerChunk = Number.POSITIVE_INFINITY,
  source = PACK,
): Promise<Outcome> {
  const pack = await packageFromMemory(await fakePack(source));
  const alerts: string[] = [];
  const written: string[] = [];
  const broken: BrokenLine[] = [];
  const onAlert = (detection: Detection): void => {
    const rule = pack.manifest.rules[detection.rule]?.id;
    alerts.push(`${rule} ${detection.key} ${detection.events.map((event) => event?.ordinal ?? "-").join()}`);
    written.push(alertToJson(detectionToAlert(detection, pack.manifest)));
  };
  const detector = createDetector(pack, {
    latenessNs: 60n * SECOND,
    onAlert,
    onBroken: (line) => broken.push(line),
    ...options,
  });
  for (let at = 0; at < lines.length; ) {
    const some = lines.slice(at, at + linesPerChunk);
    const bytes = Buffer.from(some.map((line) => `${line}\n`).join(""));
    assert.is(detector.feed(bytes, { file: "f", firstLine: at + 1 }), some.length);
    bytes.fill(0);
    at += some.length;
  }
  detector.finish();
  return { alerts, lines: written, broken, counters: detector.counters() };
}

detecting("tells event rules, sequences, missing events and samples", async () => {
  const { alerts, counters } = await detect([
    '{"t":1000,"p":"0","k":"ab"}',
    '{"t":1500,"p":"43"}',
    '{"t":2000,"p":"1","k":"b"}',
    '{"t":2500,"p":"2","k":"a"}',
    '{"t":9000,"p":"2","k":"b"}',
    '{"t":9100}',
  ]);
  assert.equal(alerts, [
    "three  1",
    "two-or-four  1",
    "two-or-four  3",
    "two-or-four  4",
    'both "b" 0,2',
    'any-order "b" 2,4',
    'absent "b" 0,-',
  ]);
  assert.is(counters.events, 6);
  assert.is(counters.matched, 5);
  assert.is(counters.alerts, 7);
  assert.equal(counters.alertsByRule, [1, 1, 1, 3, 1]);
  assert.is(counters.lastTime, 9_100_000_000n);
});

detecting("lets wait what needs an order, and nothing else", async () => {
  const lines = [
    '{"t":1000,"p":"1","k":"a"}',
    '{"t":900,"p":"0","k":"a"}',
    '{"t":90000}',
    '{"t":91000,"p":"3"}',
    '{"t":2000,"p":"3"}',
  ];
  const bounded = await detect(lines, { latenessNs: SECOND });
  assert.equal(bounded.alerts, ['both "a" 1,0', "three  3", "three  4", 'absent "a" 1,-']);
  assert.is(bounded.counters.late, 0);
  const sorted = await detect(lines, { latenessNs: null });
  assert.equal(sorted.alerts, ["three  3", "three  4", 'both "a" 1,0', 'absent "a" 1,-']);
  assert.is(sorted.counters.late, 0);
});

detecting("uses tiebreakers, and gives an event without a time the time of the one before it", async () => {
  const { alerts, counters } = await detect([
    '{"p":"3"}',
    '{"t":1000,"n":5,"p":"1","k":"a"}',
    '{"t":1000,"n":4,"p":"0","k":"a"}',
    '{"p":"3"}',
  ]);
  assert.equal(alerts, ["three  0", "three  3", 'both "a" 2,1', 'absent "a" 2,-']);
  assert.is(counters.untimed, 2);
});

detecting("reports broken and too long lines with their place", async () => {
  const long = `{"t":3000,"p":"3","pad":"${"x".repeat(INPUT_ROOM)}"}`;
  const fits = `{"t":1,"p":"3","pad":"`.padEnd(INPUT_ROOM - 3, "y");
  const lines = ['{"t":1}', "", "not json", long, `${fits}"}`, "  [1]  ", '{"t":2,"p":"3"}'];
  const { broken, counters, alerts } = await detect(lines);
  assert.equal(
    broken.map(({ file, line, reason }) => `${file}:${line} ${reason}`),
    ["f:3 not a JSON object", `f:4 too long, ${long.length} bytes`, "f:6 not a JSON object"],
  );
  assert.is(broken[0]?.excerpt, "not json");
  assert.is(broken[1]?.excerpt, `${long.slice(0, 120)}…`);
  assert.is(broken[2]?.excerpt, "[1]");
  assert.equal([counters.lines, counters.events, counters.blank, counters.broken, counters.tooLong], [7, 3, 1, 3, 1]);
  assert.equal(alerts, ["three  4", "three  6"]);
});

detecting("gives the same bytes and counters for any chunks", async () => {
  let seed = 12345;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const lines: string[] = [];
  for (let index = 0; index < 1500; index++) {
    const kind = random(40);
    if (kind === 0) lines.push("");
    else if (kind === 1) lines.push("?");
    else if (kind === 2) lines.push(`{"pad":"${"z".repeat(INPUT_ROOM + random(3))}"}`);
    else {
      const time = kind === 3 ? "" : `"t":${index * 100 - random(4000)},`;
      const tie = random(3) === 0 ? `"n":${random(9)},` : "";
      const predicates = [0, 1, 2, 3, 4].filter(() => random(4) === 0).join("");
      const keys = ["", "a", "b", "ab", "ba", "cde"][random(6)];
      lines.push(`{${time}${tie}"p":"${predicates}","k":"${keys}","i":${index}}`);
    }
  }
  for (const latenessNs of [0n, 2n * SECOND, null]) {
    const whole = await detect(lines, { latenessNs });
    assert.ok(whole.alerts.length > 200);
    assert.is(whole.counters.late > 0, latenessNs !== null);
    for (const linesPerChunk of [1, 2, 3, 7, 50]) {
      const cut = await detect(lines, { latenessNs }, linesPerChunk);
      assert.is(cut.lines.join("\n"), whole.lines.join("\n"), `${linesPerChunk} lines a chunk`);
      assert.equal(cut.broken, whole.broken);
      assert.equal(cut.counters, whole.counters);
    }
  }
  const crowded = await detect(lines, { memoryBytes: 8000, maxPerProgram: 3 });
  assert.ok(crowded.counters.overflowed > 0 && crowded.counters.sequences.evicted > 0);
  const cut = await detect(lines, { memoryBytes: 8000, maxPerProgram: 3 }, 1);
  assert.is(cut.lines.join("\n"), crowded.lines.join("\n"));
  assert.equal(cut.counters, crowded.counters);
});

/** The late test whose predicate is written as a character, see fake-pack.ts. */
function lateOf(character: string, ...stages: readonly number[]): LateTest {
  return { predicate: fakePredicate(character), stages };
}

const LATE_PACK: FakePack = {
  rules: [
    fakeRule("plain", "event"),
    fakeRule("same-value", "sequence"),
    fakeRule("listed", "event"),
    fakeRule("child", "event"),
    fakeRule("distinct", "event"),
    fakeRule("after-child", "sequence"),
  ],
  predicates: Array.from({ length: 52 }, (_, predicate) => (predicate === 9 ? [0] : [])),
  programs: [
    fakeProgram({ rule: 1, kind: "sequence", stages: [fakeStage(0), fakeStage(1, { late: lateOf("A", 0) })] }),
    fakeProgram({ rule: 2, kind: "event", stages: [fakeStage(9, { late: lateOf("<") })] }),
    fakeProgram({ rule: 3, kind: "event", stages: [fakeStage(2, { late: lateOf("a") })] }),
    fakeProgram({
      rule: 4,
      kind: "event",
      stages: [fakeStage(3)],
      pipes: [
        { kind: "filter", test: lateOf("=") },
        { kind: "unique_count", keys: lateOf(">") },
        { kind: "filter", test: lateOf("@") },
        { kind: "head", count: 3 },
      ],
    }),
    fakeProgram({ rule: 5, kind: "sequence", stages: [fakeStage(2, { late: lateOf("a") }), fakeStage(8)] }),
  ],
  lineage: [
    {
      dialect: "elastic",
      feed: 4,
      starts: 5,
      ends: 6,
      processes: null,
      resets: null,
      queries: [{ flag: 0, relation: "child", predicate: 7, late: lateOf("?") }],
    },
  ],
};

detecting("asks late tests beside the events of earlier stages", async () => {
  const { alerts, counters } = await detect(
    [
      '{"t":1000,"p":"0","k":"z","v":"x"}',
      '{"t":2000,"p":"1","k":"z","v":"y"}',
      '{"t":3000,"p":"1","k":"z"}',
      '{"t":4000,"p":"1","k":"z","v":"x"}',
      '{"t":5000,"p":"9","l":"<"}',
      '{"t":6000,"p":"9","l":"="}',
    ],
    {},
    1,
    LATE_PACK,
  );
  assert.equal(alerts, ["plain  4", "plain  5", 'same-value "z" 0,3', "listed  4"]);
  assert.equal([counters.lateTests, counters.lateLost], [5, 0]);
});

detecting("sets lineage flags before late tests, and marks only what passes the query's own", async () => {
  const { alerts, counters } = await detect(
    [
      '{"t":1,"p":"457","o":"a----"}',
      '{"t":2,"p":"245","o":"b-a--"}',
      '{"t":3,"p":"47","o":"a----","l":"?"}',
      '{"t":4,"p":"245","o":"c-a--"}',
      '{"t":5,"p":"24","o":"b-a--"}',
      '{"t":6,"p":"24","o":"c----"}',
      '{"t":7,"p":"2"}',
      '{"t":8,"p":"8"}',
    ],
    {},
    3,
    LATE_PACK,
  );
  assert.equal(alerts, ["child  3", "child  5"]);
  assert.equal(counters.lineage, { known: 3, forgottenForCap: 0, forgottenForAge: 0 });
  const keyed = [
    '{"t":1,"p":"47","o":"a----","l":"?"}',
    '{"t":2,"p":"245","o":"c-a--"}',
    '{"t":3,"p":"8","o":"c-a--"}',
  ];
  const sequence = await detect(keyed, {}, 3, LATE_PACK);
  assert.equal(sequence.alerts, ["child  1", 'after-child "c"\nnull\n"a"\nnull\nnull 1,2']);
});

detecting("lets matches through pipes", async () => {
  const lines = [
    '{"t":1,"p":"3","l":"=>","u":"a"}',
    '{"t":2,"p":"3","l":"=>","u":"a"}',
    '{"t":3,"p":"3","l":">","u":"b"}',
    '{"t":4,"p":"3","l":"=>","u":"-"}',
    '{"t":5,"p":"3","l":"=>","u":"-"}',
    '{"t":6,"p":"3","l":"=","u":"a"}',
    '{"t":7,"p":"3","l":"=>","u":"c"}',
  ];
  const { alerts, counters } = await detect(lines, {}, 2, LATE_PACK);
  assert.equal(alerts, ["distinct  0", "distinct  3", "distinct  5"]);
  assert.is(counters.pipeKeysForgotten, 0);
  const unpiped = await detect(lines, { pipes: false }, 9, LATE_PACK);
  assert.is(unpiped.alerts.length, lines.length);
});

detecting("forgets the oldest keys of pipes, and counts them", async () => {
  const lines = ["a", "b", "a", "c", "b"].map((key, at) => `{"t":${at},"p":"3","l":"=>","u":"${key}"}`);
  const roomy: FakePack = {
    ...LATE_PACK,
    programs: [
      fakeProgram({ rule: 4, kind: "event", stages: [fakeStage(3)], pipes: [{ kind: "unique", keys: lateOf(">") }] }),
    ],
  };
  const all = await detect(lines, {}, 9, roomy);
  assert.equal(all.alerts, ["distinct  0", "distinct  1", "distinct  3"]);
  const few = await detect(lines, { maxPipeKeys: 1 }, 9, roomy);
  assert.equal([few.alerts.length, few.counters.pipeKeysForgotten], [5, 4]);
});

detecting("counts late tests whose lines do not fit, and those whose lines cannot be read", async () => {
  const pad = "x".repeat(LATE_ROOM / 2);
  const { alerts, counters } = await detect(
    [
      `{"t":1,"p":"0","k":"z","v":"x","z":"${pad}"}`,
      `{"t":2,"p":"1","k":"z","v":"x","z":"${pad}"}`,
      '{"t":3,"p":"1","k":"z","v":"x","?":1}',
      '{"t":4,"p":"1","k":"z","v":"x"}',
    ],
    {},
    1,
    LATE_PACK,
  );
  assert.equal(alerts, ['same-value "z" 0,3']);
  assert.equal([counters.lateTests, counters.lateLost], [3, 2]);
});

detecting("says nothing of lineage when nothing asks for it", async () => {
  assert.is((await detect(['{"t":1,"p":"3"}'])).counters.lineage, null);
});

detecting("reads all that a run found before it asks anything, however lines are cut", async () => {
  const lines: string[] = [];
  let state = 3;
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return Math.floor(((state >>> 0) / 4294967296) * below);
  };
  const some = (letters: string): string => [...letters].filter(() => next(3) === 0).join("");
  const one = (letters: string): string => letters[next(letters.length)] ?? "";
  for (let index = 0; index < 1500; index++) {
    const id = next(3) > 0 ? `,"o":"${one("abcd-")}-${one("abcd-")}--"` : "";
    const parts = `"l":"${some("<=>?")}","v":"${one("xy")}","u":"${one("abcdefgh-")}"`;
    lines.push(`{"t":${index * 10 - next(40)},"p":"${some("0123456789")}",${parts}${id}}`);
  }
  const roomy = LATE_PACK.programs.map((program) => ({
    ...program,
    pipes: program.pipes.filter(({ kind }) => kind !== "head"),
  }));
  for (const order of ["time", "arrival"] as const) {
    const options = { order, maxProcesses: 3, maxPipeKeys: 4, latenessNs: SECOND / 50n };
    const whole = await detect(lines, options, 2000, { ...LATE_PACK, programs: roomy });
    const rules = new Set(whole.alerts.map((line) => line.split(" ")[0]));
    assert.is(rules.size, 6, [...rules].join());
    assert.ok((whole.counters.lineage?.forgottenForCap ?? 0) > 0 && whole.counters.pipeKeysForgotten > 0);
    for (const linesPerChunk of [1, 2, 5, 40]) {
      const cut = await detect(lines, options, linesPerChunk, { ...LATE_PACK, programs: roomy });
      assert.is(cut.lines.join("\n"), whole.lines.join("\n"), `${order}, ${linesPerChunk} lines a chunk`);
      assert.equal(cut.counters, whole.counters);
    }
  }
});

detecting("takes events as they arrive when told to", async () => {
  const lines = ['{"t":9000,"p":"0","k":"a"}', '{"t":5000,"p":"1","k":"a"}', '{"t":20000,"p":"3"}', '{"t":1,"p":"3"}'];
  const { alerts, counters } = await detect(lines, { order: "arrival" });
  assert.equal(alerts, ['both "a" 0,1', "three  2", "three  3", 'absent "a" 0,-']);
  assert.equal([counters.late, counters.waiting], [0, 0]);
});

detecting("answers who applies pipes, once the stream has ended", async () => {
  const pack = await packageFromMemory(await fakePack(LATE_PACK));
  const events: (EvidenceEvent | null)[] = [];
  const detector = createDetector(pack, {
    latenessNs: null,
    pipes: false,
    onAlert: (detection) => events.push(...detection.events),
  });
  const lines = '{"t":1,"p":"3","v":"x","l":">","u":"ab"}\n{"t":2,"p":"3","v":"x"}\n';
  detector.feed(Buffer.from(lines), { file: "f", firstLine: 1 });
  detector.finish();
  const [first, second] = events;
  if (first == null || second == null) throw new Error("no events");
  assert.equal(detector.ask(lateOf(">"), first, []), ['"a"\n"b"']);
  assert.is(detector.ask(lateOf(">"), second, []), null);
  assert.equal(detector.ask(lateOf("A", 2), first, [second]), ['"a"\n"b"']);
  assert.equal(detector.ask(lateOf("A", 2), second, [null]), [""]);
});

detecting("keeps what it remembers of a rule under the rule's id", async () => {
  const pack = await packageFromMemory(await fakePack(LATE_PACK));
  const found: string[] = [];
  const lane = createLane(pack, {
    latenessNs: null,
    order: "arrival",
    onAlert: ({ rule }) => found.push(pack.manifest.rules[rule]?.id ?? ""),
  });
  const evaluator = createEvaluator(pack);
  const lines = [
    '{"t":1,"p":"0","k":"y","v":"x"}',
    '{"t":2,"p":"0","k":"z","v":"x"}',
    '{"t":3,"p":"1","k":"z","v":"x"}',
    '{"t":4,"p":"3","l":"=>","u":"a"}',
    '{"t":5,"p":"3","l":"=>","u":"a"}',
    '{"t":6,"p":"9"}',
  ];
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  for (const batch of evaluator.evaluate(bytes, { file: "f", firstLine: 1 }, 0)) for (const _ of lane.take(batch));
  assert.equal(found, ["same-value", "distinct", "plain"]);
  const sequence = lane.stateOf("same-value");
  assert.equal([...(sequence?.sequence?.keys.keys() ?? [])], ['"y"']);
  assert.is(sequence?.sequence?.automaton.index, 0);
  const pipes = lane.stateOf("distinct");
  assert.equal(pipes?.pipes, { left: [0, 0, 0, 2], seen: new Set(['1 "a"']), forgotten: 0 });
  assert.equal([sequence?.alerts, pipes?.alerts, lane.stateOf("plain")?.alerts], [1, 1, 1]);
  const plain = lane.stateOf("plain");
  assert.equal([plain?.program, plain?.sequence, plain?.pipes], [null, null, null]);
  assert.is(lane.stateOf("no such rule"), undefined);
});

detecting("pauses after some alerts, and finds the same as without pauses", async () => {
  const pack = await packageFromMemory(await fakePack(PACK));
  // Each event alerts twice, and begins a sequence that only its deadline completes.
  const lines = Array.from({ length: 2000 }, (_, at) => `{"t":${at},"p":"034","k":"${"abcdefgh"[at % 8]}"}\n`);
  const bytes = Buffer.from(lines.join(""));
  for (const latenessNs of [0n, null]) {
    const whole: string[] = [];
    const show = ({ rule, key, events }: Detection): string => `${rule} ${key} ${events.map((one) => one?.ordinal)}`;
    const plain = createDetector(pack, { latenessNs, onAlert: (detection) => whole.push(show(detection)) });
    plain.feed(bytes, { file: "f", firstLine: 1 });
    plain.finish();
    const found: string[] = [];
    let since = 0;
    let pauses = 0;
    const detector = createDetector(pack, {
      latenessNs,
      onAlert(detection) {
        found.push(show(detection));
        since++;
      },
    });
    const runSteps = (steps: Generator<void, unknown, void>): void => {
      for (const _ of steps) {
        pauses++;
        assert.ok(since <= PAUSE_AFTER + 2, `${since} alerts without a pause`);
        since = 0;
      }
    };
    runSteps(detector.feedInSteps(bytes, { file: "f", firstLine: 1 }));
    assert.ok(pauses > 10);
    const left = detector.finishInSteps();
    left.next();
    if (latenessNs === null) assert.throws(() => detector.finish(), /not run to its end/);
    since = 0;
    runSteps(left);
    assert.ok(pauses > 10);
    assert.equal(found, whole);
    assert.equal(detector.counters(), plain.counters());
  }
});

detecting("reports a flood of held matches piece by piece too", async () => {
  const pack = await packageFromMemory(await fakePack(PACK));
  const letters = Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at)).filter(
    (one) => !'"?\\!'.includes(one),
  );
  // All keys of one event are held until one deadline: nothing but time completes them.
  const event = (t: number): string => `{"t":${t},"p":"0","k":"${letters.join("")}"}\n`;
  const later = Array.from({ length: 100 }, (_, second) => `{"t":${second * 1000}}\n`).join("");
  const bytes = Buffer.from(`${event(0)}${event(1)}${event(2)}${event(3)}${event(4)}${later}`);
  let since = 0;
  let most = 0;
  let alerts = 0;
  const detector = createDetector(pack, {
    latenessNs: 0n,
    onAlert() {
      alerts++;
      since++;
      most = Math.max(most, since);
    },
  });
  for (const _ of detector.feedInSteps(bytes, { file: "f", firstLine: 1 })) since = 0;
  assert.ok(alerts >= PAUSE_AFTER && most === PAUSE_AFTER, `${alerts} alerts, ${most} at once`);
});

detecting("says when it is misused, and when the module fails", async () => {
  const pack = await packageFromMemory(await fakePack(PACK));
  const detector = createDetector(pack, { latenessNs: 0n, onAlert: () => undefined });
  assert.throws(() => detector.feed(Buffer.from("{}"), { file: "f", firstLine: 1 }), /must end with a line feed/);
  assert.is(detector.feed(Buffer.alloc(0), { file: "f", firstLine: 1 }), 0);
  const noTests = { predicate: 0, stages: [] };
  const event: EvidenceEvent = {
    ordinal: 0,
    ts: 0n,
    tie: null,
    bytes: Buffer.from("{}"),
    format: "json",
    lineage: null,
    file: "f",
    fileLine: 1,
  };
  assert.throws(() => detector.ask(noTests, event, []), /no late tests/);
  const failing = Buffer.from('{"t":1}\n{"!":1,"t":2}\n');
  const isModuleError = (error: unknown): boolean => error instanceof ModuleError;
  assert.throws(() => detector.feed(failing, { file: "f", firstLine: 1 }), isModuleError);
  assert.throws(() => detector.feed(failing, { file: "f", firstLine: 1 }), isModuleError);
  assert.throws(() => detector.finish(), isModuleError);
});

loading.run();
detecting.run();

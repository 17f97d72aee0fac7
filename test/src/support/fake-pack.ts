// A package whose module is written by hand: it speaks the interface of abi.ts over lines that a test can read at a glance,
// so that the runtime is tested without the compiler.
//
//     {"t":1500,"n":7,"p":"02","k":"ab"}
//
// is an event at 1,500 ms with tiebreaker 7, for which predicates 0 and 2 held, with the join key values "a" and "b".
// Every part may be missing. With "!" the module traps, with "#" it never returns. `"o":"a-b"` gives a key for each letter instead, a dash being a key that is not there; keys are
// optional then. A line that does not begin with `{` is broken, and one without anything in it is blank.
//
// Late tests read further parts; what they hold for depends on the predicate, which is written as the character behind "0":
//   0 to ?   the event at hand lists the predicate in "l"; its letters in "u" are the keys of the match
//   @        the event at hand has a "count"
//   A to `   the event at hand and all the others begin with the same letter in "v"
//   a and up the lineage flag of that number is set
// A line with a "?" cannot be read.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as abi from "@kestrel/stdlib/abi";
import type { ManifestRule, PackageManifest, RuleKind } from "@kestrel/stdlib/package-format";
import { digestText, FORMAT_VERSION, SCHEMA_VERSION } from "@kestrel/stdlib/package-format";
import {
  type LateTest,
  type LineageProgram,
  programToJson,
  type SequenceProgram,
  type SequenceStage,
} from "@kestrel/stdlib/sequence-tables";
import { repositoryRoot } from "./repository.js";

/** The compiler's own types redeclare what Node's types declare, so it is imported by a name that is not looked up. */
const ASC: string = "assemblyscript/asc";

interface Asc {
  main(
    options: readonly string[],
    host: {
      readFile(name: string): string | null;
      writeFile(name: string, contents: Uint8Array | string): void;
      listFiles(): string[];
      stderr: { write(text: string | Uint8Array): void };
    },
  ): Promise<{ readonly error: Error | null }>;
}

/** Bytes of the module's input region that lines may fill, and of its output region: both are small on purpose. */
export const INPUT_ROOM = 512;
const OUTPUT_ROOM = 400;
const INPUT_BASE = 131072;
const LATE_BASE = 196608;
/** Bytes that the lines of one late test may have. */
export const LATE_ROOM = 256;
const FLAGS = 60000;
const ROOTS = 61000;
const ROOT_LIMIT = 16;

const SOURCE = `
export const abi_version: i32 = ${abi.ABI_VERSION};
export const input_base: i32 = ${INPUT_BASE};
export const input_capacity: i32 = ${INPUT_ROOM + abi.INPUT_PADDING};
export const output_base: i32 = 65536;
export const late_base: i32 = ${LATE_BASE};
export const late_capacity: i32 = ${LATE_ROOM + abi.INPUT_PADDING};
export const lineage_flags: i32 = ${FLAGS};
const C: usize = ${abi.CONTROL_BASE};

/** The clock of abi.ts, each step of which the tests of the real prelude hold. */
function moveClock(time: i64): void {
  store<i64>(C + ${abi.CONTROL_LAST}, time);
  if (time > load<i64>(C + ${abi.CONTROL_GREATEST})) store<i64>(C + ${abi.CONTROL_GREATEST}, time);
  const newest = load<i64>(C + ${abi.CONTROL_NEWEST});
  const step = load<u64>(C + ${abi.CONTROL_STEP});
  if (newest == i64.MIN_VALUE) store<i64>(C + ${abi.CONTROL_NEWEST}, time);
  else if (time > newest) {
    const ahead = (time - newest) as u64;
    if (ahead > step) count(${abi.CONTROL_LEAPS});
    store<u64>(C + ${abi.CONTROL_CLOCK}, load<u64>(C + ${abi.CONTROL_CLOCK}) + min(ahead, step));
    store<i64>(C + ${abi.CONTROL_NEWEST}, time);
    store<u64>(C + ${abi.CONTROL_BEHIND}, 0);
  } else if (((newest - time) as u64) > step) {
    const behind = load<u64>(C + ${abi.CONTROL_BEHIND}) + 1;
    const most = behind == 1 ? time : max(time, load<i64>(C + ${abi.CONTROL_BEHIND_NEWEST}));
    store<i64>(C + ${abi.CONTROL_BEHIND_NEWEST}, most);
    store<u64>(C + ${abi.CONTROL_BEHIND}, behind < ${abi.CLOCK_RETURN_AFTER} ? behind : 0);
    if (behind < ${abi.CLOCK_RETURN_AFTER}) return;
    store<i64>(C + ${abi.CONTROL_NEWEST}, most);
    count(${abi.CONTROL_RETURNS});
  } else store<u64>(C + ${abi.CONTROL_BEHIND}, 0);
}

function count(counter: usize): void { store<u64>(C + counter, load<u64>(C + counter) + 1); }

/** Address of what follows "name": in the line, or 0. */
function find(from: usize, to: usize, name: u32): usize {
  for (let p = from; p + 4 < to; p++) {
    if (load<u8>(p) == 0x22 && load<u8>(p + 1) == name && load<u8>(p + 2) == 0x22 && load<u8>(p + 3) == 0x3a) return p + 4;
  }
  return 0;
}

function number(p: usize): i64 {
  let sign: i64 = 1;
  if (load<u8>(p) == 0x2d) { sign = -1; p++; }
  let value: i64 = 0;
  while (load<u8>(p) >= 0x30 && load<u8>(p) <= 0x39) value = value * 10 + ((load<u8>(p++) - 0x30) as i64);
  return sign * value;
}

export function run(address: usize, length: u32): i32 {
  const end = address + length;
  let p = address;
  let output: usize = 65536;
  let line: u32 = 0;
  let status = 0;
  store<u32>(C + ${abi.CONTROL_BROKEN_RECORDS}, 0);
  while (p < end) {
    if (output > 65536 + ${OUTPUT_ROOM}) { status = 1; break; }
    let feed = p;
    while (load<u8>(feed) != 10) feed++;
    let start = p;
    while (start < feed && load<u8>(start) <= 32) start++;
    if (start == feed) count(${abi.CONTROL_BLANK});
    else if (load<u8>(start) != 0x7b) {
      count(${abi.CONTROL_BROKEN});
      const records = load<u32>(C + ${abi.CONTROL_BROKEN_RECORDS});
      if (records < ${abi.BROKEN_LIMIT}) {
        const at = C + ${abi.CONTROL_BROKEN_TABLE} + records * ${abi.BROKEN_RECORD_BYTES};
        store<u32>(at, line);
        store<u32>(at, (start - address) as u32, 4);
        store<u32>(at, ${abi.BROKEN_NOT_OBJECT}, 8);
        store<u32>(C + ${abi.CONTROL_BROKEN_RECORDS}, records + 1);
      }
    } else {
      count(${abi.CONTROL_EVENTS});
      output = event(line, start, feed, output);
    }
    p = feed + 1;
    line++;
  }
  store<u32>(C + ${abi.CONTROL_CONSUMED}, (p - address) as u32);
  store<u32>(C + ${abi.CONTROL_BATCH_LINES}, line);
  store<u32>(C + ${abi.CONTROL_OUTPUT_BYTES}, (output - 65536) as u32);
  return status;
}

/** An optional key with one value, or none for a dash. */
function key(output: usize, letter: u32): usize {
  const values: u32 = letter == 0x2d ? 0 : 1;
  store<u32>(output, ${abi.TYPE_KEYWORD | abi.KEY_OPTIONAL});
  store<u32>(output, values, 4);
  store<u32>(output, 1, 8);
  store<u32>(output, letter, 12);
  return output + 8 + values * 8;
}

export function late_begin(): void { memory.fill(${ROOTS}, 0, ${ROOT_LIMIT} * 8); }

export function late_event(root: u32, address: usize, length: u32): i32 {
  if (load<u8>(address + length - 1) != 10 || root >= ${ROOT_LIMIT}) unreachable();
  store<u32>(${ROOTS} + root * 8, address as u32);
  store<u32>(${ROOTS} + root * 8, (address + length - 1) as u32, 4);
  return find(address, address + length, 0x3f) ? 0 : 1;
}

/** Address of what follows "name": in the event of a root, or 0. */
function inRoot(root: u32, name: u32): usize {
  return find(load<u32>(${ROOTS} + root * 8), load<u32>(${ROOTS} + root * 8, 4), name);
}

function holds(predicate: u32): bool {
  if (predicate >= 49) return load<u8>(${FLAGS} + predicate - 49) == 1;
  if (predicate >= 17) {
    const own = inRoot(0, 0x76);
    if (!own) return false;
    for (let root: u32 = 1; root < ${ROOT_LIMIT}; root++) {
      if (!load<u32>(${ROOTS} + root * 8)) continue;
      const other = inRoot(root, 0x76);
      if (!other || load<u8>(other + 1) != load<u8>(own + 1)) return false;
    }
    return true;
  }
  if (predicate == 16) {
    const end: usize = load<u32>(${ROOTS} + 4);
    for (let p: usize = load<u32>(${ROOTS}); p + 8 < end; p++) {
      if (load<u8>(p) == 0x22 && load<u32>(p + 1) == 0x6e756f63 && load<u8>(p + 5) == 0x74) return true;
    }
    return false;
  }
  const list = inRoot(0, 0x6c);
  if (!list) return false;
  for (let p = list + 1; load<u8>(p) != 0x22; p++) if (load<u8>(p) - 0x30 == predicate) return true;
  return false;
}

export function late_test(predicate: u32): i32 {
  if (!holds(predicate)) return 0;
  let output: usize = 65536 + 8;
  const keys = inRoot(0, 0x75);
  if (keys) for (let p = keys + 1; load<u8>(p) != 0x22; p++) output = key(output, load<u8>(p));
  store<u32>(65536, predicate);
  store<u32>(65536, (output - 65536 - 8) as u32, 4);
  return 1;
}

function event(line: u32, start: usize, feed: usize, output: usize): usize {
  if (find(start, feed, 0x21)) unreachable();
  while (find(start, feed, 0x23)) count(${abi.CONTROL_EVALUATED});
  let time = load<i64>(C + ${abi.CONTROL_LAST});
  let flags: u32 = 0;
  const t = find(start, feed, 0x74);
  if (t) {
    time = number(t) * 1000000;
    flags |= ${abi.EVENT_HAS_TIME};
    moveClock(time);
  } else count(${abi.CONTROL_UNTIMED});
  const n = find(start, feed, 0x6e);
  if (n) flags |= ${abi.EVENT_HAS_TIEBREAKER};
  let p = find(start, feed, 0x70);
  if (!p || load<u8>(p + 1) == 0x22) return output;
  const o = find(start, feed, 0x6f);
  const k = find(start, feed, 0x6b);
  let values: u32 = 0;
  if (k) while (load<u8>(k + 1 + values) != 0x22) values++;
  let matches: u32 = 0;
  const header = output;
  output += ${abi.EVENT_HEADER_BYTES};
  for (p++; load<u8>(p) != 0x22; p++) {
    matches++;
    store<u32>(output, load<u8>(p) - 0x30);
    if (o) {
      const match = output;
      output += 8;
      for (let at = o + 1; load<u8>(at) != 0x22; at++) output = key(output, load<u8>(at));
      store<u32>(match, (output - match - 8) as u32, 4);
      continue;
    }
    store<u32>(output, 8 + values * 8, 4);
    store<u32>(output, ${abi.TYPE_KEYWORD}, 8);
    store<u32>(output, values, 12);
    output += 16;
    for (let i: u32 = 0; i < values; i++) {
      store<u32>(output, 1);
      store<u32>(output, load<u8>(k + 1 + i), 4);
      output += 8;
    }
  }
  store<u32>(header, line);
  store<u32>(header, start as u32, 4);
  store<u32>(header, (feed - start) as u32, 8);
  store<u32>(header, matches, 12);
  store<i64>(header, time, 16);
  store<i64>(header, load<i64>(C + ${abi.CONTROL_CLOCK}), 24);
  store<i64>(header, n ? number(n) : 0, 32);
  store<u32>(header, flags, 40);
  return output;
}
`;

function readOrNull(path: string): string | null {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}

/** Compiles AssemblyScript, which may import files of the repository; the module's memory has four pages. */
export async function assemble(source: string, more: readonly string[] = ["-O1"]): Promise<Uint8Array> {
  const options = ["module.ts", "--outFile", "module.wasm", "--runtime", "stub", "--noAssert", "--use", "abort="];
  const { main } = (await import(ASC)) as Asc;
  let bytes: Uint8Array | null = null;
  let messages = "";
  const { error } = await main([...options, "--initialMemory", "4", ...more], {
    readFile: (name) => (name === "module.ts" ? source : readOrNull(join(repositoryRoot(), name))),
    writeFile: (_, contents) => {
      if (typeof contents !== "string") bytes = contents;
    },
    listFiles: () => [],
    stderr: {
      write(text) {
        messages += String(text);
      },
    },
  });
  if (error !== null || bytes === null) throw new Error(`${error?.message ?? "no module"}\n${messages}`);
  return bytes;
}

let fakeModule: Promise<Uint8Array> | null = null;

/** The module described above, compiled once. */
export function fakeModuleBytes(): Promise<Uint8Array> {
  fakeModule ??= assemble(SOURCE);
  return fakeModule;
}

export function fakeRule(id: string, kind: RuleKind, more: Partial<ManifestRule> = {}): ManifestRule {
  return {
    id,
    name: `Rule ${id}`,
    kind,
    version: "1.0.0",
    description: "",
    author: [],
    severity: "medium",
    risk_score: 47,
    tags: [],
    references: [],
    threat: [],
    dialect: "elastic",
    source: `${id}.eql`,
    keys: kind === "event" ? [] : ["user.name"],
    capabilities: {
      supports_inline: kind === "event",
      requires_alert: true,
      requires_block: false,
      max_span_ms: null,
      mitre_attack: [],
    },
    ...more,
  };
}

/** A program with the parts that most tests do not ask for left out. */
export function fakeProgram(
  program: Partial<SequenceProgram> & Pick<SequenceProgram, "rule" | "kind" | "stages">,
): SequenceProgram {
  return { maxspanNs: null, until: null, untilFirst: false, pipes: [], ...program };
}

export function fakeStage(predicate: number, more: Partial<SequenceStage> = {}): SequenceStage {
  return { predicate, missing: false, fork: false, late: null, ...more };
}

/** The number of a predicate that is written as a character. */
export function fakePredicate(character: string): number {
  return character.charCodeAt(0) - 48;
}

export interface FakePack {
  readonly rules: readonly ManifestRule[];
  readonly predicates: readonly (readonly number[])[];
  readonly programs: readonly SequenceProgram[];
  readonly lineage?: readonly LineageProgram[];
}

/** What a package consists of: the manifest with its digest, and the module. */
/** A pack with a rule of every kind. Predicates 0 to 2 belong to sequences, 2 to rules as well; 3 and 4 to event rules only. */
export const EVERY_KIND: FakePack = {
  rules: [
    fakeRule("three", "event"),
    fakeRule("both", "sequence"),
    fakeRule("absent", "sequence"),
    fakeRule("two-or-four", "event"),
    fakeRule("any-order", "sample"),
  ],
  predicates: [[], [], [3], [0], [3, 0]],
  programs: [
    fakeProgram({ rule: 1, kind: "sequence", maxspanNs: 5_000_000_000n, stages: [fakeStage(0), fakeStage(1)] }),
    fakeProgram({
      rule: 2,
      kind: "sequence",
      maxspanNs: 2_000_000_000n,
      stages: [fakeStage(0), fakeStage(2, { missing: true })],
    }),
    fakeProgram({ rule: 4, kind: "sample", stages: [fakeStage(1), fakeStage(2)] }),
  ],
};

/** The late test whose predicate is written as a character, see fake-pack.ts. */
export function lateOf(character: string, ...stages: readonly number[]): LateTest {
  return { predicate: fakePredicate(character), stages };
}

export const LATE_PACK: FakePack = {
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

export interface FakeParts {
  readonly manifest: PackageManifest;
  readonly module: Uint8Array;
}

/** A manifest for files that are already made; the digest is right. */
export function fakeManifest(pack: FakePack, files: Readonly<Record<string, Uint8Array>>): PackageManifest {
  const manifest: PackageManifest = {
    format_version: FORMAT_VERSION,
    abi_version: abi.ABI_VERSION,
    package: { name: "fake", version: "1.2.3", digest: "" },
    compiler: { name: "by hand", version: "0" },
    schema: {
      version: SCHEMA_VERSION,
      timestamp_field: "@timestamp",
      tiebreaker_field: null,
      category_field: "event.category",
      fields: [],
    },
    rules: pack.rules,
    predicates: pack.predicates,
    demands: pack.predicates.map(() => null),
    programs: pack.programs.map(programToJson),
    lineage: pack.lineage ?? [],
    foreign: [],
    files: Object.keys(files)
      .sort()
      .map((path) => ({ path, bytes: files[path]?.length ?? 0, sha256: sha256(files[path] ?? "") })),
  };
  return withDigest(manifest);
}

/** The manifest with the digest that belongs to it. */
export function withDigest(manifest: PackageManifest): PackageManifest {
  return { ...manifest, package: { ...manifest.package, digest: sha256(digestText(manifest)) } };
}

export async function fakePack(pack: FakePack): Promise<FakeParts> {
  const module = await fakeModuleBytes();
  return { manifest: fakeManifest(pack, { "module.wasm": module }), module };
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

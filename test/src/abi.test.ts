// The ABI file against itself, against the two hashes that stand on both sides of it, and against code that would go round
// it: an offset that is written as a number is one that the next change of a layout forgets.

import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { hashKey } from "@kestrel/compiler/backend/wasm/path-table";
import { hashText } from "@kestrel/compiler/backend/wasm/symbol-tables";
import * as abi from "@kestrel/stdlib/abi";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { repositoryRoot } from "./support/repository.js";

const ROOT = repositoryRoot();
const test = suite("abi");

const values: Readonly<Record<string, unknown>> = abi;

function numberOf(name: string): number {
  const value = values[name];
  if (typeof value !== "number") throw new Error(`abi.ts has no number ${name}`);
  return value;
}

interface Layout {
  /** The name that stands before its fields, and the constant that says how long it is. */
  readonly prefix: string;
  readonly bytes: string;
  /** Fields in order, with their sizes; `null` is a gap. */
  readonly fields: readonly (readonly [name: string | null, size: number])[];
  /** Constants with the same prefix that are no fields. */
  readonly others?: readonly string[];
}

const LAYOUTS: readonly Layout[] = [
  {
    prefix: "CONTROL",
    bytes: "CONTROL_BROKEN_TABLE",
    fields: [
      ...["CONSUMED", "OUTPUT_BYTES", "BROKEN_RECORDS", "BATCH_LINES"].map((name) => [name, 4] as const),
      ...["CLOCK", "EVENTS", "BLANK", "BROKEN", "MALFORMED", "REPLACED", "UNTIMED"].map((name) => [name, 8] as const),
      ...["KEY_OVERFLOW", "COMBINATIONS", "EVALUATED"].map((name) => [name, 8] as const),
      ...["NEWEST", "LAST", "GREATEST", "BEHIND_NEWEST", "STEP", "BEHIND", "LEAPS", "RETURNS"].map(
        (name) => [name, 8] as const,
      ),
      ["TIME_UNIT", 4],
      [null, 4],
      ["IMPLAUSIBLE", 8],
      ["LINE", 4],
      ["MOST_LINES", 4],
      [null, 72],
    ],
    others: ["BASE"],
  },
  {
    prefix: "BROKEN_RECORD",
    bytes: "BROKEN_RECORD_BYTES",
    fields: [...["LINE", "OFFSET", "REASON"].map((name) => [name, 4] as const), [null, 4]],
  },
  {
    prefix: "VALUE",
    bytes: "VALUE_BYTES",
    fields: [["ADDRESS", 4] as const, ["LENGTH", 4] as const],
    others: ["SHIFT"],
  },
  {
    prefix: "SLOT",
    bytes: "SLOT_BYTES",
    fields: [["COUNT", 4] as const, ["VERSION", 4] as const, ["VALUE", 8] as const],
  },
  {
    prefix: "FOLDED",
    bytes: "FOLDED_BYTES",
    fields: [["STAMP", 4] as const, [null, 4] as const, ["VALUE", 8] as const, ["ROOM", 384] as const],
  },
  {
    prefix: "SYMBOLS",
    bytes: "SYMBOLS_BYTES",
    fields: [
      ...["STAMP", "LIST", "SAID", "FOUND"].map((name) => [name, 4] as const),
      ["GUARDS", 8] as const,
      ["ROOM", 40] as const,
    ],
    others: ["KEPT"],
  },
  {
    prefix: "MEMBER",
    bytes: "MEMBER_BYTES",
    fields: [
      ["SLOT_IMAGE", 16] as const,
      ...["SLOT", "LENGTH", "KEY_LENGTH", "NEXT", "FIRST", "OPENS"].map((name) => [name, 4] as const),
      ["TEXT", 1040] as const,
      ...["ENTRY", "NODE", "DEPTH", "CHAIN", "KIND", "AROUND"].map((name) => [name, 4] as const),
      ["LIST", 64] as const,
      ["UNESCAPED", 944] as const,
    ],
    others: [
      ...["LIST_VALUES", "TEXT_LIMIT", "UNESCAPED_LIMIT", "KEY_LIMIT", "IS_PLAIN", "IS_OTHER", "IS_KEYWORD", "COUNT"],
      ...["HEADS", "HEAD_BYTES", "REGION_BYTES"],
    ],
  },
  {
    prefix: "PATH_ENTRY",
    bytes: "PATH_ENTRY_BYTES",
    fields: [
      ["START", 8] as const,
      ...["KEY", "KEY_LENGTH", "NODE", "CHILD", "SLOT", "TYPE"].map((name) => [name, 4] as const),
    ],
  },
  { prefix: "READING", bytes: "READING_BYTES", fields: [["SLOT", 4] as const, ["TYPE", 4] as const] },
  {
    prefix: "ELEMENT",
    bytes: "ELEMENT_BYTES",
    fields: ["SLOTS", "SLOTS_END", "PATH_ENTRY"].map((name) => [name, 4] as const),
  },
  {
    prefix: "GROUP",
    bytes: "GROUP_BYTES",
    fields: ["SLOT", "FOLDED", "RECORD", "TABLE", "MASK", "LONGEST", "FACTS", "LENGTHS"].map(
      (name) => [name, 4] as const,
    ),
  },
  {
    prefix: "FACTS",
    bytes: "FACTS_BYTES",
    fields: [
      ["GUARDS", 8],
      ["POSTINGS", 4],
      [null, 4],
    ],
  },
  {
    prefix: "POSTINGS",
    bytes: "POSTINGS_BYTES",
    fields: [
      ["COUNT", 4],
      [null, 4],
    ],
  },
  {
    prefix: "POSTING",
    bytes: "POSTING_BYTES",
    fields: [
      ["GUARDS", 8],
      ["PREDICATE", 4],
      [null, 4],
    ],
  },
  {
    prefix: "LITERALS",
    bytes: "LITERALS_BYTES",
    fields: [
      ...[
        "SLOT",
        "FOLDED",
        "RECORD",
        "FILTER",
        "FILTER_SHIFT",
        "TABLE",
        "TABLE_SHIFT",
        "MASK",
        "FACTOR",
        "BUCKETS",
      ].map((name) => [name, 4] as const),
    ],
    others: ["KEPT", "MANY"],
  },
  {
    prefix: "GRAM_ENTRY",
    bytes: "GRAM_ENTRY_BYTES",
    fields: ["GRAM", "LITERALS"].map((name) => [name, 4] as const),
  },
  {
    prefix: "GRAM_LITERALS",
    bytes: "GRAM_LITERALS_BYTES",
    fields: [
      ["COUNT", 4],
      [null, 4],
    ],
  },
  {
    prefix: "LITERAL",
    bytes: "LITERAL_BYTES",
    fields: [...["ADDRESS", "LENGTH", "BEFORE", "POSTINGS", "STAMP"].map((name) => [name, 4] as const), [null, 4]],
  },
  {
    prefix: "LITERAL_RECORD",
    bytes: "LITERAL_RECORD_BYTES",
    fields: [
      ["STAMP", 4],
      ["COUNT", 4],
      ["ROOM", 56],
    ],
  },
  {
    prefix: "SYMBOL_ENTRY",
    bytes: "SYMBOL_ENTRY_BYTES",
    fields: ["HASH", "ADDRESS", "LENGTH", "SYMBOL"].map((name) => [name, 4] as const),
  },
  {
    prefix: "EVENT_HEADER",
    bytes: "EVENT_HEADER_BYTES",
    fields: [
      ...["LINE", "ADDRESS", "LENGTH", "MATCHES"].map((name) => [name, 4] as const),
      ...["TIME", "CLOCK", "TIEBREAKER"].map((name) => [name, 8] as const),
      ["FLAGS", 4],
      ["SUM", 4],
    ],
  },
  { prefix: "MATCH", bytes: "MATCH_BYTES", fields: [["PREDICATE", 4] as const, ["KEY_BYTES", 4] as const] },
  {
    prefix: "KEY",
    bytes: "KEY_HEADER_BYTES",
    fields: [["TYPE", 4] as const, ["COUNT", 4] as const],
    others: ["OPTIONAL", "TEXT_LENGTH", "TEXT_START", "TEXT_PADDING"],
  },
  { prefix: "KEY_TEXT", bytes: "KEY_TEXT_START", fields: [["LENGTH", 4] as const], others: ["PADDING"] },
  {
    prefix: "BOX",
    bytes: "BOX_BYTES",
    fields: [["TAG", 4] as const, ["LENGTH", 4] as const, ["VALUE", 8] as const],
    others: ["BOOLEAN", "INTEGER", "FLOAT", "STRING", "ARRAY", "OBJECT", "KEY"],
  },
  {
    prefix: "PATH_STEP",
    bytes: "PATH_STEP_BYTES",
    fields: [...["INDEX", "KEY", "KEY_LENGTH", "FOLDED", "FOLDED_LENGTH"].map((name) => [name, 4] as const), [null, 4]],
  },
  {
    prefix: "CONSTANT_LIST",
    bytes: "CONSTANT_LIST_BYTES",
    fields: ["BOXES", "COUNT", "TABLE", "MASK", "LONGEST", "LENGTHS"].map((name) => [name, 4] as const),
  },
  {
    prefix: "FOLD_RANGE",
    bytes: "FOLD_RANGE_BYTES",
    fields: ["START", "END", "STEP", "DELTA"].map((name) => [name, 4] as const),
  },
  {
    prefix: "ADDRESS_RANGE",
    bytes: "ADDRESS_RANGE_BYTES",
    fields: [
      ["FAMILY", 4] as const,
      [null, 4] as const,
      ...["NETWORK_HIGH", "NETWORK_LOW", "MASK_HIGH", "MASK_LOW"].map((name) => [name, 8] as const),
    ],
  },
  {
    prefix: "GLOB",
    bytes: "GLOB_HEADER_BYTES",
    fields: [["FLAGS", 1] as const, [null, 1] as const, ["SEGMENTS", 2] as const],
    others: [
      ...["ANCHORED_START", "ANCHORED_END", "ANY_ONE", "ANY_WITHIN", "ANY_IN_FRONT"],
      ...["SEGMENT_LENGTH", "SEGMENT_HAS_ANY", "SEGMENT_HEADER_BYTES"],
    ],
  },
  {
    prefix: "GLOB_SEGMENT",
    bytes: "GLOB_SEGMENT_HEADER_BYTES",
    fields: [["LENGTH", 2] as const, ["HAS_ANY", 1] as const, [null, 1] as const],
  },
  {
    prefix: "UNFOLDED",
    bytes: "UNFOLDED_HEADER_BYTES",
    fields: ["FRONT", "BACK", "COUNT", "RECORD"].map((name) => [name, 4] as const),
    others: ["AT_END", "WITHIN", "DECIDES", "NO", "YES", "OPEN"],
  },
  {
    prefix: "UNFOLDED_TEXT",
    bytes: "UNFOLDED_TEXT_BYTES",
    fields: ["ADDRESS", "LENGTH", "ANY", "FLAGS"].map((name) => [name, 4] as const),
  },
  {
    prefix: "DFA",
    bytes: "DFA_HEADER_BYTES",
    fields: [...["STATES", "CLASS_COUNT", "START"].map((name) => [name, 4] as const), [null, 4]],
    others: ["CLASSES_BYTES", "PADDING", "NEXT_BYTES"],
  },
  {
    prefix: "NFA",
    bytes: "NFA_HEADER_BYTES",
    fields: [["STATES", 4] as const, ["START", 4] as const, [null, 8] as const],
    others: [
      ...["MATCH", "RANGE", "SPLIT", "STATE_OP", "STATE_LOW", "STATE_HIGH", "STATE_A", "STATE_B"],
      "STATE_BYTES",
    ],
  },
  {
    prefix: "NFA_STATE",
    bytes: "NFA_STATE_BYTES",
    fields: [
      ...["OP", "LOW", "HIGH"].map((name) => [name, 1] as const),
      [null, 1] as const,
      ...["A", "B"].map((name) => [name, 2] as const),
    ],
  },
];

test("the fields of every layout stand one behind the other and fill it", () => {
  for (const { prefix, bytes, fields } of LAYOUTS) {
    let next = 0;
    for (const [name, size] of fields) {
      if (name !== null) assert.is(numberOf(`${prefix}_${name}`), next, `${prefix}_${name}`);
      next += size;
    }
    assert.is(next, numberOf(bytes), bytes);
  }
});

test("every constant with the name of a layout is one of its fields, or known to be none", () => {
  for (const { prefix, bytes, fields, others = [] } of LAYOUTS) {
    const known = new Set([bytes, ...[...fields.map(([name]) => name), ...others].map((name) => `${prefix}_${name}`)]);
    const longer = LAYOUTS.filter((other) => other.prefix.startsWith(`${prefix}_`)).map((other) => `${other.prefix}_`);
    const unknown = Object.keys(values).filter(
      (name) => name.startsWith(`${prefix}_`) && !known.has(name) && !longer.some((deeper) => name.startsWith(deeper)),
    );
    assert.equal(unknown, [], `${prefix} has constants that this test does not know`);
  }
});

test("what is derived from another constant agrees with it", () => {
  assert.is(1 << abi.VALUE_SHIFT, abi.VALUE_BYTES);
  assert.is(abi.LATE_ROOT_STAGES, abi.LATE_ROOT_EVENT + 1);
  assert.is(abi.SYMBOLS_ROOM + abi.SYMBOLS_KEPT * abi.SYMBOL_BYTES, abi.SYMBOLS_BYTES);
  // A block may be written behind the longest text, and one is read behind each.
  assert.ok(abi.MEMBER_TEXT + abi.MEMBER_TEXT_LIMIT + abi.BLOCK_BYTES <= abi.MEMBER_ENTRY);
  assert.ok(abi.MEMBER_UNESCAPED + abi.MEMBER_UNESCAPED_LIMIT + abi.BLOCK_BYTES <= abi.MEMBER_BYTES);
  assert.is(abi.MEMBER_LIST + abi.MEMBER_LIST_VALUES * abi.VALUE_BYTES, abi.MEMBER_UNESCAPED);
  assert.ok(abi.MEMBER_KEY_LIMIT <= abi.MEMBER_TEXT_LIMIT);
  assert.is(abi.MEMBER_HEADS & (abi.MEMBER_HEADS - 1), 0);
  assert.is(abi.MEMBER_HEADS * abi.MEMBER_HEAD_BYTES + abi.MEMBER_COUNT * abi.MEMBER_BYTES, abi.MEMBER_REGION_BYTES);
  assert.ok(abi.VERSION_LIMIT + abi.LONGEST_LINE < 2 ** (8 * abi.MEMO_BYTES - abi.MEMO_RESULT_BITS));
  assert.is(abi.GENERATION_LIMIT, 2 ** (8 * abi.MEMO_BYTES - abi.MEMO_RESULT_BITS) - 1);
  assert.ok(abi.TYPE_TIME < 1 << abi.PATH_TYPE_BITS);
  assert.is(abi.LENGTHS_MASK, 8 * (abi.GROUP_BYTES - abi.GROUP_LENGTHS) - 1);
  assert.ok(abi.CONTROL_BASE + abi.CONTROL_BROKEN_TABLE + abi.BROKEN_LIMIT * abi.BROKEN_RECORD_BYTES <= 4096);
  const { options } = JSON.parse(readFileSync(join(ROOT, "stdlib/prelude/asconfig.json"), "utf8")) as {
    readonly options: { readonly memoryBase: number };
  };
  assert.is(options.memoryBase, abi.PRELUDE_DATA_BASE);
});

// The hashes.

interface Vector {
  readonly node: number | null;
  readonly bytes: Uint8Array;
  readonly hash: number;
}

function vectors(): Vector[] {
  const lines = readFileSync(join(ROOT, "test/cases/hashes.txt"), "utf8").split("\n");
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const words = line.split(" ");
      const [bytes = "", hash = ""] = words.slice(-2);
      return {
        node: words[0] === "key" ? Number(words[1]) : null,
        bytes: bytes === "-" ? new Uint8Array(0) : new Uint8Array(Buffer.from(bytes, "hex")),
        hash: Number.parseInt(hash, 16),
      };
    });
}

test("the vectors hold both hashes of every length to 40", () => {
  const all = vectors();
  for (const isKey of [false, true]) {
    const lengths = new Set(all.filter(({ node }) => (node !== null) === isKey).map(({ bytes }) => bytes.length));
    for (let length = 0; length <= 40; length++) assert.ok(lengths.has(length), `${length}`);
  }
});

test("texts that differ in few places are not hashed to few entries", () => {
  const makers: readonly ((different: string) => string)[] = [
    (different) => `AB12_${different}`,
    (different) => `${different}_AB12`,
    (different) => `C:\\Windows\\System32\\drivers\\a${different}.exe`,
    (different) => `C:\\Windows\\System32\\drivers\\${different}aaa.exe`,
    (different) => `HKLM\\SOFTWARE\\Classes\\CLSID\\{0000${different}-0000-000000000000}\\InprocServer32\\`,
  ];
  for (const make of makers) {
    const texts = Array.from({ length: 1_200 }, (_, at) => make(at.toString(36).padStart(2, "0")));
    const used = new Set(texts.map((text) => hashText(Buffer.from(text)) & 4_095));
    // Where all entries are as likely 1,040 are expected.
    assert.ok(used.size > 850, `${used.size} entries for ${texts[0]}`);
  }
});

test("the compiler hashes as the vectors say", () => {
  for (const { node, bytes, hash } of vectors()) {
    const computed = node === null ? hashText(bytes) : hashKey(node, bytes);
    assert.is(computed >>> 0, hash, `${node} ${Buffer.from(bytes).toString("hex")}`);
  }
});

/** The part of the WebAssembly API that is needed here; the library for Node does not type it. */
interface WasmApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
}

test("the prelude hashes as the vectors say, whatever stands behind the bytes", () => {
  const { Module, Instance } = (globalThis as unknown as { readonly WebAssembly: WasmApi }).WebAssembly;
  const none = (): number => 0;
  const { exports } = new Instance(new Module(readFileSync(join(ROOT, "stdlib/build/prelude.wasm"))), {
    pack: { evaluate: none, call_predicate: none },
    kestrel: { f64_parse: none, f64_format: none },
  });
  const prelude = exports as {
    readonly memory: { readonly buffer: ArrayBuffer };
    readonly hashText: (address: number, length: number) => number;
    readonly hashKey: (node: number, address: number, length: number) => number;
  };
  const memory = new Uint8Array(prelude.memory.buffer);
  const address = abi.CONTROL_BASE;
  for (const { node, bytes, hash } of vectors()) {
    for (const behind of [0x00, 0xff]) {
      memory.fill(behind, address, address + bytes.length + abi.BLOCK_BYTES);
      memory.set(bytes, address);
      const computed =
        node === null ? prelude.hashText(address, bytes.length) : prelude.hashKey(node, address, bytes.length);
      assert.is(computed >>> 0, hash, `${node} ${Buffer.from(bytes).toString("hex")}`);
    }
  }
});

// Code that goes round the names.

/** Source files below a folder, with their code: comments and strings are left out. */
function sources(folder: string): (readonly [file: string, code: string])[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const code = readFileSync(path, "utf8").replace(/"(?:[^"\\\n]|\\.)*"|\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
      return [relative(ROOT, path).split(sep).join("/"), code] as const;
    });
}

/** The arguments of every call whose head matches, as text. */
function callsOf(code: string, head: RegExp): (readonly [call: string, ...args: string[]])[] {
  return [...code.matchAll(head)].map((match) => {
    const args = [""];
    let depth = 1;
    for (let at = match.index + match[0].length; depth > 0 && at < code.length; at++) {
      const c = code[at] ?? "";
      if (c === "(" || c === "[") depth++;
      else if (c === ")" || c === "]") depth--;
      if (depth === 1 && c === ",") args.push("");
      else if (depth > 0) args[args.length - 1] += c;
    }
    return [match[0].slice(0, -1), ...args.map((arg) => arg.trim())];
  });
}

const NUMBER = /(?<![\w.])(?:0x[0-9a-fA-F]+|[0-9]+)\b/;

test("reads the arguments of calls", () => {
  const code = "store<u32>(at + f(1, 2) * 4, load<u32>(x, 8), SLOT_VALUE);";
  assert.equal(callsOf(code, /\b(?:load|store)<\w+>\(/g), [
    ["store<u32>", "at + f(1, 2) * 4", "load<u32>(x, 8)", "SLOT_VALUE"],
    ["load<u32>", "x", "8"],
  ]);
  assert.ok(NUMBER.test("at + 4") && NUMBER.test("0x10") && !NUMBER.test("x1 + SLOT_2"));
});

/** Addresses in the prelude that are not those of a layout. */
const PRELUDE_TEXTS: readonly string[] = [
  // The last eight bytes of a key.
  "decode.ts load<u64> p + length - 8",
  // `false` behind its first letter.
  "decode.ts load<u32> p + 1",
  "decode.ts load<u32> start + 1",
  "dynamic.ts load<u32> p + 1",
  // The words of a long number, from the last.
  "dynamic-functions.ts load<u32> words + (count - 1) * WORD_BYTES",
  "dynamic-functions.ts load<u32> words + (count - 1 - i) * WORD_BYTES",
  "dynamic-functions.ts load<u32> words + (count - 3) * WORD_BYTES",
];

test("the prelude reads and writes layouts by the names of their fields", () => {
  const wrong: string[] = [];
  let seen = 0;
  for (const [file, code] of sources("stdlib/prelude")) {
    for (const [call, address = "", ...rest] of callsOf(code, /\b(?:load|store)<\w+>\(/g)) {
      seen++;
      const offset = call.startsWith("load") ? rest[0] : rest[1];
      // Bytes are characters of a text, and stand at any place of it; in a layout they have an offset.
      const isText = /<[iu]8>$/.test(call) && offset === undefined;
      const place = `${file.slice("stdlib/prelude/".length)} ${call} ${address}`;
      if (offset !== undefined && NUMBER.test(offset)) wrong.push(`${place}, ${offset}`);
      else if (!isText && NUMBER.test(address) && !PRELUDE_TEXTS.includes(place)) wrong.push(place);
    }
  }
  assert.ok(seen > 100);
  assert.equal(wrong, []);
});

test("the prelude names the characters it compares with", () => {
  const wrong: string[] = [];
  for (const [file, code] of sources("stdlib/prelude")) {
    for (const line of code.split("\n")) {
      // UTF-8 is bit patterns, and these are from its definition.
      const named = line.replace(/& 0xc0\) [!=]= 0x80/g, "");
      if (file !== "stdlib/prelude/unicode.ts" && /(?:[!=]=|[<>]=?|\|) 0x[0-9a-f]{2}\b/.test(named)) {
        wrong.push(`${file}: ${line.trim()}`);
      }
    }
  }
  assert.equal(wrong, []);
});

/** Numbers in the compiler and the runtime that are not offsets of a layout. */
const OTHER_BYTES: readonly string[] = [
  // A table of words has nothing but words.
  "data-section.ts setUint32 index * 4",
  // The groups of an IPv6 address.
  "cidr.ts setUint16 index * 2",
  "cidr.ts setUint16 (head.length + missing + index) * 2",
];

test("the compiler and the runtime write and read layouts by the names of their fields", () => {
  const wrong: string[] = [];
  let seen = 0;
  for (const [file, code] of [...sources("compiler/src"), ...sources("runtime/src")]) {
    const name = file.slice(file.lastIndexOf("/") + 1);
    for (const [call, at = ""] of callsOf(code, /\b(?:get|set)(?:Uint|Int|Float|BigInt|BigUint)(?:8|16|32|64)\(/g)) {
      seen++;
      const place = `${name} ${call} ${at}`;
      if (NUMBER.test(at) && !OTHER_BYTES.includes(place)) wrong.push(place);
    }
    // Binaryen's loads and stores take the offset first; what stands at offset 0 of a value is the whole value.
    for (const [call, offset = ""] of callsOf(code, /\bm\.(?:i32|i64|f64)\.(?:load|store)\w*\(/g)) {
      seen++;
      if (offset !== "0" && NUMBER.test(offset)) wrong.push(`${name} ${call} ${offset}`);
    }
  }
  assert.ok(seen > 80);
  assert.equal(wrong, []);
});

test.run();

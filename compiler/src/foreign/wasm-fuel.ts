// A checked module -> the same module, which pays for what it does from a global that its host fills before every call, and counts how much of the stack
// its functions take: the engine's own end of the stack comes sooner or later as it makes better code of a function, and a replay must find the same.
//
//   (global $fuel (export "kestrel:fuel") (mut i32) (i32.const 0))
//   (global $depth (export "kestrel:depth") (mut i32) (i32.const FOREIGN_STACK_BYTES))
//
//   where a function, a pass of a loop or    global.get $fuel   i32.const COST   i32.sub   global.set $fuel
//   another segment of code begins           global.get $fuel   i32.const 0      i32.lt_s
//                                            if  unreachable  end
//   before memory.fill and its like          local.set $length, the same with $length >> 3, local.get $length
//   before a call, and behind it             the frame of what is called is taken from $depth as a cost is, and given back
//   behind memory.grow                       if it gave -1: global.set $fuel NO_MEMORY, unreachable
//
// What code costs stands in wasm-code.ts. It is the author's own instructions that are counted, byte for byte; nothing is compiled anew,
// which takes long for large functions, nor optimised, so no charge can be moved away.
//
// INVARIANT: $depth is what it was when a call has returned, and an instance that was stopped is not called again, so nobody has to fill it. What the
// table calls takes the largest frame of those that stand in it.
//
// INVARIANT: both globals are new, so no instruction of the author's names them; and whatever ran, $fuel is below 0 exactly when the module was
// stopped for a limit. A length is at most 2^32, an eighth of it cannot pass the least i32 from 0, so the global never wraps around.
//
// What no host calls is taken away: other exports, and custom sections with the paths and times of a build.

import { DEPTH_EXPORT, FOREIGN_STACK_BYTES, FUEL_EXPORT, NO_MEMORY } from "@kestrel/stdlib/host-api";
import { type Export, I32, type Range, SECTION, type WasmModule } from "@kestrel/stdlib/wasm-module";
import { BYTES_FOR_ONE_SHIFT, type FunctionCode, type Insertion } from "./wasm-code.js";
import {
  CALL,
  END,
  GLOBAL_GET,
  GLOBAL_SET,
  I32_ADD,
  I32_CONST,
  I32_EQ,
  I32_LT_S,
  I32_SHR_U,
  I32_SUB,
  IF,
  LOCAL_GET,
  LOCAL_TEE,
  UNREACHABLE,
} from "./wasm-operations.js";

export interface FuelOptions {
  /** The code of every function of the module's own. */
  readonly codes: readonly FunctionCode[];
  /** Of the memory, in pages. */
  readonly maximumPages: number;
  readonly exports: readonly Export[];
  /** A function that is to run at the beginning of pred_init, which is made where the module has none; null: nothing is. */
  readonly start: number | null;
}

const HEADER = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
const NO_RESULT = 0x40;
const LOCAL_SET = 0x21;
const MUTABLE = 1;
const KIND_NUMBER = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;

/** The globals that count, and the frame of a function of the module's own; null for any that its table says. */
interface Counts {
  readonly fuel: number;
  readonly depth: number;
  readonly frameOf: (target: number | null) => number;
}

/** Bytes that are written one after the other, in pieces. */
type Piece = Uint8Array | readonly number[];

/** Writes the module with its charges. The same module gives the same bytes. */
export function addFuel(module: WasmModule, options: FuelOptions): Uint8Array {
  const { codes, exports, start } = options;
  const imported = module.imports.filter(({ kind }) => kind === "function").length;
  const fuel = module.globals.length;
  const depth = fuel + 1;
  const largest = codes.reduce(
    (most, { frame }, index) => (module.referenced.has(imported + index) ? Math.max(most, frame) : most),
    0,
  );
  const counts: Counts = { fuel, depth, frameOf: (target) => codes[target ?? -1]?.frame ?? largest };
  const init = exports.find(({ name }) => name === "pred_init");
  const makesInit = start !== null && init === undefined;
  const made = imported + module.functions.length;
  const kept = makesInit ? [...exports, { name: "pred_init", kind: "function" as const, index: made }] : exports;

  const bodies = codes.map((code, index) => {
    const isInit = init !== undefined && imported + index === init.index;
    const first = isInit && start !== null ? [CALL, ...u32(start)] : [];
    return instrument(module, index, code, counts, first);
  });
  if (makesInit) bodies.push(sized([[0], charge(fuel, [I32_CONST, 1]), [CALL, ...u32(start), I32_CONST, 0, END]]));

  const contents = (id: number): Uint8Array => {
    const range = module.sections.get(id);
    return range === undefined ? Uint8Array.of(0) : slice(module, range);
  };
  const types = makesInit ? appended(contents(SECTION.type), [0x60, 0, 1, I32]) : contents(SECTION.type);
  const functions = makesInit
    ? appended(contents(SECTION.function), u32(module.types.length))
    : contents(SECTION.function);
  const pages = module.memories[0]?.min ?? 0;
  const sections: readonly (readonly [number, Piece | null])[] = [
    [SECTION.type, types],
    [SECTION.import, contents(SECTION.import)],
    [SECTION.function, functions],
    [SECTION.table, contents(SECTION.table)],
    [SECTION.memory, [1, 1, ...u32(pages), ...u32(options.maximumPages)]],
    [SECTION.global, appended(appended(contents(SECTION.global), counter(0)), counter(FOREIGN_STACK_BYTES))],
    [
      SECTION.export,
      exportSection([
        ...kept,
        { name: FUEL_EXPORT, kind: "global", index: fuel },
        { name: DEPTH_EXPORT, kind: "global", index: depth },
      ]),
    ],
    [SECTION.element, contents(SECTION.element)],
    [SECTION.dataCount, module.sections.has(SECTION.dataCount) ? contents(SECTION.dataCount) : null],
    [SECTION.code, joined([u32(bodies.length), ...bodies])],
    [SECTION.data, contents(SECTION.data)],
  ];
  const isEmpty = (content: Piece): boolean => content.length === 1 && content[0] === 0;
  return joined([
    HEADER,
    ...sections.flatMap(([id, content]) =>
      content === null || (isEmpty(content) && id !== SECTION.dataCount) ? [] : [[id], sized([content])],
    ),
  ]);
}

function instrument(
  module: WasmModule,
  index: number,
  code: FunctionCode,
  counts: Counts,
  first: readonly number[],
): Uint8Array {
  const { fuel } = counts;
  const body = module.bodies[index] ?? { start: 0, end: 0 };
  const { locals, cost, insertions } = code;
  // One more variable keeps a length, or what memory.grow gave.
  const needsLocal = insertions.some(({ kind }) => kind === "length" || kind === "grown");
  const pieces: Piece[] = [u32(locals.groups + (needsLocal ? 1 : 0)), slice(module, locals.range)];
  if (needsLocal) pieces.push([1, I32]);
  pieces.push(charge(fuel, [I32_CONST, ...i32(cost)]), first);
  let from = locals.range.end;
  for (const insertion of insertions) {
    pieces.push(slice(module, { start: from, end: insertion.at }), inserted(insertion, counts, locals.total));
    from = insertion.at;
  }
  pieces.push(slice(module, { start: from, end: body.end }));
  return sized(pieces);
}

function inserted(insertion: Insertion, { fuel, depth, frameOf }: Counts, local: number): readonly number[] {
  const own = u32(local);
  switch (insertion.kind) {
    case "charge":
      return charge(fuel, [I32_CONST, ...i32(insertion.cost)]);
    case "call":
      return charge(depth, [I32_CONST, ...i32(frameOf(insertion.target))]);
    case "called": {
      const frame = [I32_CONST, ...i32(frameOf(insertion.target))];
      return [GLOBAL_GET, ...u32(depth), ...frame, I32_ADD, GLOBAL_SET, ...u32(depth)];
    }
    case "length": {
      const eighth = [LOCAL_GET, ...own, I32_CONST, BYTES_FOR_ONE_SHIFT, I32_SHR_U];
      return [LOCAL_SET, ...own, ...charge(fuel, eighth), LOCAL_GET, ...own];
    }
    case "grown":
      return [
        ...[LOCAL_TEE, ...own, I32_CONST, 0x7f, I32_EQ, IF, NO_RESULT],
        ...[I32_CONST, ...i32(NO_MEMORY), GLOBAL_SET, ...u32(fuel), UNREACHABLE, END],
        ...[LOCAL_GET, ...own],
      ];
  }
}

/** A global that counts, from a number on. */
function counter(first: number): readonly number[] {
  return [I32, MUTABLE, I32_CONST, ...i32(first), END];
}

/** Takes what an expression gives from the fuel or the depth, and stops where that leaves less than nothing. */
function charge(counter: number, cost: readonly number[]): readonly number[] {
  const global = u32(counter);
  return [
    ...[GLOBAL_GET, ...global, ...cost, I32_SUB, GLOBAL_SET, ...global],
    ...[GLOBAL_GET, ...global, I32_CONST, 0, I32_LT_S, IF, NO_RESULT, UNREACHABLE, END],
  ];
}

function exportSection(exports: readonly Export[]): Uint8Array {
  const entries = exports.flatMap(({ name, kind, index }): Piece[] => {
    const bytes = new TextEncoder().encode(name);
    return [u32(bytes.length), bytes, [KIND_NUMBER[kind]], u32(index)];
  });
  return joined([u32(exports.length), ...entries]);
}

/** A section's content with one more entry behind its others. */
function appended(content: Uint8Array, entry: readonly number[]): Uint8Array {
  let count = 0;
  let at = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = content[at++] ?? 0;
    count |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return joined([u32(count + 1), content.subarray(at), entry]);
}

function slice({ bytes }: WasmModule, { start, end }: Range): Uint8Array {
  return bytes.subarray(start, end);
}

function sized(pieces: readonly Piece[]): Uint8Array {
  const content = joined(pieces);
  return joined([u32(content.length), content]);
}

function joined(pieces: readonly Piece[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function u32(value: number): readonly number[] {
  const bytes: number[] = [];
  for (let rest = value >>> 0; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

function i32(value: number): readonly number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; rest >>= 7) {
    const byte = rest & 0x7f;
    if ((rest >> 6 === 0 && byte < 0x40) || (rest >> 6 === -1 && byte >= 0x40)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}

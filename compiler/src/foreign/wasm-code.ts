// The code of a function -> what its parts cost, where what counts it belongs, and the constants that its calls are given.
//
// The unit of cost is an instruction, and each is paid for before it runs. Code is cut into segments that run from their beginning to
// their end or leave on the way; each is charged at its beginning. A segment begins where a function, a pass of a loop or an arm of an
// `if` does, behind a branch that may not be taken, and behind what a branch can lead to the end of. One that is short, and is reached only
// through another, is charged there, taken or not: charging costs about as much as it.
//
//   what                                     costs
//   memory.grow                              GROW_COST: the engine makes pages
//   a function's local variables             one for 8: they are cleared at each entry
//   memory.fill, memory.copy, memory.init    one for 8 bytes more, when they run; tables' likewise
//
// How much of the stack a function takes is estimated beside: each of its variables, the most operands that it has at a time, and each of its instructions,
// for the engine may keep what an instruction gave.
//
// INVARIANT: every function costs at least 1 and every pass of a loop too, so neither recursion nor a loop is free.

import {
  FRAME_BYTES,
  FRAME_VALUE_BYTES,
  FRAME_VECTOR_BYTES,
  INSTRUCTION_BYTES,
  MOST_FRAME_BYTES,
  VECTOR_INSTRUCTION_BYTES,
} from "@kestrel/stdlib/host-api";
import {
  type Cursor,
  type FunctionType,
  type Range,
  RefusedPart,
  readByte,
  readI32,
  readU32,
  readValueType,
  skipLeb,
  V128,
  type WasmModule,
} from "@kestrel/stdlib/wasm-module";
import {
  BLOCK,
  BR,
  BR_IF,
  BR_TABLE,
  BY_LENGTH,
  CALL,
  CALL_INDIRECT,
  ELSE,
  END,
  I32_CONST,
  IF,
  type Immediate,
  LOOP,
  MEMORY_GROW,
  operationOf,
  PREFIX_MISC,
  PREFIX_SIMD,
  RETURN,
  UNREACHABLE,
} from "./wasm-operations.js";

export const GROW_COST = 1000;
/** What is inserted has so many operands at a time, above those of the author. */
const INSERTED_OPERANDS = 3;
const LOCALS_FOR_ONE = 8;
export const BYTES_FOR_ONE_SHIFT = 3;

/** Where something is put into the code; `at` is an offset into the module's bytes. */
export type Insertion =
  | { readonly kind: "charge"; readonly at: number; readonly cost: number }
  /** Before an instruction whose length is on top of the stack. */
  | { readonly kind: "length"; readonly at: number }
  /** Behind memory.grow. */
  | { readonly kind: "grown"; readonly at: number }
  /** Before a call of a function of the module's own, null for one that the table says; and behind it. */
  | { readonly kind: "call" | "called"; readonly at: number; readonly target: number | null };

/** A call of an imported function with what is known of its arguments. */
export interface HostCall {
  /** Index among the imported functions. */
  readonly target: number;
  /** null where an argument is not a constant. */
  readonly args: readonly (number | null)[];
}

export interface FunctionCode {
  /** Groups of local variables, and how many there are with the parameters. */
  readonly locals: {
    readonly range: Range;
    readonly groups: number;
    readonly total: number;
    readonly hasVectors: boolean;
  };
  readonly cost: number;
  /** An estimate of what its frame takes of the stack, in bytes: see FRAME_BYTES. */
  readonly frame: number;
  readonly insertions: readonly Insertion[];
  readonly calls: readonly HostCall[];
}

interface Frame {
  /** Of the stack, below the block's parameters. */
  readonly height: number;
  readonly type: FunctionType;
  readonly opens: number;
  /** The segment that it was entered from. */
  readonly from: Segment;
  /** Whether a branch leads to its end. */
  isTarget: boolean;
}

interface Segment {
  readonly at: number;
  cost: number;
  /** Whether it is charged however short it is: that of a function, or of a loop. */
  readonly isNeeded: boolean;
  /** A segment that has run before it whatever happened; null for the function's, and where no way leads. */
  readonly before: Segment | null;
}

/** Segments below it are charged with the one before them. */
const SHORT = 10;

const NOWHERE: Segment = { at: -1, cost: 0, isNeeded: false, before: null };

const NOTHING: FunctionType = { params: [], results: [] };

/** Reads the code of the module's own function of that index. Throws RefusedPart and MalformedModule. */
export function readCode(module: WasmModule, index: number): FunctionCode {
  const body = module.bodies[index] ?? { start: 0, end: 0 };
  const type = typeAt(module, module.functions[index]);
  const cursor: Cursor = { bytes: module.bytes, at: body.start };
  const locals = readLocals(cursor, type.params.length);
  const clearing = Math.floor(locals.total / LOCALS_FOR_ONE);
  const entry: Segment = { at: cursor.at, cost: 1 + clearing, isNeeded: true, before: null };
  const segments: Segment[] = [];
  let now = entry;
  const begin = (before: Segment, isNeeded = false): void => {
    now = { at: cursor.at, cost: isNeeded ? 1 : 0, isNeeded, before };
    segments.push(now);
  };
  const insertions: Insertion[] = [];
  const calls: HostCall[] = [];
  const importTypes = module.imports.filter(({ kind }) => kind === "function").map(({ type }) => typeAt(module, type));

  // Values of the stack that are constants of type i32; null for others.
  const stack: (number | null)[] = [];
  let most = 0;
  let kept = 0;
  let hasVectors = locals.hasVectors || type.params.includes(V128);
  const frames: Frame[] = [{ height: 0, type, opens: BLOCK, from: entry, isTarget: false }];
  const top = (): Frame => frames.at(-1) ?? { height: 0, type, opens: BLOCK, from: entry, isTarget: false };
  // Behind a branch the engine takes any operand for granted, so the stack may hold fewer than are taken.
  const pop = (count: number): (number | null)[] => {
    const taken = stack.splice(Math.max(top().height, stack.length - count));
    while (taken.length < count) taken.unshift(null);
    return taken;
  };
  const push = (count: number): void => {
    for (let left = count; left > 0; left--) stack.push(null);
  };
  const leave = (): void => {
    stack.length = top().height;
  };
  // What stands behind a branch that is always taken never runs.
  const end = (): void => {
    leave();
    now = NOWHERE;
  };
  const noteCall = (at: number, target: number | null): void => {
    insertions.push({ kind: "call", at, target }, { kind: "called", at: cursor.at, target });
  };
  const target = (depth: number): void => {
    const frame = frames[frames.length - 1 - depth];
    if (frame !== undefined) frame.isTarget = true;
  };

  while (frames.length > 0) {
    const at = cursor.at;
    const code = readOpcode(cursor);
    const operation = operationOf(code);
    if (typeof operation === "string") throw new RefusedPart(operation);
    const frame = top();
    most = Math.max(most, stack.length);
    const isVector = code >> 12 === PREFIX_SIMD;
    hasVectors ||= isVector;
    kept += isVector ? VECTOR_INSTRUCTION_BYTES : INSTRUCTION_BYTES;
    if (now !== NOWHERE) now.cost += code === MEMORY_GROW ? GROW_COST : 1;
    if (code === ELSE || code === END) {
      leave();
      if (code === ELSE) {
        push(frame.type.params.length);
        begin(frame.from);
      } else {
        frames.pop();
        push(frame.type.results.length);
        if (frames.length > 0 && (frame.opens !== BLOCK || frame.isTarget)) begin(frame.from);
      }
      continue;
    }
    if (BY_LENGTH.has(code)) insertions.push({ kind: "length", at });
    pop(operation.pops);
    switch (code) {
      case BLOCK:
      case LOOP:
      case IF: {
        const block = readBlockType(cursor, module);
        pop(block.params.length);
        const height = stack.length;
        push(block.params.length);
        frames.push({ height, type: block, opens: code, from: now, isTarget: false });
        if (code !== BLOCK) begin(now, code === LOOP);
        continue;
      }
      case UNREACHABLE:
      case RETURN:
        end();
        continue;
      case BR:
        target(readU32(cursor));
        end();
        continue;
      case BR_IF:
        target(readU32(cursor));
        begin(now);
        continue;
      case BR_TABLE:
        for (let count = readU32(cursor) + 1; count > 0; count--) target(readU32(cursor));
        end();
        continue;
      case CALL: {
        const target = readU32(cursor);
        const host = importTypes[target];
        const callee = host ?? typeAt(module, module.functions[target - importTypes.length]);
        const args = pop(callee.params.length);
        if (host !== undefined) calls.push({ target, args });
        else noteCall(at, target - importTypes.length);
        push(callee.results.length);
        continue;
      }
      case CALL_INDIRECT: {
        const callee = typeAt(module, readU32(cursor));
        readU32(cursor);
        noteCall(at, null);
        pop(callee.params.length);
        push(callee.results.length);
        continue;
      }
      case I32_CONST:
        stack.push(readI32(cursor));
        continue;
      default:
        skipImmediate(cursor, operation.immediate);
    }
    push(operation.pushes);
    if (code === MEMORY_GROW) insertions.push({ kind: "grown", at: cursor.at });
  }
  insertions.push(...chargesOf(segments));
  insertions.sort((a, b) => a.at - b.at || ORDER[a.kind] - ORDER[b.kind]);
  const bytes = hasVectors ? FRAME_VECTOR_BYTES : FRAME_VALUE_BYTES;
  const frame = FRAME_BYTES + bytes * (locals.total + most + type.results.length + INSERTED_OPERANDS);
  if (frame > MOST_FRAME_BYTES) {
    throw new RefusedPart(`a function of ${locals.total} variables and ${most} operands at a time`);
  }
  return { locals, cost: entry.cost, frame: frame + kept, insertions, calls };
}

/** At one place: what belongs to the instruction before it, what to the segment, what to the instruction behind it. */
const ORDER: Readonly<Record<Insertion["kind"], number>> = { grown: 0, called: 0, charge: 1, length: 2, call: 2 };

/** The segments that are charged where they begin; the costs of the others go to those before them, which began earlier. */
function chargesOf(segments: readonly Segment[]): Insertion[] {
  const charges: Insertion[] = [];
  for (const segment of [...segments].reverse()) {
    const { before, isNeeded, at, cost } = segment;
    if (before !== null && before !== NOWHERE && !isNeeded && cost < SHORT) before.cost += cost;
    else if (cost > 0) charges.push({ kind: "charge", at, cost });
  }
  return charges;
}

function typeAt(module: WasmModule, index: number | undefined): FunctionType {
  return module.types[index ?? -1] ?? NOTHING;
}

function readLocals(cursor: Cursor, parameters: number): FunctionCode["locals"] {
  const groups = readU32(cursor);
  const start = cursor.at;
  let total = parameters;
  let hasVectors = false;
  for (let left = groups; left > 0; left--) {
    total += readU32(cursor);
    if (readValueType(cursor) === V128) hasVectors = true;
  }
  return { range: { start, end: cursor.at }, groups, total, hasVectors };
}

function readOpcode(cursor: Cursor): number {
  const first = readByte(cursor);
  return first === PREFIX_MISC || first === PREFIX_SIMD || first === 0xfb || first === 0xfe
    ? (first << 12) | (readU32(cursor) & 0xfff)
    : first;
}

/** Nothing, one result, or the number of a type. */
function readBlockType(cursor: Cursor, module: WasmModule): FunctionType {
  const first = cursor.bytes[cursor.at] ?? 0;
  if (first === 0x40) {
    cursor.at++;
    return NOTHING;
  }
  // Types of values are negative numbers of one byte; numbers of types are not negative.
  if (first >= 0x40 && first < 0x80) return { params: [], results: [readValueType(cursor)] };
  return typeAt(module, readI32(cursor));
}

function skipImmediate(cursor: Cursor, immediate: Immediate): void {
  switch (immediate) {
    case "none":
      return;
    case "index":
    case "i64":
    case "i32":
      skipLeb(cursor);
      return;
    case "indices":
      skipLeb(cursor);
      skipLeb(cursor);
      return;
    case "address":
    case "address-lane":
      // Bit 6 of the alignment says that the number of a memory follows.
      if ((readU32(cursor) & 0x40) !== 0) throw new RefusedPart("several memories");
      skipLeb(cursor);
      if (immediate === "address-lane") cursor.at++;
      return;
    case "types":
      for (let count = readU32(cursor); count > 0; count--) readValueType(cursor);
      return;
    case "lane":
      cursor.at++;
      return;
    case "block":
    case "table":
      throw new Error(`${immediate} is read where it stands`);
    default:
      cursor.at += immediate;
  }
}

// The instructions of WebAssembly that hand-written rules may use: what stands behind each in the bytes, what it takes from the stack and
// what it leaves there. And the names of the parts of WebAssembly that the others belong to.
//
// Allowed are the first version, sign extension, saturating conversion, multiple values, bulk memory and SIMD.

/** What stands behind an instruction in the bytes. */
export type Immediate =
  | "none"
  | "block"
  | "index"
  | "indices"
  | "table"
  | "types"
  | "address"
  | "address-lane"
  | "lane"
  | "i32"
  | "i64"
  | 1
  | 4
  | 8
  | 16;

export interface Operation {
  readonly immediate: Immediate;
  /** Operands, and results; those of blocks, branches and calls depend on types, and are 0 here. */
  readonly pops: number;
  readonly pushes: number;
}

export const UNREACHABLE = 0x00;
export const BLOCK = 0x02;
export const LOOP = 0x03;
export const IF = 0x04;
export const ELSE = 0x05;
export const END = 0x0b;
export const BR = 0x0c;
export const BR_IF = 0x0d;
export const BR_TABLE = 0x0e;
export const RETURN = 0x0f;
export const CALL = 0x10;
export const CALL_INDIRECT = 0x11;
export const LOCAL_GET = 0x20;
export const LOCAL_TEE = 0x22;
export const GLOBAL_GET = 0x23;
export const GLOBAL_SET = 0x24;
export const MEMORY_GROW = 0x40;
export const I32_CONST = 0x41;
export const I32_EQ = 0x46;
export const I32_LT_S = 0x48;
export const I32_ADD = 0x6a;
export const I32_SUB = 0x6b;
export const I32_SHR_U = 0x76;

/** Instructions of two bytes are numbered `prefix << 12 | number`. */
export const PREFIX_MISC = 0xfc;
export const PREFIX_SIMD = 0xfd;
const MISC = PREFIX_MISC << 12;
const SIMD = PREFIX_SIMD << 12;
export const MEMORY_INIT = MISC | 8;
export const MEMORY_COPY = MISC | 10;
export const MEMORY_FILL = MISC | 11;
export const TABLE_INIT = MISC | 12;
export const TABLE_COPY = MISC | 14;

/** Instructions that do as much as the length on top of the stack says. */
export const BY_LENGTH: ReadonlySet<number> = new Set([MEMORY_INIT, MEMORY_COPY, MEMORY_FILL, TABLE_INIT, TABLE_COPY]);

const TABLE = new Map<number, Operation>();

function put(from: number, to: number, pops: number, pushes: number, immediate: Immediate = "none"): void {
  for (let code = from; code <= to; code++) TABLE.set(code, { immediate, pops, pushes });
}

put(UNREACHABLE, 0x01, 0, 0);
put(BLOCK, LOOP, 0, 0, "block");
put(IF, IF, 1, 0, "block");
put(ELSE, ELSE, 0, 0);
put(END, END, 0, 0);
put(BR, BR, 0, 0, "index");
put(BR_IF, BR_IF, 1, 0, "index");
put(BR_TABLE, BR_TABLE, 1, 0, "table");
put(RETURN, RETURN, 0, 0);
put(CALL, CALL, 0, 0, "index");
put(CALL_INDIRECT, CALL_INDIRECT, 1, 0, "indices");
put(0x1a, 0x1a, 1, 0);
put(0x1b, 0x1b, 3, 1);
put(0x1c, 0x1c, 3, 1, "types");
put(LOCAL_GET, LOCAL_GET, 0, 1, "index");
put(0x21, 0x21, 1, 0, "index");
put(LOCAL_TEE, LOCAL_TEE, 1, 1, "index");
put(GLOBAL_GET, GLOBAL_GET, 0, 1, "index");
put(GLOBAL_SET, GLOBAL_SET, 1, 0, "index");
put(0x28, 0x35, 1, 1, "address");
put(0x36, 0x3e, 2, 0, "address");
put(0x3f, 0x3f, 0, 1, 1);
put(MEMORY_GROW, MEMORY_GROW, 1, 1, 1);
put(I32_CONST, I32_CONST, 0, 1, "i32");
put(0x42, 0x42, 0, 1, "i64");
put(0x43, 0x43, 0, 1, 4);
put(0x44, 0x44, 0, 1, 8);
// Comparisons and arithmetic: all of them take two, but for those that are listed after.
put(0x45, 0xa6, 2, 1);
put(0x45, 0x45, 1, 1);
put(0x50, 0x50, 1, 1);
put(0x67, 0x69, 1, 1);
put(0x79, 0x7b, 1, 1);
put(0x8b, 0x91, 1, 1);
put(0x99, 0x9f, 1, 1);
put(0xa7, 0xc4, 1, 1);
put(MISC, MISC | 7, 1, 1);
put(MEMORY_INIT, MEMORY_INIT, 3, 0, "indices");
put(MISC | 9, MISC | 9, 0, 0, "index");
put(MEMORY_COPY, MEMORY_COPY, 3, 0, "indices");
put(MEMORY_FILL, MEMORY_FILL, 3, 0, "index");
put(TABLE_INIT, TABLE_INIT, 3, 0, "indices");
put(MISC | 13, MISC | 13, 0, 0, "index");
put(TABLE_COPY, TABLE_COPY, 3, 0, "indices");
put(SIMD, SIMD | 10, 1, 1, "address");
put(SIMD | 11, SIMD | 11, 2, 0, "address");
put(SIMD | 12, SIMD | 12, 0, 1, 16);
put(SIMD | 13, SIMD | 13, 2, 1, 16);
put(SIMD | 14, SIMD | 14, 2, 1);
put(SIMD | 15, SIMD | 20, 1, 1);
put(SIMD | 21, SIMD | 34, 1, 1, "lane");
for (const lane of [23, 26, 28, 30, 32, 34]) put(SIMD | lane, SIMD | lane, 2, 1, "lane");
put(SIMD | 35, SIMD | 76, 2, 1);
put(SIMD | 77, SIMD | 77, 1, 1);
put(SIMD | 78, SIMD | 81, 2, 1);
put(SIMD | 82, SIMD | 82, 3, 1);
put(SIMD | 83, SIMD | 83, 1, 1);
put(SIMD | 84, SIMD | 87, 2, 1, "address-lane");
put(SIMD | 88, SIMD | 91, 2, 0, "address-lane");
put(SIMD | 92, SIMD | 93, 1, 1, "address");
put(SIMD | 94, SIMD | 255, 2, 1);
for (const [from, to] of [
  ...[
    [94, 100],
    [103, 106],
    [116, 117],
    [122, 122],
    [124, 129],
    [131, 132],
    [135, 138],
    [148, 148],
    [160, 161],
  ],
  ...[
    [163, 164],
    [167, 170],
    [192, 193],
    [195, 196],
    [199, 202],
    [224, 225],
    [227, 227],
    [236, 237],
    [239, 239],
    [248, 255],
  ],
]) {
  put(SIMD | (from ?? 0), SIMD | (to ?? 0), 1, 1);
}

/** What an instruction is, or the part of WebAssembly that it belongs to and that rules may not use. */
export function operationOf(code: number): Operation | string {
  return TABLE.get(code) ?? partOf(code);
}

function partOf(code: number): string {
  if (code === 0x12 || code === 0x13 || code === 0x15) return "tail calls";
  if ((code >= 0x06 && code <= 0x0a) || code === 0x18 || code === 0x19 || code === 0x1f) return "exceptions";
  if (code === 0x14 || (code >= 0xd3 && code <= 0xd6)) return "typed references";
  if (code === 0x25 || code === 0x26 || (code >= 0xd0 && code <= 0xd2)) return "reference types";
  if (code >= 0xe0 && code <= 0xe6) return "stack switching";
  switch (code >> 12) {
    case 0xfb:
      return "garbage collection";
    case PREFIX_MISC:
      return [15, 16, 17].includes(code & 0xfff) ? "growing tables" : "wide arithmetic";
    case PREFIX_SIMD:
      return "relaxed SIMD";
    case 0xfe:
      return "threads";
    default:
      return "an instruction that is not known";
  }
}

// The bytes of a WebAssembly module -> its sections, and what stands in those that matter for a hand-written rule.
//
// Whether the bytes are a valid module the engine says; what the engine knows and rules may not use is found here.
//
// INVARIANT: every step takes a byte or more and nothing calls itself, so no bytes make it slow or deep, valid or not.

/** Thrown where the bytes end too early. */
export class MalformedModule extends Error {
  override readonly name = "MalformedModule";
}

/** Thrown for a part of WebAssembly that rules may not use. */
export class RefusedPart extends Error {
  override readonly name = "RefusedPart";
}

export interface FunctionType {
  readonly params: readonly number[];
  readonly results: readonly number[];
}

export const I32 = 0x7f;
export const I64 = 0x7e;
export const F32 = 0x7d;
export const F64 = 0x7c;
export const V128 = 0x7b;

const TYPE_NAMES: Readonly<Record<number, string>> = {
  [I32]: "i32",
  [I64]: "i64",
  [F32]: "f32",
  [F64]: "f64",
  [V128]: "v128",
};

export const SECTION = {
  ...{ custom: 0, type: 1, import: 2, function: 3, table: 4, memory: 5, global: 6, export: 7, start: 8 },
  ...{ element: 9, code: 10, data: 11, dataCount: 12, tag: 13 },
} as const;

export type ExternKind = "function" | "table" | "memory" | "global" | "tag";
const KINDS: readonly ExternKind[] = ["function", "table", "memory", "global", "tag"];

export interface Import {
  readonly module: string;
  readonly name: string;
  readonly kind: ExternKind;
  /** Of a function, its index among the types; else -1. */
  readonly type: number;
}

export interface Export {
  readonly name: string;
  readonly kind: ExternKind;
  readonly index: number;
}

export interface Global {
  readonly type: number;
  readonly isMutable: boolean;
}

/** Of a memory, whose limits are counted in them. */
export const PAGE_BYTES = 65_536;

export interface Limits {
  readonly min: number;
  readonly max: number | null;
}

/** A range of the module's bytes. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface WasmModule {
  readonly bytes: Uint8Array;
  readonly types: readonly FunctionType[];
  readonly imports: readonly Import[];
  /** Types of the module's own functions, which stand behind the imported ones. */
  readonly functions: readonly number[];
  readonly tables: readonly Limits[];
  readonly memories: readonly Limits[];
  /** The module's own. */
  readonly globals: readonly Global[];
  readonly exports: readonly Export[];
  readonly start: number | null;
  /** Functions that stand in tables. */
  readonly referenced: ReadonlySet<number>;
  /** Contents of the sections but for custom ones, by id. */
  readonly sections: ReadonlyMap<number, Range>;
  /** Local variables and code of the module's own functions. */
  readonly bodies: readonly Range[];
}

/** A place in bytes that moves on as they are read. */
export interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

export function readByte(cursor: Cursor): number {
  const byte = cursor.bytes[cursor.at++];
  if (byte === undefined) throw new MalformedModule("the module ends too early");
  return byte;
}

/** An unsigned LEB128 number; of more than 32 bits the rest is lost. */
export function readU32(cursor: Cursor): number {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = readByte(cursor);
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value >>> 0;
  }
}

/** A signed LEB128 number of 32 bits. */
export function readI32(cursor: Cursor): number {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = readByte(cursor);
    if (shift < 32) value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return shift < 25 && (byte & 0x40) !== 0 ? value | (-1 << (shift + 7)) : value;
  }
}

export function skipLeb(cursor: Cursor): void {
  while (readByte(cursor) >= 0x80);
}

const utf8 = new TextDecoder();

function readName(cursor: Cursor): string {
  const length = readU32(cursor);
  const name = utf8.decode(cursor.bytes.subarray(cursor.at, cursor.at + length));
  cursor.at += length;
  return name;
}

export function typeName(type: number): string {
  return TYPE_NAMES[type] ?? "a reference";
}

export function typeText({ params, results }: FunctionType): string {
  return `(${params.map(typeName).join(", ")}) -> ${results.length === 1 ? typeName(results[0] ?? 0) : `(${results.map(typeName).join(", ")})`}`;
}

export function readValueType(cursor: Cursor): number {
  const type = readByte(cursor);
  if (TYPE_NAMES[type] === undefined) throw new RefusedPart("reference types");
  return type;
}

function readMany<T>(cursor: Cursor, read: (cursor: Cursor) => T): T[] {
  const values: T[] = [];
  for (let count = readU32(cursor); count > 0; count--) values.push(read(cursor));
  return values;
}

/** Reads a module. Throws RefusedPart and MalformedModule. */
export function readModule(bytes: Uint8Array): WasmModule {
  const sections = new Map<number, Range>();
  const cursor: Cursor = { bytes, at: 8 };
  while (cursor.at < bytes.length) {
    const id = readByte(cursor);
    const length = readU32(cursor);
    if (id !== SECTION.custom) sections.set(id, { start: cursor.at, end: cursor.at + length });
    cursor.at += length;
  }
  if (sections.has(SECTION.tag)) throw new RefusedPart("exceptions");
  const known: readonly number[] = Object.values(SECTION);
  if ([...sections.keys()].some((id) => !known.includes(id))) throw new RefusedPart("a section that is not known");
  const many = <T>(id: number, read: (cursor: Cursor) => T): T[] => {
    const range = sections.get(id);
    return range === undefined ? [] : readMany({ bytes, at: range.start }, read);
  };
  const start = sections.get(SECTION.start);
  const referenced = new Set(many(SECTION.element, readElements).flat());
  const tables = many(SECTION.table, readTable);
  const memories = many(SECTION.memory, readMemory);
  if (tables.length > 1) throw new RefusedPart("several tables");
  if (memories.length > 1) throw new RefusedPart("several memories");
  return {
    bytes,
    types: many(SECTION.type, readType),
    imports: many(SECTION.import, readImport),
    functions: many(SECTION.function, readU32),
    tables,
    memories,
    globals: many(SECTION.global, readGlobal),
    exports: many(SECTION.export, readExport),
    start: start === undefined ? null : readU32({ bytes, at: start.start }),
    referenced,
    sections,
    bodies: many(SECTION.code, readBody),
  };
}

function readType(cursor: Cursor): FunctionType {
  if (readByte(cursor) !== 0x60) throw new RefusedPart("garbage collection");
  return { params: readMany(cursor, readValueType), results: readMany(cursor, readValueType) };
}

function readImport(cursor: Cursor): Import {
  const module = readName(cursor);
  const name = readName(cursor);
  const kind = KINDS[readByte(cursor)];
  switch (kind) {
    case "function":
      return { module, name, kind, type: readU32(cursor) };
    case "table":
      readTable(cursor);
      return { module, name, kind, type: -1 };
    case "memory":
      readMemory(cursor);
      return { module, name, kind, type: -1 };
    case "global":
      readValueType(cursor);
      readByte(cursor);
      return { module, name, kind, type: -1 };
    default:
      throw new RefusedPart("exceptions");
  }
}

function readTable(cursor: Cursor): Limits {
  if (readByte(cursor) !== 0x70) throw new RefusedPart("reference types");
  return readLimits(cursor);
}

function readMemory(cursor: Cursor): Limits {
  return readLimits(cursor);
}

function readLimits(cursor: Cursor): Limits {
  const flags = readByte(cursor);
  if ((flags & 2) !== 0) throw new RefusedPart("threads");
  if ((flags & 4) !== 0) throw new RefusedPart("memory64");
  if (flags > 1) throw new RefusedPart("custom page sizes");
  const min = readU32(cursor);
  return { min, max: flags === 1 ? readU32(cursor) : null };
}

function readGlobal(cursor: Cursor): Global {
  const type = readValueType(cursor);
  const isMutable = readByte(cursor) === 1;
  skipConstant(cursor);
  return { type, isMutable };
}

/** An expression that the engine computes when the module is instantiated. */
function skipConstant(cursor: Cursor): void {
  for (;;) {
    const code = readByte(cursor);
    if (code === 0x0b) return;
    if (code === 0x41 || code === 0x42 || code === 0x23) skipLeb(cursor);
    else if (code === 0x43) cursor.at += 4;
    else if (code === 0x44) cursor.at += 8;
    else if (code === 0xfd) {
      skipLeb(cursor);
      cursor.at += 16;
    } else if (code === 0xd0 || code === 0xd2) throw new RefusedPart("reference types");
    else if (code === 0xfb) throw new RefusedPart("garbage collection");
    else throw new RefusedPart("extended constants");
  }
}

function readExport(cursor: Cursor): Export {
  const name = readName(cursor);
  const kind = KINDS[readByte(cursor)];
  if (kind === undefined || kind === "tag") throw new RefusedPart("exceptions");
  return { name, kind, index: readU32(cursor) };
}

/** Flags: 1 passive or declared, 2 with a table's number, 4 with expressions in place of numbers. */
function readElements(cursor: Cursor): readonly number[] {
  const flags = readU32(cursor);
  if (flags > 3) throw new RefusedPart("reference types");
  if (flags === 2) readU32(cursor);
  if ((flags & 1) === 0) skipConstant(cursor);
  if (flags !== 0) readByte(cursor);
  return readMany(cursor, readU32);
}

function readBody(cursor: Cursor): Range {
  const length = readU32(cursor);
  const range = { start: cursor.at, end: cursor.at + length };
  cursor.at = range.end;
  return range;
}

// The fields a pack reads -> the path table that the decoder walks. Layout: PATH_* in stdlib/src/abi.ts; the hash and the
// probing are those of findEntry in stdlib/prelude/decode.ts.

import {
  PATH_ENTRY_BYTES,
  PATH_FREE,
  TYPE_BOOLEAN,
  TYPE_DATE,
  TYPE_DOUBLE,
  TYPE_KEYWORD,
  TYPE_LONG,
  TYPE_NONE,
  TYPE_OBJECT,
} from "@kestrel/stdlib/abi";
import type { Field, FieldType } from "@kestrel/stdlib/schema/types";
import type { DataSection } from "./data-section.js";

interface Node {
  readonly id: number;
  readonly children: Map<string, Entry>;
}

interface Entry {
  child: Node | null;
  field: Field | null;
}

const MASK_64 = (1n << 64n) - 1n;
const utf8 = new TextEncoder();

export function typeCode(type: FieldType): number {
  switch (type) {
    case "keyword":
    case "ip":
    case "version":
      return TYPE_KEYWORD;
    case "long":
      return TYPE_LONG;
    case "double":
      return TYPE_DOUBLE;
    case "boolean":
      return TYPE_BOOLEAN;
    case "date":
      return TYPE_DATE;
    case "object":
      return TYPE_OBJECT;
  }
}

/** Writes the table and returns its address and mask. */
export function addPathTable(
  fields: readonly Field[],
  slotOf: (field: Field) => number,
  data: DataSection,
): { readonly table: number; readonly mask: number } {
  const root: Node = { id: 0, children: new Map() };
  let nodes = 1;
  let count = 0;
  for (const field of fields) {
    let node = root;
    const parts = field.name.split(".");
    for (const [index, part] of parts.entries()) {
      let entry = node.children.get(part);
      if (entry === undefined) {
        entry = { child: null, field: null };
        node.children.set(part, entry);
        count++;
      }
      if (index === parts.length - 1) entry.field = field;
      else {
        entry.child ??= { id: nodes++, children: new Map() };
        node = entry.child;
      }
    }
  }
  let size = 16;
  while (size < count * 3) size *= 2;
  const bytes = new Uint8Array(size * PATH_ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < size; at++) view.setUint32(at * PATH_ENTRY_BYTES + 12, PATH_FREE, true);
  const write = (node: Node): void => {
    for (const [key, entry] of node.children) {
      const keyBytes = utf8.encode(key);
      let at = hashKey(node.id, keyBytes) & (size - 1);
      while (view.getUint32(at * PATH_ENTRY_BYTES + 12, true) !== PATH_FREE) at = (at + 1) & (size - 1);
      const offset = at * PATH_ENTRY_BYTES;
      view.setBigUint64(offset, word(keyBytes, 0), true);
      view.setUint32(offset + 8, data.add(keyBytes), true);
      view.setUint32(offset + 12, keyBytes.length, true);
      view.setUint32(offset + 16, node.id, true);
      view.setUint32(offset + 20, entry.child?.id ?? 0, true);
      view.setUint32(offset + 24, entry.field === null ? 0 : slotOf(entry.field), true);
      view.setUint32(offset + 28, entry.field === null ? TYPE_NONE : typeCode(entry.field.type), true);
      if (entry.child !== null) write(entry.child);
    }
  };
  write(root);
  return { table: data.add(bytes), mask: size - 1 };
}

/** Eight bytes from `start`, little-endian, zero padded. */
function word(bytes: Uint8Array, start: number): bigint {
  let value = 0n;
  for (let i = 7; i >= 0; i--) value = (value << 8n) | BigInt(bytes[start + i] ?? 0);
  return value;
}

function hashKey(node: number, key: Uint8Array): number {
  const first = word(key, 0);
  const last = key.length > 8 ? word(key, key.length - 8) : 0n;
  const rotated = ((last << 23n) | (last >> 41n)) & MASK_64;
  const salt = BigInt(((node << 8) ^ key.length) >>> 0) * 0x9e3779b97f4a7c15n;
  const mixed = (((first ^ rotated) + salt) * 0xff51afd7ed558ccdn) & MASK_64;
  return Number(mixed >> 32n);
}

// The readings of a pack -> the path table that the decoder walks. Layout: PATH_* in stdlib/src/abi.ts; the hash and the
// probing are those of findEntry in stdlib/prelude/decode.ts.

import {
  PATH_ENTRY_BYTES,
  PATH_ENTRY_CHILD,
  PATH_ENTRY_KEY,
  PATH_ENTRY_KEY_LENGTH,
  PATH_ENTRY_NODE,
  PATH_ENTRY_SLOT,
  PATH_ENTRY_START,
  PATH_ENTRY_TYPE,
  PATH_FREE,
  PATH_TYPE_BITS,
  TYPE_BOOLEAN,
  TYPE_DATE,
  TYPE_DOUBLE,
  TYPE_KEYWORD,
  TYPE_LONG,
  TYPE_NONE,
  TYPE_OBJECT,
  TYPE_RAW,
  TYPE_TIEBREAKER,
  TYPE_TIME,
} from "@kestrel/stdlib/abi";
import { type ReadAs, type Reading, type Root, readingKey, rootKey } from "../../ir/reading.js";
import type { DataSection } from "./data-section.js";
import type { EventReadings } from "./state.js";

interface Node {
  readonly id: number;
  readonly children: Map<string, Entry>;
}

interface Entry {
  child: Node | null;
  /**
   * All readings of the value. The first that is not raw goes into the entry itself, the others into the readings
   * table.
   */
  readonly readings: Reading[];
}

interface RootEntry extends Entry {
  readonly root: Root;
}

const MASK_64 = (1n << 64n) - 1n;
const utf8 = new TextEncoder();

export function typeCode(as: ReadAs): number {
  switch (as) {
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
    case "raw":
      return TYPE_RAW;
  }
}

export interface PathTable {
  readonly table: number;
  readonly mask: number;
  /** Address of the readings table. */
  readonly readings: number;
  /** Node of each stage that has readings below it. */
  readonly stages: ReadonlyMap<number, number>;
  /** Address of a path entry for the element itself, by nesting depth. */
  readonly elements: ReadonlyMap<number, number>;
}

/**
 * Writes the table; each reading stands below its root. Whoever reads the field with the time of an event as a date, the
 * rules or the runtime, gets the same.
 */
export function addPathTable(
  readings: readonly Reading[],
  { timestamp, tiebreaker }: Pick<EventReadings, "timestamp" | "tiebreaker">,
  slotOf: (reading: Reading) => number,
  data: DataSection,
): PathTable {
  let nodes = 0;
  let count = 0;
  const typeOf = (reading: Reading): number => {
    const { root, name, as } = reading;
    if (as === "date" && name === timestamp.name && root.kind !== "element") return TYPE_TIME;
    return tiebreaker !== null && readingKey(reading) === readingKey(tiebreaker) ? TYPE_TIEBREAKER : typeCode(as);
  };
  const newNode = (): Node => ({ id: nodes++, children: new Map() });
  const roots = new Map<string, RootEntry>([["", { root: { kind: "event" }, child: newNode(), readings: [] }]]);
  const entryOf = (parent: Entry, part: string): Entry => {
    parent.child ??= newNode();
    let entry = parent.child.children.get(part);
    if (entry === undefined) {
      entry = { child: null, readings: [] };
      parent.child.children.set(part, entry);
      count++;
    }
    return entry;
  };
  // Whole keys last. When one rule reads the path `a.b` and another the key "a.b", the decoder finds the key and does
  // not look for the path, so the key's entry has to lead to everything that the path leads to.
  for (const reading of [...readings].sort((a, b) => Number(a.whole) - Number(b.whole))) {
    const key = rootKey(reading.root);
    const root = roots.get(key) ?? { root: reading.root, child: null, readings: [] };
    roots.set(key, root);
    let entry: Entry = root;
    if (reading.name !== "") for (const part of reading.name.split(".")) entry = entryOf(entry, part);
    if (!reading.whole || !reading.name.includes(".")) {
      entry.readings.push(reading);
      continue;
    }
    const whole = entryOf(root, reading.name);
    whole.child ??= entry.child;
    for (const other of [...entry.readings, reading]) if (!whole.readings.includes(other)) whole.readings.push(other);
  }

  // Index 0 says that an entry has no further readings, so none may begin there.
  const further: number[] = [0, 0];
  /** Writes where an entry leads: child, slot, type and readings. */
  const writeTarget = (entry: Entry, view: DataView, offset: number): void => {
    const first = entry.readings.find(({ as }) => as !== "raw");
    const more = entry.readings.filter((reading) => reading !== first);
    const at = more.length === 0 ? 0 : further.length / 2;
    if (more.length > 0) {
      for (const reading of more) further.push(slotOf(reading), typeOf(reading));
      further.push(0, 0);
    }
    const type = first === undefined ? TYPE_NONE : typeOf(first);
    view.setUint32(offset + PATH_ENTRY_CHILD, entry.child?.id ?? 0, true);
    view.setUint32(offset + PATH_ENTRY_SLOT, first === undefined ? 0 : slotOf(first), true);
    view.setUint32(offset + PATH_ENTRY_TYPE, type | (at << PATH_TYPE_BITS), true);
  };
  let size = 16;
  while (size < count * 3) size *= 2;
  const bytes = new Uint8Array(size * PATH_ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < size; at++) view.setUint32(at * PATH_ENTRY_BYTES + PATH_ENTRY_KEY_LENGTH, PATH_FREE, true);
  const written = new Set<Node>();
  const write = (node: Node): void => {
    if (written.has(node)) return;
    written.add(node);
    for (const [key, entry] of node.children) {
      const keyBytes = utf8.encode(key);
      let at = hashKey(node.id, keyBytes) & (size - 1);
      while (view.getUint32(at * PATH_ENTRY_BYTES + PATH_ENTRY_KEY_LENGTH, true) !== PATH_FREE)
        at = (at + 1) & (size - 1);
      const offset = at * PATH_ENTRY_BYTES;
      view.setBigUint64(offset + PATH_ENTRY_START, word(keyBytes, 0), true);
      view.setUint32(offset + PATH_ENTRY_KEY, data.add(keyBytes), true);
      view.setUint32(offset + PATH_ENTRY_KEY_LENGTH, keyBytes.length, true);
      view.setUint32(offset + PATH_ENTRY_NODE, node.id, true);
      writeTarget(entry, view, offset);
      if (entry.child !== null) write(entry.child);
    }
  };
  const stages = new Map<number, number>();
  const elements = new Map<number, number>();
  for (const entry of roots.values()) {
    if (entry.child !== null) write(entry.child);
    if (entry.root.kind === "stage" && entry.child !== null) stages.set(entry.root.stage, entry.child.id);
    if (entry.root.kind !== "element") continue;
    const element = new Uint8Array(PATH_ENTRY_BYTES);
    writeTarget(entry, new DataView(element.buffer), 0);
    elements.set(entry.root.depth, data.add(element));
  }
  return { table: data.add(bytes), mask: size - 1, readings: data.addWords(further), stages, elements };
}

/** Eight bytes from `start`, little-endian, zero padded. */
function word(bytes: Uint8Array, start: number): bigint {
  let value = 0n;
  for (let i = 7; i >= 0; i--) value = (value << 8n) | BigInt(bytes[start + i] ?? 0);
  return value;
}

/** The hash of stdlib/prelude/decode.ts; test/cases/hashes.txt pins both. */
export function hashKey(node: number, key: Uint8Array): number {
  const first = word(key, 0);
  const last = key.length > 8 ? word(key, key.length - 8) : 0n;
  const rotated = ((last << 23n) | (last >> 41n)) & MASK_64;
  const salt = BigInt(((node << 8) ^ key.length) >>> 0) * 0x9e3779b97f4a7c15n;
  const mixed = (((first ^ rotated) + salt) * 0xff51afd7ed558ccdn) & MASK_64;
  return Number(mixed >> 32n);
}

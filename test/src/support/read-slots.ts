// Lines of NDJSON -> what the decoder puts into the slots of every field of a schema, as seen through rules.
// One sample has all fields as optional join keys, so that each event's match carries their values; a rule for each object
// field tells whether something stands there. Values are written as texts:
//
//   keyword, ip, version   a JSON string      boolean   true, false        object   present
//   long                   42                 double    1.5, 2.0           date     @ and nanoseconds since 1970

import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { doubleText, instantiate, type PackInstance } from "@kestrel/runtime/load/instantiate";
import {
  BROKEN_DEPTH,
  BROKEN_NOT_OBJECT,
  BROKEN_RECORD_BYTES,
  BROKEN_SIZE,
  CONTROL_BASE,
  CONTROL_BATCH_LINES,
  CONTROL_BROKEN,
  CONTROL_BROKEN_RECORDS,
  CONTROL_BROKEN_TABLE,
  CONTROL_CONSUMED,
  CONTROL_MALFORMED,
  CONTROL_OUTPUT_BYTES,
  CONTROL_REPLACED,
  EVENT_HAS_TIME,
  EVENT_HEADER_BYTES,
  KEYS_LOST,
  MATCH_BYTES,
} from "@kestrel/stdlib/abi";
import type { Field, Schema } from "@kestrel/stdlib/schema/types";
import type { RefEvent } from "../reference/interpret.js";
import type { Value } from "../reference/values.js";
import { compileForTest, ruleOf } from "./run-pack.js";

export type Decoded =
  | {
      readonly kind: "event";
      /** Of the fields that have values; null when there were too many to carry. */
      readonly fields: ReadonlyMap<string, readonly string[]> | null;
      /** Nanoseconds since 1970, null when the event has no time of its own. */
      readonly time: bigint | null;
    }
  /** `reason` is null behind the first 32 broken lines of a run. */
  | { readonly kind: "broken"; readonly reason: string | null }
  | { readonly kind: "blank" };

export interface DecodedLines {
  readonly lines: readonly Decoded[];
  readonly malformed: number;
  readonly replaced: number;
}

// The decoder never lets invalid UTF-8 through, so this throws on a defect only.
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Takes whole lines, each ended by a line feed. */
export type SlotReader = (bytes: Uint8Array) => DecodedLines;

export async function createSlotReader(schema: Schema): Promise<SlotReader> {
  const fields = [...schema.fields.values()];
  const keys = fields.filter((field) => field.type !== "object");
  const objects = fields.filter((field) => field.type === "object");
  const names = keys.map((field) => `?${quoteName(field.name)}`).join(", ");
  const { pack, diagnostics } = await compileForTest(
    [
      ruleOf("keys", `sample by ${names} [any where true] [any where true]`),
      ...objects.map((field) => ruleOf(field.name, `any where ${quoteName(field.name)} != null`)),
    ],
    { ...DEFAULT_OPTIONS, schema },
  );
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map((d) => d.message).join("; "));
  const instance = instantiate(pack.module);
  const objectOf = new Map<number, Field>();
  for (const [predicate, rules] of pack.manifest.predicates.entries()) {
    const object = objects[(rules[0] ?? 0) - 1];
    if (object !== undefined) objectOf.set(predicate, object);
  }
  return (bytes) => readAll(instance, bytes, keys, objectOf);
}

/** The same map as a decoded event's, from the reference. */
export function referenceSlots(event: RefEvent): ReadonlyMap<string, readonly string[]> {
  return new Map([...event.fields].map(([name, values]) => [name, values.map(valueText)]));
}

function valueText(value: Value): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") return doubleText(value);
  if (value === null || typeof value !== "object") return String(value);
  if (value.type === "date") return `@${value.nanoseconds}`;
  return value.type === "object" ? "present" : quote(value.text);
}

/** A JSON string in which everything that a page does not show is escaped. */
function quote(text: string): string {
  return JSON.stringify(text).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => {
    const hex = (character.codePointAt(0) ?? 0).toString(16);
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, "0")}`;
  });
}

function quoteName(name: string): string {
  return name
    .split(".")
    .map((part) => `\`${part}\``)
    .join(".");
}

function readAll(
  instance: PackInstance,
  bytes: Uint8Array,
  keys: readonly Field[],
  objectOf: ReadonlyMap<number, Field>,
): DecodedLines {
  const view = new DataView(instance.memory.buffer);
  const memory = Buffer.from(instance.memory.buffer);
  const counter = (offset: number): number => Number(view.getBigUint64(CONTROL_BASE + offset, true));
  const word = (offset: number): number => view.getUint32(CONTROL_BASE + offset, true);
  const before = { malformed: counter(CONTROL_MALFORMED), replaced: counter(CONTROL_REPLACED) };
  memory.set(bytes, instance.inputBase);
  const lines: Decoded[] = [];
  for (let used = 0; used < bytes.length; used += word(CONTROL_CONSUMED)) {
    const brokenBefore = counter(CONTROL_BROKEN);
    instance.run(instance.inputBase + used, bytes.length - used);
    const found = new Map<number, Decoded>();
    readEvents(view, memory, instance.outputBase, word(CONTROL_OUTPUT_BYTES), keys, objectOf, found);
    for (let record = 0; record < word(CONTROL_BROKEN_RECORDS); record++) {
      const at = CONTROL_BROKEN_TABLE + record * BROKEN_RECORD_BYTES;
      found.set(word(at), { kind: "broken", reason: reasonText(word(at + 8)) });
    }
    const unrecorded = counter(CONTROL_BROKEN) - brokenBefore > word(CONTROL_BROKEN_RECORDS);
    const rest: Decoded = unrecorded ? { kind: "broken", reason: null } : { kind: "blank" };
    for (let line = 0; line < word(CONTROL_BATCH_LINES); line++) lines.push(found.get(line) ?? rest);
  }
  return {
    lines,
    malformed: counter(CONTROL_MALFORMED) - before.malformed,
    replaced: counter(CONTROL_REPLACED) - before.replaced,
  };
}

function reasonText(code: number): string {
  return code === BROKEN_NOT_OBJECT
    ? "not-object"
    : code === BROKEN_DEPTH
      ? "depth"
      : code === BROKEN_SIZE
        ? "size"
        : "syntax";
}

/** Layout: "Output" in stdlib/src/abi.ts. */
function readEvents(
  view: DataView,
  memory: Buffer,
  base: number,
  length: number,
  keys: readonly Field[],
  objectOf: ReadonlyMap<number, Field>,
  found: Map<number, Decoded>,
): void {
  for (let at = base; at < base + length; ) {
    const header = at;
    at += EVENT_HEADER_BYTES;
    let fields: Map<string, readonly string[]> | null = new Map();
    for (let left = view.getUint32(header + 12, true); left > 0; left--) {
      const object = objectOf.get(view.getUint32(at, true));
      const written = view.getUint32(at + 4, true);
      at += MATCH_BYTES;
      if (object !== undefined) fields?.set(object.name, ["present"]);
      else if (written === KEYS_LOST) fields = null;
      else at = readKeys(view, memory, at, keys, fields);
    }
    const timed = (view.getUint32(header + 40, true) & EVENT_HAS_TIME) !== 0;
    found.set(view.getUint32(header, true), {
      kind: "event",
      fields,
      time: timed ? view.getBigInt64(header + 16, true) : null,
    });
  }
}

function readKeys(
  view: DataView,
  memory: Buffer,
  start: number,
  keys: readonly Field[],
  fields: Map<string, readonly string[]> | null,
): number {
  let at = start;
  for (const field of keys) {
    const count = view.getUint32(at + 4, true);
    at += 8;
    const values: string[] = [];
    for (let i = 0; i < count; i++) {
      switch (field.type) {
        case "long":
          values.push(String(view.getBigInt64(at, true)));
          break;
        case "date":
          values.push(`@${view.getBigInt64(at, true)}`);
          break;
        case "double":
          values.push(doubleText(view.getFloat64(at, true)));
          break;
        case "boolean":
          values.push(view.getUint32(at, true) === 0 ? "false" : "true");
          break;
        default: {
          const length = view.getUint32(at, true);
          values.push(quote(strictUtf8.decode(memory.subarray(at + 4, at + 4 + length))));
          at += ((length + 3) & ~3) - 4;
        }
      }
      at += 8;
    }
    if (count > 0) fields?.set(field.name, values);
  }
  return at;
}

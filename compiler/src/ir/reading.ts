// A reading: where a value is looked up, and what it is read as. One name can be read in several ways (`process.args` as a
// keyword and as the JSON text of its array) and from several roots (the event at hand, the event of an earlier stage), and
// each of these readings has a slot of its own.
//
//   process.name              root event
//   a.process.name            root stage n, where `a` names the term of that stage
//   $entry.symbol_info        root element n, where n counts the searches around the one whose variable `$entry` is

import type { Field, FieldType } from "@kestrel/stdlib/schema/types";

export type Root =
  | { readonly kind: "event" }
  | { readonly kind: "stage"; readonly stage: number }
  | { readonly kind: "element"; readonly depth: number };

/** The types that a schema gives, and one that only a reading has: `raw` is the JSON text of whatever stands at the path. */
export type ReadAs = FieldType | "raw";

export interface Reading {
  readonly root: Root;
  /** Dotted, below the root; "" is the root itself. */
  readonly name: string;
  /** Of the field in the schema, 0 for a name that the schema lacks. */
  readonly id: number;
  readonly as: ReadAs;
  /** The name is one key of its root, dots and all. Raw readings only. */
  readonly whole: boolean;
}

const EVENT: Root = { kind: "event" };

/** A field of the event at hand, read as the schema says. */
export function readField({ id, name, type }: Field): Reading {
  return { root: EVENT, name, id, as: type, whole: false };
}

/** A name of the event at hand, read as it is told. */
export function readName(name: string, as: ReadAs, id = 0): Reading {
  return { root: EVENT, name, id, as, whole: false };
}

/** One key of the event at hand as JSON text: how the endgame dialect reads fields. */
export function readWhole(name: string): Reading {
  return { root: EVENT, name, id: 0, as: "raw", whole: true };
}

/** The same of the event that stage `stage` took. */
export function atStage(reading: Reading, stage: number): Reading {
  return { ...reading, root: { kind: "stage", stage } };
}

/** The same of the element that the search of nesting depth `depth` is at. */
export function inElement(reading: Reading, depth: number): Reading {
  return { ...reading, root: { kind: "element", depth } };
}

const keys = new WeakMap<Reading, string>();

/** Two readings are the same, and share a slot, when their keys are equal. */
export function readingKey(reading: Reading): string {
  const known = keys.get(reading);
  if (known !== undefined) return known;
  const { root, name, as, whole } = reading;
  const key = JSON.stringify([rootKey(root), name, as, whole]);
  keys.set(reading, key);
  return key;
}

/** "" for the event at hand, `@n` for a stage, `$n` for an element. */
export function rootKey(root: Root): string {
  switch (root.kind) {
    case "event":
      return "";
    case "stage":
      return `@${root.stage}`;
    case "element":
      return `$${root.depth}`;
  }
}

/** For people: `process.name`, `@0.process.name`, `$1`. */
export function readingText({ root, name }: Reading): string {
  const key = rootKey(root);
  return key === "" ? name : name === "" ? key : `${key}.${name}`;
}

/** An order of readings: the event's first, then elements, then stages; by name, then by type. */
export function compareReadings(a: Reading, b: Reading): number {
  for (const [x, y] of [
    [rootKey(a.root), rootKey(b.root)],
    [a.name, b.name],
    [a.as, b.as],
  ] as const) {
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

/** What the value of a reading is in an expression; null for an object, which only can be there or not. */
export type ValueType = "string" | "long" | "double" | "boolean" | "date";

export function valueTypeOf({ as }: Reading): ValueType | null {
  switch (as) {
    case "keyword":
    case "ip":
    case "version":
    case "raw":
      return "string";
    case "object":
      return null;
    default:
      return as;
  }
}

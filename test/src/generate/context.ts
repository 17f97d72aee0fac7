// What the makers of query text share: where randomness comes from, which parts of the language they may use, and which
// names stand for fields where they are.

import type { FieldType, Schema } from "@kestrel/stdlib/schema/types";
import type { Random } from "./random.js";

/** Parts of the language that can be left out. */
export type Feature =
  | "functions"
  | "arithmetic"
  | "wildcards"
  | "regex"
  | "addresses"
  | "versions"
  | "dates"
  | "doubles"
  | "objects"
  /** Both sides of a comparison name a field. */
  | "fieldToField"
  /** A condition inside a leaf, such as `null == (x > 1)`. */
  | "nested"
  /** The literal null other than in `x == null` and `x != null`. */
  | "nullOperands"
  /** `?field`, known or not. */
  | "optional"
  /** Conditions, or parts of them, without a field. */
  | "constants"
  /** `_arraysearch`. */
  | "search"
  /** `descendant of` and its kin, which only a stream can answer; left out unless asked for. */
  | "lineage";

/** Names that can be used, each with its type. */
export interface Source {
  readonly fields: ReadonlyMap<string, FieldType>;
  /** Fields of an element that no schema knows: they take the type that their place asks for. */
  readonly untyped: readonly string[];
  /** Whether a `?` may stand before the name. */
  readonly optional: boolean;
}

export interface Context {
  readonly random: Random;
  readonly schema: Schema;
  readonly has: (feature: Feature) => boolean;
  /** The event's own fields first, then those of aliases or elements. */
  readonly sources: readonly Source[];
  /** Arrays that can be searched: how the query writes them, and their name in the schema. */
  readonly arrays: readonly { readonly written: string; readonly name: string }[];
  /** How many searches stand around this place. */
  readonly searches: number;
}

/** Makes a piece of text; the number says how many levels it may have. */
export type Make = (context: Context, depth: number) => string;

export function eventSource(schema: Schema): Source {
  return {
    fields: new Map([...schema.fields.values()].map((field) => [field.name, field.type])),
    untyped: [],
    optional: true,
  };
}

/** A field of the type, now and then with `?`, or an unknown one with it. */
export function pickField(context: Context, type: FieldType): string {
  const { random, has } = context;
  if (has("optional") && random.chance(0.02)) return "?no.such.field";
  const usable = context.sources.filter((source) => namesIn(source, type).length > 0);
  const later = usable.slice(1);
  const source = later.length > 0 && random.chance(0.6) ? random.pick(later) : usable[0];
  if (source === undefined) throw new RangeError(`There is no field of type ${type}`);
  const name = random.pick(namesIn(source, type));
  return source.optional && has("optional") && random.chance(0.05) ? `?${name}` : name;
}

export function hasField(context: Context, type: FieldType): boolean {
  return context.sources.some((source) => namesIn(source, type).length > 0);
}

function namesIn(source: Source, type: FieldType): string[] {
  const names = [...source.fields].filter(([, known]) => known === type).map(([name]) => name);
  return type === "ip" || type === "version" || type === "date" ? names : [...names, ...source.untyped];
}

export function several(random: Random, make: () => string): string {
  return Array.from({ length: 1 + random.below(4) }, make).join(", ");
}

export function oneOrList(random: Random, make: () => string): string {
  return random.chance(0.7) ? make() : `(${several(random, make)})`;
}

/** One time in six the operands are exchanged, and the operator left as it is. */
export function swapped(random: Random, left: string, operator: string, right: string): string {
  return random.chance(1 / 6) ? `${right} ${operator} ${left}` : `${left} ${operator} ${right}`;
}

export function makeOperator(random: Random): string {
  return random.weighted([
    [4, "=="],
    [3, "!="],
    [1, "<"],
    [1, "<="],
    [1, ">"],
    [1, ">="],
  ]);
}

// The typed query: fields bound to the schema, constants brought to the type of what they are compared with, sugar removed.
// `!=` and `not in` are `not` of their opposites, lists are matches or disjunctions, `:` and its kin are matches.
// Evaluating one of these over one value for each field gives a value or null; see EQL.md sections 3, 4 and 6.

import type { Field } from "@kestrel/stdlib/schema/types";
import type { Cidr } from "../patterns/cidr.js";
import type { Dialect } from "../syntax/ast.js";
import type { Dynamic } from "./endgame/dynamic.js";

export type ValueType = "string" | "long" | "double" | "boolean" | "date";

/** How two operands are compared. Strings compare by code point, addresses only for equality. */
export type Domain = "string" | "long" | "double" | "boolean" | "date" | "version" | "address";

/** What a string value is matched against; it matches when it is one of `exact` or matches a pattern as a whole. */
export interface Patterns {
  readonly fold: boolean;
  readonly exact: readonly string[];
  /** Wildcard patterns with `*` and `?`. */
  readonly globs: readonly string[];
  /** Regular expressions, checked. */
  readonly regexes: readonly string[];
}

export type FunctionName =
  | "between"
  | "concat"
  | "endsWith"
  | "indexOf"
  | "length"
  | "startsWith"
  | "string"
  | "stringContains"
  | "substring"
  /** Simple case folding; stands on both sides of an insensitive comparison. */
  | "fold"
  /** Text read as a number, null when it is none; how a keyword field is ordered against a number. */
  | "toNumber"
  /** Text as `number()` reads it: in base 10 (hexadecimal behind `0x` where the base is 0), or in the base given. */
  | "number"
  | "numberInBase";

export type Typed =
  /** Always null; `of` holds what it was made of, because a leaf without fields is judged differently from one with. */
  | { readonly kind: "null"; readonly of?: readonly Typed[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "long"; readonly value: bigint }
  | { readonly kind: "double"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "date"; readonly nanoseconds: bigint }
  | { readonly kind: "field"; readonly field: Field }
  | {
      readonly kind: "arithmetic";
      readonly op: "+" | "-" | "*" | "/" | "%";
      readonly type: "long" | "double";
      readonly left: Typed;
      readonly right: Typed;
    }
  | {
      readonly kind: "compare";
      readonly op: "==" | "<" | "<=" | ">" | ">=";
      readonly domain: Domain;
      readonly left: Typed;
      readonly right: Typed;
      /** Sides that no event decides: where such a one turns out to be null, `==` tests the other for being null too. */
      readonly fixed?: "left" | "right" | "both";
    }
  | { readonly kind: "is-null"; readonly operand: Typed }
  | { readonly kind: "not"; readonly operand: Typed }
  | { readonly kind: "and" | "or"; readonly operands: readonly Typed[] }
  | { readonly kind: "match"; readonly subject: Typed; readonly patterns: Patterns }
  | { readonly kind: "in-ranges"; readonly subject: Typed; readonly ranges: readonly Cidr[] }
  | { readonly kind: "call"; readonly name: FunctionName; readonly fold: boolean; readonly args: readonly Typed[] }
  /** `_arraysearch`: `array` is read raw, and the condition reads its elements through fields of root `$depth`. */
  | { readonly kind: "search"; readonly array: Field; readonly depth: number; readonly condition: Typed }
  | { readonly kind: "lineage"; readonly relation: LineageRelation; readonly query: TypedTerm }
  /** In the plan only: what stood here is an atom of its own, true or false. */
  | { readonly kind: "test"; readonly atom: number }
  | Dynamic;

export type LineageRelation = "descendant" | "child" | "event";

/** The type of the value, or null where it is always null. */
export function typeOf(t: Typed): ValueType | null {
  switch (t.kind) {
    case "null":
      return null;
    case "string":
    case "long":
    case "double":
    case "boolean":
    case "date":
      return t.kind;
    case "field":
      return fieldValueType(t.field);
    case "arithmetic":
      return t.type;
    case "compare":
    case "is-null":
    case "not":
    case "and":
    case "or":
    case "match":
    case "in-ranges":
    case "search":
    case "lineage":
    case "test":
    case "dynamic":
      return "boolean";
    case "call":
      switch (t.name) {
        case "indexOf":
        case "length":
        case "numberInBase":
          return "long";
        case "toNumber":
        case "number":
          return "double";
        case "endsWith":
        case "startsWith":
        case "stringContains":
          return "boolean";
        default:
          return "string";
      }
  }
}

export function fieldValueType(field: Field): ValueType | null {
  switch (field.type) {
    case "keyword":
    case "ip":
    case "version":
      return "string";
    case "object":
      return null;
    case "filetime":
      return "date";
    case "raw":
      return "string";
    default:
      return field.type;
  }
}

/** Whether the value depends on an event. */
export function readsEvents(typed: Typed): boolean {
  switch (typed.kind) {
    case "field":
    case "search":
    case "lineage":
    case "test":
    case "dynamic":
      return true;
    default:
      return operandsOf(typed).some(readsEvents);
  }
}

/** Null, because an operand is. */
export function nullOf(...operands: readonly Typed[]): Typed {
  return { kind: "null", of: operands };
}

/** The operands of a node, in order. */
export function operandsOf(t: Typed): readonly Typed[] {
  switch (t.kind) {
    case "arithmetic":
    case "compare":
      return [t.left, t.right];
    case "is-null":
    case "not":
      return [t.operand];
    case "and":
    case "or":
      return t.operands;
    case "match":
    case "in-ranges":
      return [t.subject];
    case "call":
      return t.args;
    case "null":
      return t.of ?? [];
    default:
      return [];
  }
}

/** The node over other operands, as many as it has. */
export function withOperands(t: Typed, map: (operand: Typed) => Typed): Typed {
  switch (t.kind) {
    case "arithmetic":
    case "compare":
      return { ...t, left: map(t.left), right: map(t.right) };
    case "is-null":
    case "not":
      return { ...t, operand: map(t.operand) };
    case "and":
    case "or":
      return { ...t, operands: t.operands.map(map) };
    case "match":
    case "in-ranges":
      return { ...t, subject: map(t.subject) };
    case "call":
      return { ...t, args: t.args.map(map) };
    case "null":
      return t.of === undefined ? t : { ...t, of: t.of.map(map) };
    default:
      return t;
  }
}

/** Two fields are the same when their keys are: one name can be read in several ways, and from several roots. */
export function fieldKey(field: Field): string {
  return JSON.stringify([field.root ?? "", field.name, field.type, field.whole ?? false]);
}

/**
 * The distinct fields of a node, in order of appearance: those whose values make up its combinations. What a search or a
 * dynamic value reads is its own affair.
 */
export function fieldsOf(t: Typed): readonly Field[] {
  const found = new Map<string, Field>();
  const visit = (node: Typed): void => {
    if (node.kind === "field") found.set(fieldKey(node.field), node.field);
    for (const operand of operandsOf(node)) visit(operand);
  };
  visit(t);
  return [...found.values()];
}

/**
 * A join key of a term, or a key of a pipe. The field is null when an optional key is not in the schema, and when the key
 * is computed, which keys of the endgame dialect are.
 */
export interface JoinKey {
  readonly name: string;
  readonly field: Field | null;
  readonly optional: boolean;
  readonly computed?: { readonly value: Dynamic; readonly fold: boolean };
}

export interface TypedTerm {
  readonly dialect: Dialect;
  readonly category: string | null;
  readonly condition: Typed;
  readonly keys: readonly JoinKey[];
  readonly missing: boolean;
  readonly fork: boolean;
}

export type TypedPipe =
  | { readonly kind: "head" | "tail"; readonly count: number }
  | { readonly kind: "filter"; readonly condition: Typed }
  | { readonly kind: "unique" | "unique_count" | "sort" | "count"; readonly keys: readonly JoinKey[] };

export type TypedBody =
  | { readonly kind: "event"; readonly term: TypedTerm }
  | {
      readonly kind: "sequence" | "join";
      /** With `runs` written out. */
      readonly terms: readonly TypedTerm[];
      readonly until: TypedTerm | null;
      readonly maxspanNs: bigint | null;
      /** Endgame's order: `until` before the stages. */
      readonly untilFirst: boolean;
    }
  | { readonly kind: "sample"; readonly terms: readonly TypedTerm[] };

export type TypedQuery = TypedBody & { readonly pipes: readonly TypedPipe[] };

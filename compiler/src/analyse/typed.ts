// The typed query: fields bound to the schema, constants brought to the type of what they are compared with, sugar removed.
// `!=` and `not in` are `not` of their opposites, lists are matches or disjunctions, `:` and its kin are matches.
// Evaluating one of these over one value for each field gives a value or null; see EQL.md sections 3, 4 and 6.

import type { Field } from "@kestrel/stdlib/schema/types";
import type { Cidr } from "../patterns/cidr.js";

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
  | "toNumber";

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
    }
  | { readonly kind: "is-null"; readonly operand: Typed }
  | { readonly kind: "not"; readonly operand: Typed }
  | { readonly kind: "and" | "or"; readonly operands: readonly Typed[] }
  | { readonly kind: "match"; readonly subject: Typed; readonly patterns: Patterns }
  | { readonly kind: "in-ranges"; readonly subject: Typed; readonly ranges: readonly Cidr[] }
  | { readonly kind: "call"; readonly name: FunctionName; readonly fold: boolean; readonly args: readonly Typed[] };

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
      return "boolean";
    case "call":
      switch (t.name) {
        case "indexOf":
        case "length":
          return "long";
        case "toNumber":
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
    default:
      return field.type;
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

/** The distinct fields of a node, in order of appearance. */
export function fieldsOf(t: Typed): readonly Field[] {
  const found = new Map<string, Field>();
  const visit = (node: Typed): void => {
    if (node.kind === "field") found.set(node.field.name, node.field);
    for (const operand of operandsOf(node)) visit(operand);
  };
  visit(t);
  return [...found.values()];
}

/** A join key of a sequence or sample term; the field is null when an optional key is not in the schema. */
export interface JoinKey {
  readonly name: string;
  readonly field: Field | null;
  readonly optional: boolean;
}

export interface TypedTerm {
  readonly category: string | null;
  readonly condition: Typed;
  readonly keys: readonly JoinKey[];
  readonly missing: boolean;
}

export type TypedQuery =
  | { readonly kind: "event"; readonly term: TypedTerm }
  | {
      readonly kind: "sequence";
      /** With `runs` written out. */
      readonly terms: readonly TypedTerm[];
      readonly until: TypedTerm | null;
      readonly maxspanNs: bigint | null;
    }
  | { readonly kind: "sample"; readonly terms: readonly TypedTerm[] };

// Expressions whose types are known before there is an event: over one value of each field they read they give a value or
// null, as docs/language.md#operators, #missing-values and #functions have it. `!=` and `not in` are `not` of their opposites, lists are matches or
// disjunctions, `:` and its kin are matches.
//
// The binder's typed tree is made of these nodes and of a few of its own, `Other`; the plan replaces those by tests.

import { type FunctionName, resultOf } from "../functions/catalogue.js";
import type { Cidr } from "../patterns/cidr.js";
import type { Patterns } from "../patterns/patterns.js";
import type { ComparisonOp } from "./comparison.js";
import { type Reading, readingKey, type ValueType, valueTypeOf } from "./reading.js";

/** How two operands are compared. Strings compare by code point, addresses only for equality. */
export type Domain = "string" | "long" | "double" | "boolean" | "date" | "version" | "address";

export type ArithmeticOp = "+" | "-" | "*" | "/" | "%";

export type Expression<Other = Test> =
  /** Always null; `of` holds what it was made of, because a leaf without fields is judged differently from one with. */
  | { readonly kind: "null"; readonly of?: readonly Expression<Other>[] }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "long"; readonly value: bigint }
  | { readonly kind: "double"; readonly value: number }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "date"; readonly nanoseconds: bigint }
  | { readonly kind: "field"; readonly reading: Reading }
  | {
      readonly kind: "arithmetic";
      readonly op: ArithmeticOp;
      readonly type: "long" | "double";
      readonly left: Expression<Other>;
      readonly right: Expression<Other>;
    }
  | {
      readonly kind: "compare";
      readonly op: ComparisonOp;
      readonly domain: Domain;
      readonly left: Expression<Other>;
      readonly right: Expression<Other>;
      /** Sides that no event decides: where such a one turns out to be null, `==` tests the other for being null too. */
      readonly fixed?: "left" | "right" | "both";
    }
  | { readonly kind: "is-null"; readonly operand: Expression<Other> }
  | { readonly kind: "not"; readonly operand: Expression<Other> }
  | { readonly kind: "and" | "or"; readonly operands: readonly Expression<Other>[] }
  | { readonly kind: "match"; readonly subject: Expression<Other>; readonly patterns: Patterns }
  | { readonly kind: "in-ranges"; readonly subject: Expression<Other>; readonly ranges: readonly Cidr[] }
  | {
      readonly kind: "call";
      readonly name: FunctionName;
      readonly fold: boolean;
      readonly args: readonly Expression<Other>[];
    }
  | Other;

/** What stood here is an atom of its own, true or false. */
export interface Test {
  readonly kind: "test";
  readonly atom: number;
}

/** The node of one kind. */
export type NodeOf<Kind extends string, Other = Test> = Extract<Expression<Other>, { readonly kind: Kind }>;

interface Kinded {
  readonly kind: string;
}

/** The type of the value, or null where it is always null. Nodes that are not the IR's own are conditions. */
export function typeOf<Other extends Kinded>(e: Expression<Other>): ValueType | null {
  const own = e as Expression<never>;
  switch (own.kind) {
    case "null":
      return null;
    case "string":
    case "long":
    case "double":
    case "boolean":
    case "date":
      return own.kind;
    case "field":
      return valueTypeOf(own.reading);
    case "arithmetic":
      return own.type;
    case "call":
      return resultOf(own.name);
    default:
      return "boolean";
  }
}

/** The operands of a node, in order; none of a node that is not the IR's own. */
export function operandsOf<Other extends Kinded>(e: Expression<Other>): readonly Expression<Other>[] {
  const own = e as Expression<never>;
  switch (own.kind) {
    case "arithmetic":
    case "compare":
      return [own.left, own.right];
    case "is-null":
    case "not":
      return [own.operand];
    case "and":
    case "or":
      return own.operands;
    case "match":
    case "in-ranges":
      return [own.subject];
    case "call":
      return own.args;
    case "null":
      return own.of ?? [];
    default:
      return [];
  }
}

/** The tree with every node that is not the IR's own replaced. */
export function mapOther<From extends Kinded, To>(
  e: Expression<From>,
  replace: (node: From) => Expression<To>,
): Expression<To> {
  const map = (operand: Expression<From>): Expression<To> => mapOther(operand, replace);
  const own = e as Expression<never>;
  switch (own.kind) {
    case "null":
      return own.of === undefined ? { kind: "null" } : { kind: "null", of: own.of.map(map) };
    case "string":
    case "long":
    case "double":
    case "boolean":
    case "date":
    case "field":
      return own;
    case "arithmetic":
    case "compare":
      return { ...own, left: map(own.left), right: map(own.right) };
    case "is-null":
    case "not":
      return { ...own, operand: map(own.operand) };
    case "and":
    case "or":
      return { ...own, operands: own.operands.map(map) };
    case "match":
    case "in-ranges":
      return { ...own, subject: map(own.subject) };
    case "call":
      return { ...own, args: own.args.map(map) };
    default:
      return replace(e as From);
  }
}

/**
 * The distinct readings of a node, in order of appearance: those whose values make up its combinations. What a node that is
 * not the IR's own reads is its own affair.
 */
export function readingsOf<Other extends Kinded>(e: Expression<Other>): readonly Reading[] {
  const found = new Map<string, Reading>();
  const visit = (node: Expression<Other>): void => {
    const own = node as Expression<never>;
    if (own.kind === "field") found.set(readingKey(own.reading), own.reading);
    for (const operand of operandsOf(node)) visit(operand);
  };
  visit(e);
  return [...found.values()];
}

/** Null, because an operand is. */
export function nullOf<Other>(...operands: readonly Expression<Other>[]): Expression<Other> {
  return { kind: "null", of: operands };
}

// Values of the endgame dialect, whose types are known only when there is an event: the typed query's other half.
// Each node evaluates to a JSON value or null; see EQL.md sections 3 to 6, the columns of python-eql.
// Nodes hold no spans, so that equal conditions of different rules are one atom.

import type { Field } from "@kestrel/stdlib/schema/types";
import type { Cidr } from "../../patterns/cidr.js";
import type { RegexNode } from "../../patterns/regex-parse.js";
import type { Wildcard } from "../../patterns/wildcard.js";
import { fieldKey, type LineageRelation, type TypedTerm } from "../typed.js";

/** A condition of the endgame dialect; it holds when its value counts as true. */
export interface Dynamic {
  readonly kind: "dynamic";
  readonly value: DynamicValue;
}

export type Constant = null | boolean | bigint | number | string;
export type Path = readonly (string | number)[];
export type DynamicOrder = "<" | "<=" | ">" | ">=";
export type DynamicArithmetic = "+" | "-" | "*" | "/" | "%";

/** Functions that are plain functions of their arguments' values. */
export type DynamicFunction =
  | "arrayContains"
  | "between"
  | "concat"
  | "endsWith"
  | "indexOf"
  | "length"
  | "number"
  | "startsWith"
  | "string"
  | "stringContains"
  | "substring";

export type DynamicValue =
  | { readonly kind: "constant"; readonly value: Constant }
  /** `field` is the name at the event's root, read raw (its `root` tells which event); `path` leads on inside. */
  | { readonly kind: "field"; readonly field: Field; readonly path: Path }
  /** The element that the search of that nesting depth is at. */
  | { readonly kind: "element"; readonly depth: number; readonly path: Path }
  | { readonly kind: "lineage"; readonly relation: LineageRelation; readonly query: TypedTerm }
  /** A lineage query that the plan has given its flag. */
  | { readonly kind: "flag"; readonly flag: number }
  /** Three-valued, over the truth of the operands. */
  | { readonly kind: "and" | "or"; readonly operands: readonly DynamicValue[] }
  | { readonly kind: "not"; readonly operand: DynamicValue }
  | { readonly kind: "is-null"; readonly operand: DynamicValue }
  | { readonly kind: "equal"; readonly left: DynamicValue; readonly right: DynamicValue }
  | { readonly kind: "order"; readonly op: DynamicOrder; readonly left: DynamicValue; readonly right: DynamicValue }
  /** `in` over constants. */
  | { readonly kind: "member"; readonly subject: DynamicValue; readonly constants: readonly Constant[] }
  /** Whether the whole text matches a wildcard. */
  | { readonly kind: "wildcard"; readonly subject: DynamicValue; readonly patterns: readonly Wildcard[] }
  /** Whether the whole text is accepted; patterns of `match` end in whatever may follow. */
  | { readonly kind: "regex"; readonly subject: DynamicValue; readonly patterns: readonly RegexNode[] }
  | { readonly kind: "in-ranges"; readonly subject: DynamicValue; readonly ranges: readonly Cidr[] }
  | {
      readonly kind: "arithmetic";
      readonly op: DynamicArithmetic;
      readonly left: DynamicValue;
      readonly right: DynamicValue;
    }
  | { readonly kind: "call"; readonly name: DynamicFunction; readonly args: readonly DynamicValue[] }
  /** `arraySearch`, or with `count` `arrayCount`; `depth` counts the searches that it stands in. */
  | {
      readonly kind: "search";
      readonly count: boolean;
      readonly array: DynamicValue;
      readonly depth: number;
      readonly condition: DynamicValue;
    };

/** The direct operands of a value; those of a lineage query belong to other events. */
export function operandsOfDynamic(value: DynamicValue): readonly DynamicValue[] {
  switch (value.kind) {
    case "constant":
    case "field":
    case "element":
    case "lineage":
    case "flag":
      return [];
    case "and":
    case "or":
      return value.operands;
    case "not":
    case "is-null":
      return [value.operand];
    case "equal":
    case "order":
    case "arithmetic":
      return [value.left, value.right];
    case "member":
    case "wildcard":
    case "regex":
    case "in-ranges":
      return [value.subject];
    case "call":
      return value.args;
    case "search":
      return [value.array, value.condition];
  }
}

/** Whether the value, where it is not null, is a boolean. */
export function isTruth(value: DynamicValue): boolean {
  switch (value.kind) {
    case "constant":
      return value.value === null || typeof value.value === "boolean";
    case "field":
    case "element":
    case "arithmetic":
      return false;
    case "lineage":
    case "flag":
    case "and":
    case "or":
    case "not":
    case "is-null":
    case "equal":
    case "order":
    case "member":
    case "wildcard":
    case "regex":
    case "in-ranges":
      return true;
    case "call":
      switch (value.name) {
        case "arrayContains":
        case "endsWith":
        case "startsWith":
        case "stringContains":
          return true;
        default:
          return false;
      }
    case "search":
      return !value.count;
  }
}

/** The fields at the roots of the events that a value reads, in order of appearance. */
export function rawFieldsOf(value: DynamicValue): readonly Field[] {
  const found = new Map<string, Field>();
  const visit = (node: DynamicValue): void => {
    if (node.kind === "field") found.set(fieldKey(node.field), node.field);
    for (const operand of operandsOfDynamic(node)) visit(operand);
  };
  visit(value);
  return [...found.values()];
}

/** The value with every lineage query replaced. */
export function mapLineage(
  value: DynamicValue,
  replace: (node: Extract<DynamicValue, { kind: "lineage" }>) => DynamicValue,
): DynamicValue {
  const map = (node: DynamicValue): DynamicValue => {
    switch (node.kind) {
      case "constant":
      case "field":
      case "element":
      case "flag":
        return node;
      case "lineage":
        return replace(node);
      case "and":
      case "or":
        return { ...node, operands: node.operands.map(map) };
      case "not":
      case "is-null":
        return { ...node, operand: map(node.operand) };
      case "equal":
      case "order":
      case "arithmetic":
        return { ...node, left: map(node.left), right: map(node.right) };
      case "member":
      case "wildcard":
      case "regex":
      case "in-ranges":
        return { ...node, subject: map(node.subject) };
      case "call":
        return { ...node, args: node.args.map(map) };
      case "search":
        return { ...node, array: map(node.array), condition: map(node.condition) };
    }
  };
  return map(value);
}

/** Whether a value asks what is known of the event's process. */
export function asksLineage(value: DynamicValue): boolean {
  return value.kind === "flag" || value.kind === "lineage" || operandsOfDynamic(value).some(asksLineage);
}

// Values of the endgame dialect, whose types are known only when there is an event: the other half of the IR's expressions.
// Each node evaluates to a JSON value or null; see docs/language.md#the-endgame-dialect.
// Nodes hold no spans, so that equal conditions of different rules are one atom.
//
// The binder's values are made of these nodes and of lineage queries, `Asked`; the plan gives each of those its flag.

import { type DynamicFunction, resultOfDynamic } from "../functions/catalogue.js";
import type { Cidr } from "../patterns/cidr.js";
import type { RegexNode } from "../patterns/regex-parse.js";
import type { Wildcard } from "../patterns/wildcard.js";
import { type Reading, readingKey } from "./reading.js";

export type Constant = null | boolean | bigint | number | string;
export type Path = readonly (string | number)[];
export type DynamicOrder = "<" | "<=" | ">" | ">=";
export type DynamicArithmetic = "+" | "-" | "*" | "/" | "%";

export type DynamicValue<Asked = Flag> =
  | { readonly kind: "constant"; readonly value: Constant }
  /** `reading` is the name at the root of the event it reads, raw; `path` leads on inside. */
  | { readonly kind: "field"; readonly reading: Reading; readonly path: Path }
  /** The element that the search of that nesting depth is at. */
  | { readonly kind: "element"; readonly depth: number; readonly path: Path }
  /** Three-valued, over the truth of the operands. */
  | { readonly kind: "and" | "or"; readonly operands: readonly DynamicValue<Asked>[] }
  | { readonly kind: "not"; readonly operand: DynamicValue<Asked> }
  | { readonly kind: "is-null"; readonly operand: DynamicValue<Asked> }
  | { readonly kind: "equal"; readonly left: DynamicValue<Asked>; readonly right: DynamicValue<Asked> }
  | {
      readonly kind: "order";
      readonly op: DynamicOrder;
      readonly left: DynamicValue<Asked>;
      readonly right: DynamicValue<Asked>;
    }
  /** `in` over constants. */
  | { readonly kind: "member"; readonly subject: DynamicValue<Asked>; readonly constants: readonly Constant[] }
  /** Whether the whole text matches a wildcard. */
  | { readonly kind: "wildcard"; readonly subject: DynamicValue<Asked>; readonly patterns: readonly Wildcard[] }
  /** Whether the whole text is accepted; patterns of `match` end in whatever may follow. */
  | { readonly kind: "regex"; readonly subject: DynamicValue<Asked>; readonly patterns: readonly RegexNode[] }
  | { readonly kind: "in-ranges"; readonly subject: DynamicValue<Asked>; readonly ranges: readonly Cidr[] }
  | {
      readonly kind: "arithmetic";
      readonly op: DynamicArithmetic;
      readonly left: DynamicValue<Asked>;
      readonly right: DynamicValue<Asked>;
    }
  | { readonly kind: "call"; readonly name: DynamicFunction; readonly args: readonly DynamicValue<Asked>[] }
  /** `arraySearch`, or with `count` `arrayCount`; `depth` counts the searches that it stands in. */
  | {
      readonly kind: "search";
      readonly count: boolean;
      readonly array: DynamicValue<Asked>;
      readonly depth: number;
      readonly condition: DynamicValue<Asked>;
    }
  | Asked;

/** What the runtime says of the event's process. */
export interface Flag {
  readonly kind: "flag";
  readonly flag: number;
}

interface Kinded {
  readonly kind: string;
}

/** The direct operands of a value; those of a lineage query belong to other events. */
export function operandsOfDynamic<Asked extends Kinded>(value: DynamicValue<Asked>): readonly DynamicValue<Asked>[] {
  const own = value as DynamicValue<never>;
  switch (own.kind) {
    case "constant":
    case "field":
    case "element":
      return [];
    case "and":
    case "or":
      return own.operands;
    case "not":
    case "is-null":
      return [own.operand];
    case "equal":
    case "order":
    case "arithmetic":
      return [own.left, own.right];
    case "member":
    case "wildcard":
    case "regex":
    case "in-ranges":
      return [own.subject];
    case "call":
      return own.args;
    case "search":
      return [own.array, own.condition];
    default:
      return [];
  }
}

/** Whether the value, where it is not null, is a boolean. */
export function isTruth<Asked extends Kinded>(value: DynamicValue<Asked>): boolean {
  const own = value as DynamicValue<never>;
  switch (own.kind) {
    case "constant":
      return own.value === null || typeof own.value === "boolean";
    case "field":
    case "element":
    case "arithmetic":
      return false;
    case "call":
      return resultOfDynamic(own.name) === "boolean";
    case "search":
      return !own.count;
    default:
      return true;
  }
}

/** The readings at the roots of events that a value makes, in order of appearance. */
export function readingsOfDynamic<Asked extends Kinded>(value: DynamicValue<Asked>): readonly Reading[] {
  const found = new Map<string, Reading>();
  const visit = (node: DynamicValue<Asked>): void => {
    const own = node as DynamicValue<never>;
    if (own.kind === "field") found.set(readingKey(own.reading), own.reading);
    for (const operand of operandsOfDynamic(node)) visit(operand);
  };
  visit(value);
  return [...found.values()];
}

/** The value with every node that is not the IR's own replaced. */
export function mapAsked<From extends Kinded, To extends Kinded>(
  value: DynamicValue<From>,
  replace: (node: From) => DynamicValue<To>,
): DynamicValue<To> {
  const map = (node: DynamicValue<From>): DynamicValue<To> => mapAsked(node, replace);
  const own = value as DynamicValue<never>;
  switch (own.kind) {
    case "constant":
    case "field":
    case "element":
      return own;
    case "and":
    case "or":
      return { ...own, operands: own.operands.map(map) };
    case "not":
    case "is-null":
      return { ...own, operand: map(own.operand) };
    case "equal":
    case "order":
    case "arithmetic":
      return { ...own, left: map(own.left), right: map(own.right) };
    case "member":
    case "wildcard":
    case "regex":
    case "in-ranges":
      return { ...own, subject: map(own.subject) };
    case "call":
      return { ...own, args: own.args.map(map) };
    case "search":
      return { ...own, array: map(own.array), condition: map(own.condition) };
    default:
      return replace(value as From);
  }
}

/** Whether a value asks what is known of the event's process. */
export function asksLineage(value: DynamicValue): boolean {
  return value.kind === "flag" || operandsOfDynamic(value).some(asksLineage);
}

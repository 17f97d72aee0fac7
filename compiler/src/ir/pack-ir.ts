// The pack IR: what a whole pack decides about one event, shared by all its rules.
//   atom       a question about one field (or, `computed`, about several) that is true or false for every event
//   circuit    and / or / not over atoms; two-valued
//   predicate  category and circuit of an event rule or of a term, with the join keys that a match carries
// Equal atoms and equal predicates exist once. Atoms hold for an event when any value of the field answers yes, so a
// missing field answers no.

import type { Field } from "@kestrel/stdlib/schema/types";
import type { LineageProgram, SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import type { JoinKey, Patterns, Typed } from "../analyse/typed.js";
import type { Cidr } from "../patterns/cidr.js";

export type AtomId = number & { readonly brand: "AtomId" };
export type PredicateId = number & { readonly brand: "PredicateId" };

export type NumberOp = "==" | "<" | "<=" | ">" | ">=";

export type Atom =
  | { readonly kind: "exists"; readonly field: Field }
  /** A boolean field that has this value. */
  | { readonly kind: "boolean"; readonly field: Field; readonly value: boolean }
  /** A text that is one of these; folded texts when `fold`. Sorted, distinct, never empty. */
  | { readonly kind: "set"; readonly field: Field; readonly fold: boolean; readonly texts: readonly string[] }
  /** A text that matches a pattern. */
  | { readonly kind: "pattern"; readonly field: Field; readonly patterns: Omit<Patterns, "exact"> }
  /** A long or date (in nanoseconds) against an integer. */
  | { readonly kind: "integer"; readonly field: Field; readonly op: NumberOp; readonly value: bigint }
  /** A long or double against a double. */
  | { readonly kind: "double"; readonly field: Field; readonly op: NumberOp; readonly value: number }
  /** A long or date that is one of these integers. Sorted, distinct, at least two. */
  | { readonly kind: "integer-set"; readonly field: Field; readonly values: readonly bigint[] }
  /** A long or double that is one of these doubles. Sorted, distinct, at least two. */
  | { readonly kind: "double-set"; readonly field: Field; readonly values: readonly number[] }
  | { readonly kind: "in-ranges"; readonly field: Field; readonly ranges: readonly Cidr[] }
  /** What the runtime says of the event's process; only late tests ask it. */
  | { readonly kind: "lineage"; readonly flag: number }
  /**
   * Some element of the arrays at a raw field makes the circuit true. Its atoms may read the element through fields whose
   * root is `$depth`.
   */
  | { readonly kind: "search"; readonly field: Field; readonly depth: number; readonly circuit: Circuit }
  /** Anything else: true when a combination of the fields' values makes it true. */
  | { readonly kind: "computed"; readonly typed: Typed };

export type Circuit =
  | { readonly kind: "constant"; readonly value: boolean }
  | { readonly kind: "atom"; readonly atom: AtomId }
  | { readonly kind: "not"; readonly operand: Circuit }
  | { readonly kind: "and" | "or"; readonly operands: readonly Circuit[] };

export interface Predicate {
  readonly circuit: Circuit;
  readonly keys: readonly JoinKey[];
  /** Whether it is a late test: the index leaves those out. */
  readonly late: boolean;
}

export interface PackIr {
  readonly atoms: readonly Atom[];
  readonly predicates: readonly Predicate[];
  /** For each predicate, the indexes of the event rules that it decides. */
  readonly eventRules: readonly (readonly number[])[];
  readonly programs: readonly SequenceProgram[];
  readonly lineage: readonly LineageProgram[];
}

export const TRUE: Circuit = { kind: "constant", value: true };
export const FALSE: Circuit = { kind: "constant", value: false };

/** The atoms of a circuit, each once, in order of appearance. */
export function atomsOf(circuit: Circuit): readonly AtomId[] {
  const found = new Set<AtomId>();
  const visit = (node: Circuit): void => {
    if (node.kind === "atom") found.add(node.atom);
    else if (node.kind === "not") visit(node.operand);
    else if (node.kind !== "constant") for (const operand of node.operands) visit(operand);
  };
  visit(circuit);
  return [...found];
}

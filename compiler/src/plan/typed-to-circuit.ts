// Typed condition -> circuit over interned atoms.
// `and`, `or` and `not` become the circuit; every other boolean node is a leaf, and so is a whole subexpression without
// fields, whose three-valued result only then becomes true or false (EQL.md section 0).

import type { Field } from "@kestrel/stdlib/schema/types";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import { type Dynamic, type DynamicValue, mapLineage } from "../analyse/endgame/dynamic.js";
import { type LineageRelation, readsEvents, type Typed, type TypedTerm, withOperands } from "../analyse/typed.js";
import type { Interner } from "../ir/intern.js";
import { type Atom, type AtomId, type Circuit, FALSE, TRUE } from "../ir/pack-ir.js";
import { passes } from "../passes/passes.js";
import { parseWildcard } from "../patterns/wildcard.js";
import { dynamicToCircuit } from "./dynamic-to-circuit.js";
import { joinInAnd, joinInOr } from "./join-matches.js";

export type AtomTable = Interner<Atom, AtomId>;

export interface CircuitContext {
  readonly atoms: AtomTable;
  /** The flag of a lineage query. */
  flagOf(relation: LineageRelation, query: TypedTerm): number;
}

export function typedToCircuit(typed: Typed, context: CircuitContext): Circuit {
  const { atoms } = context;
  if (typed.kind === "null") return FALSE;
  if (typed.kind === "boolean") return typed.value ? TRUE : FALSE;
  if (!readsEvents(typed)) return constantCircuit(typed, atoms);
  switch (typed.kind) {
    case "and":
    case "or": {
      const operands = typed.kind === "or" ? joinInOr(typed.operands) : joinInAnd(typed.operands);
      return { kind: typed.kind, operands: operands.map((operand) => typedToCircuit(operand, context)) };
    }
    case "not":
      return { kind: "not", operand: typedToCircuit(typed.operand, context) };
    case "search": {
      const circuit = simplify(typedToCircuit(typed.condition, context), atoms);
      if (circuit.kind === "constant" && !circuit.value) return FALSE;
      return atom({ kind: "search", field: typed.array, depth: typed.depth, circuit }, atoms);
    }
    case "lineage":
      return atom({ kind: "lineage", flag: context.flagOf(typed.relation, typed.query) }, atoms);
    case "dynamic":
      return dynamicToCircuit(withFlags(typed, context), atoms);
    default:
      return leaf(withTests(typed, context), atoms);
  }
}

/** Searches and lineage tests inside a leaf become atoms of their own. */
function withTests(typed: Typed, context: CircuitContext): Typed {
  if (typed.kind !== "search" && typed.kind !== "lineage") {
    return withOperands(typed, (operand) => withTests(operand, context));
  }
  const circuit = typedToCircuit(typed, context);
  if (circuit.kind === "constant") return { kind: "boolean", value: circuit.value };
  if (circuit.kind !== "atom") throw new Error("a test is one atom");
  return { kind: "test", atom: circuit.atom };
}

/** Applies the passes. */
export function simplify(circuit: Circuit, atoms: AtomTable): Circuit {
  return passes.reduce((simplified, pass) => pass(simplified, atoms), circuit);
}

function withFlags(dynamic: Dynamic, context: CircuitContext): Dynamic {
  const value: DynamicValue = mapLineage(dynamic.value, ({ relation, query }) => ({
    kind: "flag",
    flag: context.flagOf(relation, query),
  }));
  return { kind: "dynamic", value };
}

/** Without fields: evaluated once an event, by the same code as any other leaf. */
function constantCircuit(typed: Typed, atoms: AtomTable): Circuit {
  if (typed.kind === "is-null" && typed.operand.kind === "null") return TRUE;
  if (typed.kind === "not" && typed.operand.kind === "null") return FALSE;
  return atom({ kind: "computed", typed }, atoms);
}

function atom(value: Atom, atoms: AtomTable): Circuit {
  return { kind: "atom", atom: atoms.intern(value) };
}

function leaf(typed: Typed, atoms: AtomTable): Circuit {
  switch (typed.kind) {
    case "field":
      return atom({ kind: "boolean", field: typed.field, value: true }, atoms);
    case "is-null":
      if (typed.operand.kind !== "field") break;
      return { kind: "not", operand: atom({ kind: "exists", field: typed.operand.field }, atoms) };
    case "match":
      // What is derived of a value is kept for the event, and elements of arrays come and go.
      if (typed.subject.kind === "field" && !typed.subject.field.root?.startsWith("$"))
        return matchCircuit(typed.subject.field, typed.patterns, atoms);
      break;
    case "in-ranges":
      if (typed.subject.kind === "field")
        return atom({ kind: "in-ranges", field: typed.subject.field, ranges: typed.ranges }, atoms);
      break;
    case "compare": {
      const { left, right, op } = typed;
      if (left.kind !== "field") break;
      const { field } = left;
      if (right.kind === "boolean") return atom({ kind: "boolean", field, value: right.value }, atoms);
      if (right.kind === "date") return atom({ kind: "integer", field, op, value: right.nanoseconds }, atoms);
      if (right.kind === "long" && field.type === "long")
        return atom({ kind: "integer", field, op, value: right.value }, atoms);
      if (right.kind === "long") return atom({ kind: "double", field, op, value: Number(right.value) }, atoms);
      if (right.kind === "double") return atom({ kind: "double", field, op, value: right.value }, atoms);
      break;
    }
  }
  return atom({ kind: "computed", typed }, atoms);
}

function matchCircuit(
  field: Field,
  patterns: Extract<Typed, { kind: "match" }>["patterns"],
  atoms: AtomTable,
): Circuit {
  const { fold, globs, regexes } = patterns;
  const operands: Circuit[] = [];
  const texts = [...patterns.exact, ...globs.flatMap(exactGlob)];
  if (globs.some((glob) => parseWildcard(glob).kind === "any")) return atom({ kind: "exists", field }, atoms);
  if (texts.length > 0) {
    const folded = fold ? texts.map(foldString) : texts;
    operands.push(atom({ kind: "set", field, fold, texts: [...new Set(folded)].sort() }, atoms));
  }
  const open = globs.filter((glob) => exactGlob(glob).length === 0).map((glob) => (fold ? foldString(glob) : glob));
  if (open.length > 0) {
    operands.push(
      atom({ kind: "pattern", field, patterns: { fold, globs: [...new Set(open)].sort(), regexes: [] } }, atoms),
    );
  }
  if (regexes.length > 0)
    operands.push(atom({ kind: "pattern", field, patterns: { fold, globs: [], regexes } }, atoms));
  const [only] = operands;
  if (only === undefined) return FALSE;
  return operands.length === 1 ? only : { kind: "or", operands };
}

function exactGlob(glob: string): string[] {
  const shape = parseWildcard(glob);
  return shape.kind === "exact" ? [shape.text] : [];
}

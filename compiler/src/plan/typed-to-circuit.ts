// Typed condition -> circuit over interned atoms.
// `and`, `or` and `not` become the circuit; every other boolean node is a leaf, and so is a whole subexpression without
// fields, whose three-valued result only then becomes true or false (EQL.md section 0).

import type { Field } from "@kestrel/stdlib/schema/types";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import { fieldsOf, type Typed } from "../analyse/typed.js";
import { parseWildcard } from "../patterns/wildcard.js";
import type { Interner } from "./intern.js";
import { type Atom, type AtomId, type Circuit, FALSE, TRUE } from "./ir.js";

export type AtomTable = Interner<Atom, AtomId>;

export function typedToCircuit(typed: Typed, atoms: AtomTable): Circuit {
  if (typed.kind === "null") return FALSE;
  if (typed.kind === "boolean") return typed.value ? TRUE : FALSE;
  if (fieldsOf(typed).length === 0) return constantCircuit(typed, atoms);
  switch (typed.kind) {
    case "and":
    case "or":
      return { kind: typed.kind, operands: typed.operands.map((operand) => typedToCircuit(operand, atoms)) };
    case "not":
      return { kind: "not", operand: typedToCircuit(typed.operand, atoms) };
    default:
      return leaf(typed, atoms);
  }
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
      if (typed.subject.kind === "field") return matchCircuit(typed.subject.field, typed.patterns, atoms);
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

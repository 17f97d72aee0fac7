// Typed condition -> circuit over interned atoms.
// `and`, `or` and `not` become the circuit; every other boolean node is a leaf. So is a whole subexpression without
// fields, `not (1 / 0 > 1)` say: null inside it spreads to its end and counts as false only there. Split into a `not`
// over an atom it would be true (docs/language.md#missing-values).

import { foldString } from "@kestrel/stdlib/text/case-folding";
import { readsEvents, type Typed, type TypedOf } from "../analyse/typed.js";
import { type Circuit, disjunction, FALSE, junction, negation, TRUE } from "../ir/circuit.js";
import { type Expression, mapOther } from "../ir/expression.js";
import type { Reading } from "../ir/reading.js";
import { foldGlob, type Patterns, sortGlobs } from "../patterns/patterns.js";
import type { Span } from "../syntax/ast.js";
import { ask, type CircuitContext, spanOf } from "./circuit-context.js";
import { dynamicToCircuit } from "./dynamic-to-circuit.js";
import { joinInAnd, joinInOr } from "./join-matches.js";

/** `around` is the span of what the condition stands in. */
export function typedToCircuit(typed: Typed, around: Span, context: CircuitContext): Circuit {
  const span = spanOf(typed, around, context);
  if (typed.kind === "null") return FALSE;
  if (typed.kind === "boolean") return typed.value ? TRUE : FALSE;
  if (!readsEvents(typed)) return constantCircuit(typed, span, context);
  switch (typed.kind) {
    case "and":
    case "or": {
      const operands = typed.kind === "or" ? joinInOr(typed.operands) : joinInAnd(typed.operands);
      return junction(
        typed.kind,
        operands.map((operand) => typedToCircuit(operand, span, context)),
      );
    }
    case "not":
      return negation(typedToCircuit(typed.operand, span, context));
    case "search": {
      const circuit = typedToCircuit(typed.condition, span, context);
      if (circuit.kind === "constant" && !circuit.value) return FALSE;
      return ask({ kind: "search", reading: typed.array, depth: typed.depth, circuit }, span, context);
    }
    case "lineage":
      return ask({ kind: "lineage", flag: context.flagOf(typed.relation, typed.query) }, span, context);
    case "dynamic":
      return dynamicToCircuit(typed, span, context);
    case "foreign": {
      const { readings } = typed.code;
      return ask({ kind: "foreign", foreign: context.foreignOf(typed.code), readings }, span, context);
    }
    default:
      return leaf(typed, span, context);
  }
}

/** The leaf in the IR's words: searches and lineage tests inside it become atoms of their own. */
function expressionOf(typed: Typed, span: Span, context: CircuitContext): Expression {
  return mapOther<TypedOf<"search" | "lineage" | "dynamic" | "foreign">, Expression>(typed, (node) => {
    const circuit = typedToCircuit(node, span, context);
    if (circuit.kind === "constant") return { kind: "boolean", value: circuit.value };
    if (circuit.kind !== "atom") throw new Error(`a ${node.kind} inside an expression is not one atom`);
    return { kind: "test", atom: circuit.atom };
  });
}

/** A condition without fields: but for two tests of null, it is left to the code that runs, as any other leaf is. */
function constantCircuit(typed: Typed, span: Span, context: CircuitContext): Circuit {
  if (typed.kind === "is-null" && typed.operand.kind === "null") return TRUE;
  if (typed.kind === "not" && typed.operand.kind === "null") return FALSE;
  return computed(typed, span, context);
}

function computed(typed: Typed, span: Span, context: CircuitContext): Circuit {
  return ask({ kind: "computed", expression: expressionOf(typed, span, context) }, span, context);
}

function leaf(typed: Typed, span: Span, context: CircuitContext): Circuit {
  switch (typed.kind) {
    case "field":
      return ask({ kind: "boolean", reading: typed.reading, value: true }, span, context);
    case "is-null":
      if (typed.operand.kind !== "field") break;
      return negation(ask({ kind: "exists", reading: typed.operand.reading }, span, context));
    case "match":
      // The elements of an array are read one after the other into the same slots, so nothing that is derived of a value,
      // such as its symbol, may be kept for the event: a computed atom keeps nothing.
      if (typed.subject.kind === "field" && typed.subject.reading.root.kind !== "element")
        return matchCircuit(typed.subject.reading, typed.patterns, span, context);
      break;
    case "in-ranges":
      if (typed.subject.kind === "field")
        return ask({ kind: "in-ranges", reading: typed.subject.reading, ranges: typed.ranges }, span, context);
      break;
    case "compare": {
      const { left, right, op } = typed;
      if (left.kind !== "field") break;
      const { reading } = left;
      if (right.kind === "boolean") return ask({ kind: "boolean", reading, value: right.value }, span, context);
      if (right.kind === "date") return ask({ kind: "integer", reading, op, value: right.nanoseconds }, span, context);
      if (right.kind === "long" && reading.as === "long")
        return ask({ kind: "integer", reading, op, value: right.value }, span, context);
      if (right.kind === "long") return ask({ kind: "double", reading, op, value: Number(right.value) }, span, context);
      if (right.kind === "double") return ask({ kind: "double", reading, op, value: right.value }, span, context);
      break;
    }
  }
  return computed(typed, span, context);
}

function matchCircuit(reading: Reading, patterns: Patterns, span: Span, context: CircuitContext): Circuit {
  const { fold, regexes } = patterns;
  if (patterns.globs.some(({ tree }) => tree.kind === "any")) return ask({ kind: "exists", reading }, span, context);
  const operands: Circuit[] = [];
  const texts = [
    ...patterns.exact,
    ...patterns.globs.flatMap(({ tree }) => (tree.kind === "exact" ? [tree.text] : [])),
  ];
  if (texts.length > 0) {
    const folded = fold ? texts.map(foldString) : texts;
    operands.push(ask({ kind: "set", reading, fold, texts: [...new Set(folded)].sort() }, span, context));
  }
  const open = patterns.globs.filter(({ tree }) => tree.kind !== "exact").map((glob) => (fold ? foldGlob(glob) : glob));
  if (open.length > 0) {
    const globs = { fold, globs: sortGlobs(open), regexes: [] };
    operands.push(ask({ kind: "pattern", reading, patterns: globs }, span, context));
  }
  if (regexes.length > 0)
    operands.push(ask({ kind: "pattern", reading, patterns: { fold, globs: [], regexes } }, span, context));
  return disjunction(operands);
}

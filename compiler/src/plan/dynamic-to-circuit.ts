// Condition of the endgame dialect -> circuit.
// What counts is only whether the condition is true, so `and` and `or` at the top become the circuit; a `not` is pushed
// down to what it negates, where null stays null. Every other part is one atom, evaluated by dynamic code.
//
// In front of an atom stand conditions that an event must meet for it to hold, over the same field read as a keyword: they
// serve as witnesses and are cheap. SOUND: they over-approximate. The keyword reading of a field has every string that
// stands at its path, in arrays and repeated keys too, so the value that the dynamic code compares is among them.

import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { BoundValue, Dynamic } from "../analyse/typed.js";
import { type Circuit, conjunction, FALSE, junction, negation, TRUE } from "../ir/circuit.js";
import { type DynamicValue, mapAsked } from "../ir/dynamic-value.js";
import { type Reading, readName } from "../ir/reading.js";
import { globOf, sortGlobs } from "../patterns/patterns.js";
import type { GlobUnit, Wildcard } from "../patterns/wildcard.js";
import type { Span } from "../syntax/ast.js";
import { ask, type CircuitContext, spanOf } from "./circuit-context.js";
import { constantOf, isTrue } from "./fold-constants.js";

export function dynamicToCircuit(dynamic: Dynamic, around: Span, context: CircuitContext): Circuit {
  return circuitOf(dynamic.value, false, around, context);
}

/** The value in the IR's words: each lineage query has its flag. */
export function dynamicValueOf(value: BoundValue, context: CircuitContext): DynamicValue {
  return mapAsked(value, ({ relation, query }) => ({ kind: "flag", flag: context.flagOf(relation, query) }));
}

/** When the value counts as true; with `negated`, when its negation does. */
function circuitOf(value: BoundValue, negated: boolean, around: Span, context: CircuitContext): Circuit {
  const span = spanOf(value, around, context);
  switch (value.kind) {
    case "constant":
      return value.value !== null && isTrue(value.value) !== negated ? TRUE : FALSE;
    case "and":
    case "or":
      return junction(
        (value.kind === "and") === negated ? "or" : "and",
        value.operands.map((operand) => circuitOf(operand, negated, span, context)),
      );
    case "not":
      return circuitOf(value.operand, !negated, span, context);
    case "lineage": {
      const asked = ask({ kind: "lineage", flag: context.flagOf(value.relation, value.query) }, span, context);
      return negated ? negation(asked) : asked;
    }
    default: {
      const flagged = dynamicValueOf(value, context);
      const constant = constantOf(flagged);
      if (constant !== undefined) return circuitOf({ kind: "constant", value: constant }, negated, span, context);
      const asked: DynamicValue = negated ? { kind: "not", operand: flagged } : flagged;
      const atom = ask({ kind: "dynamic", value: asked }, span, context);
      const needed = negated ? null : necessary(flagged, span, context);
      return needed === null ? atom : conjunction([needed, atom]);
    }
  }
}

/** A condition that holds for every event for which the value is true; null where none is worth asking. */
function necessary(value: DynamicValue, span: Span, context: CircuitContext): Circuit | null {
  switch (value.kind) {
    case "equal": {
      const [constant, other] = value.left.kind === "constant" ? [value.left, value.right] : [value.right, value.left];
      if (constant.kind !== "constant" || typeof constant.value !== "string") return null;
      return oneOf(other, [constant.value], span, context);
    }
    case "member": {
      const texts = value.constants.filter((constant) => typeof constant === "string");
      const others = value.constants.some((constant) => constant !== null && typeof constant !== "string");
      return others ? null : oneOf(value.subject, texts, span, context);
    }
    case "wildcard": {
      const reading = keywordOf(value.subject);
      if (reading === null || value.patterns.some((pattern) => pattern.kind === "any")) return null;
      const texts = value.patterns.flatMap((pattern) => (pattern.kind === "exact" ? [pattern.text] : []));
      if (texts.length === value.patterns.length) return oneOf(value.subject, texts, span, context);
      // A `?` stands for itself in endgame. In the atom's patterns it is any character, so the atom holds for more
      // texts, never less.
      const globs = sortGlobs(value.patterns.map((pattern) => globOf(foldString(globText(pattern)))));
      return ask({ kind: "pattern", reading, patterns: { fold: true, globs, regexes: [] } }, span, context);
    }
    default:
      return null;
  }
}

function oneOf(value: DynamicValue, texts: readonly string[], span: Span, context: CircuitContext): Circuit | null {
  const reading = keywordOf(value);
  if (reading === null) return null;
  const folded = [...new Set(texts.map(foldString))].sort();
  // A list that holds null alone has no texts, and nothing is equal to null.
  if (folded.length === 0) return FALSE;
  return ask({ kind: "set", reading, fold: true, texts: folded }, span, context);
}

/**
 * The field read as a keyword; null when its path holds an index, which the decoder cannot follow, or a dot in a key.
 */
function keywordOf(value: DynamicValue): Reading | null {
  if (value.kind !== "field") return null;
  const { reading, path } = value;
  if (!path.every((step) => typeof step === "string")) return null;
  // A reading's name is split at its dots, so a key that holds one would be looked for as two.
  if ([reading.name, ...path].some((name) => typeof name === "string" && name.includes("."))) return null;
  return { ...readName([reading.name, ...path].join("."), "keyword"), root: reading.root };
}

function globText(pattern: Wildcard): string {
  switch (pattern.kind) {
    case "any":
      return "*";
    case "exact":
      return pattern.text;
    case "prefix":
      return `${pattern.text}*`;
    case "suffix":
      return `*${pattern.text}`;
    case "contains":
      return `*${pattern.text}*`;
    case "glob": {
      const parts = pattern.parts.map((part) => part.map(unitText).join(""));
      return `${pattern.anchoredStart ? "" : "*"}${parts.join("*")}${pattern.anchoredEnd ? "" : "*"}`;
    }
  }
}

function unitText(unit: GlobUnit): string {
  return unit.kind === "text" ? unit.text : "?";
}

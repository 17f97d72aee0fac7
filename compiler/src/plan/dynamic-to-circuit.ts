// Condition of the endgame dialect -> circuit.
// What counts is only whether the condition is true, so `and` and `or` at the top become the circuit; a `not` is pushed
// down to what it negates, where null stays null. Every other part is one atom, evaluated by dynamic code.
//
// In front of an atom stand conditions that an event must meet for it to hold, over the same field read as a keyword: they
// serve as witnesses and are cheap. SOUND: they over-approximate. The keyword reading of a field has every string that
// stands at its path, in arrays and repeated keys too, so the value that the dynamic code compares is among them.

import type { Field } from "@kestrel/stdlib/schema/types";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { Dynamic, DynamicValue } from "../analyse/endgame/dynamic.js";
import { constantOf, isTrue } from "../analyse/endgame/fold-constants.js";
import { type Circuit, FALSE, TRUE } from "../ir/pack-ir.js";
import type { GlobUnit, Wildcard } from "../patterns/wildcard.js";
import type { AtomTable } from "./typed-to-circuit.js";

export function dynamicToCircuit(dynamic: Dynamic, atoms: AtomTable): Circuit {
  return circuitOf(dynamic.value, false, atoms);
}

/** When the value counts as true; with `negated`, when its negation does. */
function circuitOf(value: DynamicValue, negated: boolean, atoms: AtomTable): Circuit {
  switch (value.kind) {
    case "constant":
      return value.value !== null && isTrue(value.value) !== negated ? TRUE : FALSE;
    case "and":
    case "or": {
      const kind = (value.kind === "and") === negated ? "or" : "and";
      return { kind, operands: value.operands.map((operand) => circuitOf(operand, negated, atoms)) };
    }
    case "not":
      return circuitOf(value.operand, !negated, atoms);
    case "flag": {
      const asked: Circuit = { kind: "atom", atom: atoms.intern({ kind: "lineage", flag: value.flag }) };
      return negated ? { kind: "not", operand: asked } : asked;
    }
    default: {
      const constant = constantOf(value);
      if (constant !== undefined) return circuitOf({ kind: "constant", value: constant }, negated, atoms);
      const asked: DynamicValue = negated ? { kind: "not", operand: value } : value;
      const typed: Dynamic = { kind: "dynamic", value: asked };
      const atom: Circuit = { kind: "atom", atom: atoms.intern({ kind: "computed", typed }) };
      const needed = negated ? null : necessary(value, atoms);
      return needed === null ? atom : { kind: "and", operands: [needed, atom] };
    }
  }
}

/** A condition that holds for every event for which the value is true; null where none is worth asking. */
function necessary(value: DynamicValue, atoms: AtomTable): Circuit | null {
  switch (value.kind) {
    case "equal": {
      const [constant, other] = value.left.kind === "constant" ? [value.left, value.right] : [value.right, value.left];
      if (constant.kind !== "constant" || typeof constant.value !== "string") return null;
      return oneOf(other, [constant.value], atoms);
    }
    case "member": {
      const texts = value.constants.filter((constant) => typeof constant === "string");
      const others = value.constants.some((constant) => constant !== null && typeof constant !== "string");
      return others ? null : oneOf(value.subject, texts, atoms);
    }
    case "wildcard": {
      const field = keywordOf(value.subject);
      if (field === null || value.patterns.some((pattern) => pattern.kind === "any")) return null;
      const texts = value.patterns.flatMap((pattern) => (pattern.kind === "exact" ? [pattern.text] : []));
      if (texts.length === value.patterns.length) return oneOf(value.subject, texts, atoms);
      // Read again as a wildcard of the other dialect, a `?` is any character: that asks for less.
      const globs = [...new Set(value.patterns.map((pattern) => foldString(globText(pattern))))].sort();
      const patterns = { fold: true, exact: [], globs, regexes: [] };
      return { kind: "atom", atom: atoms.intern({ kind: "pattern", field, patterns }) };
    }
    default:
      return null;
  }
}

function oneOf(value: DynamicValue, texts: readonly string[], atoms: AtomTable): Circuit | null {
  const field = keywordOf(value);
  if (field === null) return null;
  const folded = [...new Set(texts.map(foldString))].sort();
  return { kind: "atom", atom: atoms.intern({ kind: "set", field, fold: true, texts: folded }) };
}

/** The same field read as a keyword, when its path goes through keys alone, which the decoder follows too. */
function keywordOf(value: DynamicValue): Field | null {
  if (value.kind !== "field") return null;
  const { field, path } = value;
  if (!path.every((step) => typeof step === "string")) return null;
  // The decoder takes a name for a path, so a dot in a name would lead elsewhere.
  if ([field.name, ...path].some((name) => typeof name === "string" && name.includes("."))) return null;
  const keyword: Field = { id: 0, name: [field.name, ...path].join("."), type: "keyword" };
  return field.root === undefined ? keyword : { ...keyword, root: field.root };
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

// Circuit -> conditions that hold for every event for which it is true: what the index may ask in its place.
//
//   clause         conditions at least one of which holds
//   set atom       one of its texts is a value
//   pattern        of each of its alternatives, a text that it must hold (patterns/required-literals.ts); the same of the matches and
//                  searches for a constant text in a computed atom
//   any atom       the readings without which it is false have values
//   and            the clauses of all operands
//   or             of each operand its best clause, all in one
//   not            none: nothing is known of what makes its operand false
// SOUND: an atom is true for an event when a value of its reading answers yes, so there is one; and when an `or` holds, one of its
// operands does, and with it a condition of that operand's clause.

import { GRAM_BYTES } from "@kestrel/stdlib/abi";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { Circuit } from "../ir/circuit.js";
import type { Expression } from "../ir/expression.js";
import { neededReadings } from "../ir/needed-readings.js";
import type { Atom, Condition, Literal } from "../ir/pack-ir.js";
import type { Reading } from "../ir/reading.js";
import type { Patterns } from "../patterns/patterns.js";
import { type Alternatives, literalOfRegex, literalOfWildcard, type Rank } from "../patterns/required-literals.js";

export type Clause = readonly Condition[];

/** How many of a thousand events are expected to meet one of the conditions. */
export type Cost = (clause: Clause) => number;

/** The clause that fewest events are expected to meet; null when there is none. An empty one is never met. */
export function bestClause(circuit: Circuit, atoms: readonly Atom[], costOf: Cost): Clause | null {
  switch (circuit.kind) {
    case "constant":
      return circuit.value ? null : [];
    case "not":
      return null;
    case "atom":
      return cheapest(clausesOfAtom(atoms[circuit.atom], atoms, costOf), costOf);
    case "and":
      return cheapest(
        circuit.operands.flatMap((operand) => {
          const clause = bestClause(operand, atoms, costOf);
          return clause === null ? [] : [clause];
        }),
        costOf,
      );
    case "or": {
      const joined: Condition[] = [];
      for (const operand of circuit.operands) {
        const clause = bestClause(operand, atoms, costOf);
        if (clause === null) return null;
        for (const condition of clause) joined.push(condition);
      }
      return joined;
    }
  }
}

function clausesOfAtom(atom: Atom | undefined, atoms: readonly Atom[], costOf: Cost): readonly Clause[] {
  if (atom === undefined) return [];
  const present = neededReadings(atom, atoms).map((reading): Clause => [{ kind: "exists", reading }]);
  switch (atom.kind) {
    case "set":
      return atom.reading.root.kind === "event" ? [[atom], ...present] : present;
    case "pattern":
      return [...literalsOfMatch(atom.reading, { ...atom.patterns, exact: [] }, costOf), ...present];
    case "computed":
      return [...literalsOfExpression(atom.expression, costOf), ...present];
    default:
      return present;
  }
}

/** At most one clause: literals of which a value must contain one to match. */
function literalsOfMatch(reading: Reading, { fold, exact, globs, regexes }: Patterns, costOf: Cost): readonly Clause[] {
  if (!canHold(reading)) return [];
  const literal = (text: string, isFolded: boolean): Literal => ({ kind: "literal", reading, fold: isFolded, text });
  const rank =
    (isFolded: boolean): Rank =>
    (texts) =>
      texts.every(isLongEnough) ? costOf(texts.map((text) => literal(text, isFolded))) : Number.POSITIVE_INFINITY;
  const joined: Literal[] = [];
  const take = (texts: Alternatives | null, isFolded: boolean): boolean => {
    for (const text of texts ?? []) joined.push(literal(text, isFolded));
    return texts !== null;
  };
  const isKnown =
    exact.every((text) => take(literalOfWildcard({ kind: "exact", text }, fold, rank(fold)), fold)) &&
    globs.every(({ tree }) => take(literalOfWildcard(tree, fold, rank(fold)), fold)) &&
    regexes.every(({ tree, insensitive }) => {
      const isFolded = fold || insensitive;
      return take(literalOfRegex(tree, isFolded, rank(isFolded)), isFolded);
    });
  return isKnown ? [withoutLonger(joined)] : [];
}

/** Past so many literals nobody compares each with each. */
const MOST_COMPARED = 500;

/** The literals without those that contain another one, which is found wherever they are. */
function withoutLonger(literals: readonly Literal[]): readonly Literal[] {
  if (literals.length > MOST_COMPARED) return literals;
  const shortFirst = [...literals].sort((a, b) => a.text.length - b.text.length);
  const kept: Literal[] = [];
  for (const one of shortFirst) {
    if (!kept.some(({ fold, text }) => fold === one.fold && one.text.includes(text))) kept.push(one);
  }
  return kept;
}

/** Clauses that hold when an expression of the elastic dialect is true. */
function literalsOfExpression(e: Expression, costOf: Cost): readonly Clause[] {
  switch (e.kind) {
    case "and":
      return e.operands.flatMap((operand) => literalsOfExpression(operand, costOf));
    case "or": {
      const joined: Condition[] = [];
      for (const operand of e.operands) {
        const clause = cheapest(literalsOfExpression(operand, costOf), costOf);
        if (clause === null) return [];
        for (const condition of clause) joined.push(condition);
      }
      return [joined];
    }
    case "match":
      return e.subject.kind === "field" ? literalsOrValue(e.subject.reading, e.patterns, costOf) : [];
    case "call": {
      const [subject, text] = e.args;
      if (!SEARCHES.has(e.name) || subject?.kind !== "field" || text?.kind !== "string") return [];
      const patterns = { fold: e.fold, exact: [text.value], globs: [], regexes: [] };
      return literalsOrValue(subject.reading, patterns, costOf);
    }
    default:
      return [];
  }
}

/** As literalsOfMatch, and that the reading has a value. */
function literalsOrValue(reading: Reading, patterns: Patterns, costOf: Cost): readonly Clause[] {
  if (reading.root.kind !== "event") return [];
  return [...literalsOfMatch(reading, patterns, costOf), [{ kind: "exists", reading }]];
}

/** Functions that are true only where the first text contains the second. */
const SEARCHES: ReadonlySet<string> = new Set(["startsWith", "endsWith", "stringContains"]);

/** A text that is read for the event at hand; the JSON text of a value may spell the same text in several ways. */
function canHold({ root, as }: Reading): boolean {
  return root.kind === "event" && as === "keyword";
}

function isLongEnough(text: string): boolean {
  // Folding may make a text shorter: the sign for kelvin becomes a k.
  return [text, foldString(text)].every((form) => utf8.encode(form).length >= GRAM_BYTES);
}

const utf8 = new TextEncoder();

function cheapest(clauses: readonly Clause[], costOf: Cost): Clause | null {
  let best: Clause | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const clause of clauses) {
    const cost = costOf(clause);
    if (cost < least) [best, least] = [clause, cost];
  }
  return best;
}

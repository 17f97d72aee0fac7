// Atom -> the readings of the event at hand without a value of which it is false.

import { elasticForm, strictOf } from "../functions/catalogue.js";
import type { Expression } from "./expression.js";
import type { Atom } from "./pack-ir.js";
import { type Reading, readingKey } from "./reading.js";

/** Each once. */
export function neededReadings(atom: Atom, atoms: readonly Atom[]): readonly Reading[] {
  switch (atom.kind) {
    case "lineage":
    case "foreign":
    case "dynamic":
      // A condition of the endgame dialect may hold because a field is missing, and so may code.
      return [];
    case "computed":
      return distinct(neededForTrue(atom.expression, atoms));
    default:
      return ofEvent(atom.reading);
  }
}

/** Readings without which the expression is not true. */
function neededForTrue(e: Expression, atoms: readonly Atom[]): readonly Reading[] {
  switch (e.kind) {
    case "and":
      return e.operands.flatMap((operand) => neededForTrue(operand, atoms));
    case "or": {
      const [first = [], ...rest] = e.operands.map((operand) => neededForTrue(operand, atoms));
      const others = rest.map((readings) => new Set(readings.map(readingKey)));
      return first.filter((reading) => others.every((keys) => keys.has(readingKey(reading))));
    }
    case "test": {
      const atom = atoms[e.atom];
      return atom === undefined ? [] : neededReadings(atom, atoms);
    }
    default:
      return neededForValue(e);
  }
}

/** Readings without which the expression is null. */
function neededForValue(e: Expression): readonly Reading[] {
  switch (e.kind) {
    case "field":
      return ofEvent(e.reading);
    case "arithmetic":
      return [e.left, e.right].flatMap(neededForValue);
    case "compare":
      // `x == 1 / 0` asks whether x is missing.
      return e.fixed === undefined ? [e.left, e.right].flatMap(neededForValue) : [];
    case "not":
      return neededForValue(e.operand);
    case "match":
    case "in-ranges":
      return neededForValue(e.subject);
    case "call":
      return strictOf(elasticForm(e.name), e.args).flatMap(neededForValue);
    default:
      return [];
  }
}

function ofEvent(reading: Reading): readonly Reading[] {
  return reading.root.kind === "event" ? [reading] : [];
}

function distinct(readings: readonly Reading[]): readonly Reading[] {
  return [...new Map(readings.map((reading) => [readingKey(reading), reading])).values()];
}

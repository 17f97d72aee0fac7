// Finds rules that ask too many different questions, while the rule is still known. Each question that no table answers is a
// function of the module, and compiling those is what takes time.

import type { Problem } from "../diagnostics/diagnostic.js";
import { atomsOf } from "../ir/circuit.js";
import type { PackIr } from "../ir/pack-ir.js";
import type { Span } from "../syntax/ast.js";

/** A module of so many functions compiles in a few seconds; the largest published rules ask some hundred questions. */
const MOST_ATOMS = 5_000;

/** `pack` is the rule planned alone. */
export function checkSize(pack: PackIr, span: Span): Problem[] {
  const asked = new Set(pack.predicates.flatMap(({ circuit }) => atomsOf(circuit)));
  if (asked.size <= MOST_ATOMS) return [];
  const message = `the rule asks ${asked.size} different questions of an event, and more than ${MOST_ATOMS} do not fit`;
  const help = "write values and patterns of one field as a list, or split the rule";
  return [{ code: "E0402", severity: "error", message, span, help }];
}

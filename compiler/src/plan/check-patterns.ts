// Finds regular expressions whose automaton would pass the limits, while the rule they stand in is still known. What is
// looked at is the planned rule, because planning joins lists: these are the automata that lowering builds, and no others.

import type { Problem } from "../diagnostics/diagnostic.js";
import { atomsOf, type Circuit } from "../ir/circuit.js";
import { type Expression, operandsOf } from "../ir/expression.js";
import type { AtomId, PackIr } from "../ir/pack-ir.js";
import type { Patterns } from "../patterns/patterns.js";
import { compileRegex } from "../patterns/regex-compile.js";
import { regexLists } from "../patterns/regex-lists.js";
import type { Span } from "../syntax/ast.js";

/** One problem for each list of regular expressions that is too large; `pack` is the rule planned alone. */
export function checkPatterns(pack: PackIr, span: Span): Problem[] {
  const problems: Problem[] = [];
  const check = ({ regexes, fold }: Pick<Patterns, "regexes" | "fold">): void => {
    for (const list of regexLists(regexes, fold)) {
      const program = compileRegex(list.nodes, list.fold);
      if (program.kind === "too-large")
        problems.push({ code: "E0402", severity: "error", message: program.message, span });
    }
  };
  const checkExpression = (t: Expression): void => {
    for (const operand of operandsOf(t)) checkExpression(operand);
    if (t.kind === "match") check(t.patterns);
  };
  const seen = new Set<AtomId>();
  const checkCircuit = (circuit: Circuit): void => {
    for (const id of atomsOf(circuit)) {
      const atom = pack.atoms[id];
      if (atom === undefined || seen.has(id)) continue;
      seen.add(id);
      if (atom.kind === "pattern") check(atom.patterns);
      else if (atom.kind === "search") checkCircuit(atom.circuit);
      else if (atom.kind === "computed") checkExpression(atom.expression);
    }
  };
  for (const { circuit } of pack.predicates) checkCircuit(circuit);
  return problems;
}

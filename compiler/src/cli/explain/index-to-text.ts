// What the index does for a rule -> text: of each predicate what wakes it, what guards decide before it is tried, or why nothing narrows it.

import type { Circuit } from "../../ir/circuit.js";
import { guardsOf } from "../../ir/guards.js";
import type { Atom, PackIr, PredicateId } from "../../ir/pack-ir.js";
import { bestClause } from "../../passes/necessary-conditions.js";
import { conditionText } from "../dump/ir-to-text.js";

/** So many conditions of one witness are shown. */
const MOST_SHOWN = 12;

interface Part {
  readonly name: string;
  readonly predicate: number;
}

/** The lines of one rule of a pack that all passes have run over; `rule` is its index. */
export function indexText(pack: PackIr, rule: number): string {
  return partsOf(pack, rule)
    .map(({ name, predicate }) => `  ${name}\n${predicateText(pack, predicate as PredicateId)}`)
    .join("");
}

function partsOf({ eventRules, programs }: PackIr, rule: number): readonly Part[] {
  const parts: Part[] = eventRules.flatMap((rules, predicate) =>
    rules.includes(rule) ? [{ name: "the rule", predicate }] : [],
  );
  for (const program of programs) {
    if (program.rule !== rule) continue;
    for (const [stage, { predicate }] of program.stages.entries()) parts.push({ name: `stage ${stage}`, predicate });
    if (program.until !== null) parts.push({ name: "until", predicate: program.until.predicate });
  }
  return parts;
}

function predicateText({ index, predicates, atoms }: PackIr, id: PredicateId): string {
  const predicate = predicates[id];
  if (index === null || predicate === undefined) return "";
  const witness = index.witnesses[id] ?? null;
  const lines: string[] = [];
  if (witness === null) lines.push(`every event: ${whyNot(predicate.circuit, atoms)}`);
  else if (witness.conditions.length === 0) lines.push("nothing: it never holds");
  else {
    const shown = witness.conditions.slice(0, MOST_SHOWN).map(conditionText);
    lines.push(`${shown[0]}`, ...shown.slice(1).map((text) => `or ${text}`));
    const more = witness.conditions.length - shown.length;
    if (more > 0) lines.push(`or ${more} more`);
    lines.push(`expected in ${shareText(witness.cost)} of 1,000 events`);
  }
  const guards = guardsOf(index, id).map(conditionText);
  return [...labelled("woken by", lines), ...labelled("if also", guards)].map((line) => `    ${line}\n`).join("");
}

function labelled(label: string, lines: readonly string[]): string[] {
  return lines.map((line, number) => `${(number === 0 ? label : "").padEnd(10)}${line}`);
}

function shareText(share: number): string {
  return share >= 1000 ? "all" : share >= 1 ? String(Math.round(share)) : "less than 1";
}

/** Why a circuit asks for nothing that must be there. */
function whyNot(circuit: Circuit, atoms: readonly Atom[]): string {
  switch (circuit.kind) {
    case "constant":
      return "the condition holds for all of them";
    case "not":
      return "a negation also holds where the field is missing";
    case "atom":
      return whyNotAtom(atoms[circuit.atom]);
    case "and": {
      const reasons = new Set(circuit.operands.map((operand) => whyNot(operand, atoms)));
      return [...reasons].filter((reason) => reason !== "").join("; ");
    }
    case "or": {
      // Whether there is a clause, whatever it costs.
      const open = circuit.operands.find((operand) => bestClause(operand, atoms, () => 0) === null);
      return open === undefined ? "" : `of an alternative, ${whyNot(open, atoms)}`;
    }
  }
}

function whyNotAtom(atom: Atom | undefined): string {
  switch (atom?.kind) {
    case "foreign":
      return "code may say yes to any of them";
    case "dynamic":
      return "a condition of the endgame dialect may hold where a field is missing";
    case "computed":
      return "a computed condition may hold where its fields are missing";
    default:
      return "";
  }
}

// Pack IR -> readable text: atoms, then predicates with their circuit, join keys, users, origins and witness.

import type { LateTest } from "@kestrel/stdlib/sequence-tables";
import type { CompiledPack } from "../../compile.js";
import type { Circuit } from "../../ir/circuit.js";
import type { Constant, DynamicValue, Path } from "../../ir/dynamic-value.js";
import type { Expression } from "../../ir/expression.js";
import { guardsOf } from "../../ir/guards.js";
import type { Origin } from "../../ir/origins.js";
import type { Atom, Condition, Key, PackIr, WitnessIndex } from "../../ir/pack-ir.js";
import { type Reading, readingText } from "../../ir/reading.js";
import type { Cidr } from "../../patterns/cidr.js";
import type { Patterns } from "../../patterns/patterns.js";

/** A pack, after any number of passes. */
export function irText({ ir, rules }: Pick<CompiledPack, "ir" | "rules">): string {
  const lines = ["atoms"];
  for (const [id, atom] of ir.atoms.entries()) {
    lines.push(`  a${id}  ${atomText(atom)}`);
    lines.push(`      asked at  ${originsText(ir.origins.atoms[id], rules)}`);
  }
  lines.push("predicates");
  for (const [id, predicate] of ir.predicates.entries()) {
    lines.push(`  p${id}  ${circuitText(predicate.circuit)}`);
    if (predicate.keys.length > 0) lines.push(`      keys      ${predicate.keys.map(keyText).join(", ")}`);
    lines.push(`      used by   ${usesOf(ir, id, rules).join(", ") || "nothing"}`);
    lines.push(`      asked at  ${originsText(ir.origins.predicates[id], rules)}`);
    if (ir.index === null || predicate.late) continue;
    lines.push(`      witness   ${witnessText(ir.index, id)}`);
    const guards = guardsOf(ir.index, id).map(conditionText).join(", ");
    if (guards !== "") lines.push(`      guards    ${guards}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Places in queries, as ranges of their UTF-16 units. */
function originsText(origins: readonly Origin[] | undefined, rules: CompiledPack["rules"]): string {
  const places = (origins ?? []).map(({ rule, start, end }) => `${nameOf(rule, rules)} ${start}-${end}`);
  return places.join(", ") || "nowhere: no rule writes it";
}

function nameOf(rule: number, rules: CompiledPack["rules"]): string {
  return rules[rule]?.rule.id ?? `rule ${rule}`;
}

function usesOf({ eventRules, programs, lineage }: PackIr, predicate: number, rules: CompiledPack["rules"]): string[] {
  const events = (eventRules[predicate] ?? []).map((rule) => nameOf(rule, rules));
  const isOne = (named: { readonly predicate: number } | null): boolean => named?.predicate === predicate;
  const late = (name: string, test: LateTest | null): string[] => [
    ...(isOne(test) ? [`${name} late`] : []),
    ...(test?.flagged?.otherwise === predicate ? [`${name} late without flags`] : []),
  ];
  const others = programs.flatMap(({ rule, kind, stages, until, pipes }) => [
    ...stages.flatMap((stage, index) => {
      const name = `${nameOf(rule, rules)} ${kind === "sample" ? "filter" : "stage"} ${index}`;
      return [...(isOne(stage) ? [name] : []), ...late(name, stage.late)];
    }),
    ...(isOne(until) ? [`${nameOf(rule, rules)} until`] : []),
    ...late(`${nameOf(rule, rules)} until`, until?.late ?? null),
    ...pipes.flatMap((pipe, index) => {
      const test = pipe.kind === "filter" ? pipe.test : "keys" in pipe ? pipe.keys : null;
      return isOne(test) ? [`${nameOf(rule, rules)} pipe ${index}`] : [];
    }),
  ]);
  const trees = lineage.flatMap(({ dialect, feed, starts, ends, processes, resets, queries }) => [
    ...Object.entries({ feed, starts, ends, processes, resets }).flatMap(([part, id]) =>
      id === predicate ? [`${dialect} process tree ${part}`] : [],
    ),
    ...queries.flatMap(({ flag, ...query }) => [
      ...(isOne(query) ? [`lineage flag ${flag}`] : []),
      ...late(`lineage flag ${flag}`, query.late),
    ]),
  ]);
  return [...events, ...others, ...trees];
}

function witnessText({ witnesses }: WitnessIndex, predicate: number): string {
  const witness = witnesses[predicate] ?? null;
  if (witness === null) return "none: tried on every event";
  if (witness.conditions.length === 0) return "none needed: it never holds";
  return `${witness.conditions.map(conditionText).join(" or ")}  (cost ${Math.round(witness.cost * 10) / 10})`;
}

export function conditionText(condition: Condition): string {
  const name = readingText(condition.reading);
  switch (condition.kind) {
    case "exists":
      return `${name} exists`;
    case "set":
      return `${name}${condition.fold ? "~" : ""} ${list(condition.texts)}`;
    case "literal":
      return `${name}${condition.fold ? "~" : ""} contains ${JSON.stringify(condition.text)}`;
  }
}

function keyText({ name, value, optional }: Key): string {
  return `${optional ? "?" : ""}${name}${value.kind === "absent" ? " (not in the schema)" : ""}`;
}

/** A circuit in one line; atoms by number. */
export function circuitText(circuit: Circuit): string {
  switch (circuit.kind) {
    case "constant":
      return String(circuit.value);
    case "atom":
      return `a${circuit.atom}`;
    case "not":
      return `not ${bracketed(circuit.operand)}`;
    case "and":
    case "or":
      return circuit.operands.map(bracketed).join(` ${circuit.kind} `) || `empty ${circuit.kind}`;
  }
}

function bracketed(circuit: Circuit): string {
  return circuit.kind === "and" || circuit.kind === "or" ? `(${circuitText(circuit)})` : circuitText(circuit);
}

function atomText(atom: Atom): string {
  switch (atom.kind) {
    case "lineage":
      return `lineage flag ${atom.flag}`;
    case "computed":
      return `computed  ${expressionText(atom.expression)}`;
    case "dynamic":
      return `dynamic  ${dynamicText(atom.value)}`;
    case "foreign":
      return `foreign ${atom.foreign}  reads ${atom.readings.map(readingText).join(", ") || "nothing"}`;
    default:
      return questionText(atom, readingText(atom.reading), atom.reading);
  }
}

type Question = Exclude<Atom, { kind: "lineage" | "computed" | "dynamic" | "foreign" }>;

function questionText(atom: Question, name: string, { as }: Reading): string {
  const unit = as === "date" ? " ns" : "";
  switch (atom.kind) {
    case "exists":
      return `${name} exists`;
    case "boolean":
      return `${name} is ${atom.value}`;
    case "set":
      return `${name} ${atom.fold ? "in~" : "in"} ${list(atom.texts)}`;
    case "pattern":
      return `${name} ${patternsText({ ...atom.patterns, exact: [] })}`;
    case "integer":
    case "double":
      return `${name} ${atom.op} ${atom.value}${unit}`;
    case "integer-set":
    case "double-set":
      return `${name} in (${atom.values.join(", ")})${unit}`;
    case "in-ranges":
      return `${name} in ranges ${atom.ranges.map(cidrText).join(", ")}`;
    case "search":
      return `an element $${atom.depth} of ${name} with ${circuitText(atom.circuit)}`;
  }
}

function patternsText({ fold, exact, globs, regexes }: Patterns): string {
  const mark = fold ? "~" : "";
  const parts: string[] = [];
  if (exact.length > 0) parts.push(`in${mark} ${list(exact)}`);
  if (globs.length > 0) parts.push(`like${mark} ${list(globs.map(({ text }) => text))}`);
  if (regexes.length > 0) parts.push(`regex${mark} ${list(regexes.map(({ text }) => text))}`);
  return parts.join(" or ");
}

function expressionText(e: Expression): string {
  switch (e.kind) {
    case "null":
      return "null";
    case "string":
      return JSON.stringify(e.value);
    case "long":
    case "double":
    case "boolean":
      return String(e.value);
    case "date":
      return `${e.nanoseconds} ns`;
    case "field":
      return readingText(e.reading);
    case "test":
      return `a${e.atom}`;
    case "arithmetic":
    case "compare":
      return `(${expressionText(e.left)} ${e.op} ${expressionText(e.right)})`;
    case "is-null":
      return `(${expressionText(e.operand)} == null)`;
    case "not":
      return `not ${expressionText(e.operand)}`;
    case "and":
    case "or":
      return `(${e.operands.map(expressionText).join(` ${e.kind} `)})`;
    case "match":
      return `(${expressionText(e.subject)} ${patternsText(e.patterns)})`;
    case "in-ranges":
      return `(${expressionText(e.subject)} in ranges ${e.ranges.map(cidrText).join(", ")})`;
    case "call":
      return `${e.name}${e.fold ? "~" : ""}(${e.args.map(expressionText).join(", ")})`;
  }
}

function dynamicText(v: DynamicValue): string {
  switch (v.kind) {
    case "constant":
      return constantText(v.value);
    case "field":
      return readingText(v.reading) + pathText(v.path);
    case "element":
      return `$${v.depth}${pathText(v.path)}`;
    case "flag":
      return `lineage flag ${v.flag}`;
    case "and":
    case "or":
      return `(${v.operands.map(dynamicText).join(` ${v.kind} `)})`;
    case "not":
      return `not ${dynamicText(v.operand)}`;
    case "is-null":
      return `(${dynamicText(v.operand)} == null)`;
    case "equal":
      return `(${dynamicText(v.left)} == ${dynamicText(v.right)})`;
    case "order":
    case "arithmetic":
      return `(${dynamicText(v.left)} ${v.op} ${dynamicText(v.right)})`;
    case "member":
      return `(${dynamicText(v.subject)} in (${v.constants.map(constantText).join(", ")}))`;
    case "wildcard":
      return `(${dynamicText(v.subject)} like ${JSON.stringify(v.patterns)})`;
    case "regex":
      return `(${dynamicText(v.subject)} matches one of ${v.patterns.length} trees)`;
    case "in-ranges":
      return `(${dynamicText(v.subject)} in ranges ${v.ranges.map(cidrText).join(", ")})`;
    case "call":
      return `${v.name}(${v.args.map(dynamicText).join(", ")})`;
    case "search":
      return `${v.count ? "count" : "search"}(${dynamicText(v.array)}, $${v.depth}, ${dynamicText(v.condition)})`;
  }
}

function constantText(constant: Constant): string {
  return typeof constant === "string" ? JSON.stringify(constant) : String(constant);
}

function pathText(path: Path): string {
  return path.map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`)).join("");
}

function cidrText({ family, bytes, prefix }: Cidr): string {
  if (family === 4) return `${[...bytes].join(".")}/${prefix}`;
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  return `${groups.join(":")}/${prefix}`;
}

function list(texts: readonly string[]): string {
  return `{${texts.map((text) => JSON.stringify(text)).join(", ")}}`;
}

// Pack IR -> readable text: atoms, then predicates with their circuit, join keys, users and witness.

import type { Field } from "@kestrel/stdlib/schema/types";
import type { JoinKey, Patterns, Typed } from "../../analyse/typed.js";
import type { CompiledPack } from "../../compile.js";
import type { Atom, Circuit, PackIr } from "../../ir/pack-ir.js";
import { witnessOf } from "../../passes/choose-witnesses.js";
import type { Cidr } from "../../patterns/cidr.js";

/** The plan of a pack. */
export function irText({ ir, rules }: Pick<CompiledPack, "ir" | "rules">): string {
  const lines = ["atoms"];
  for (const [id, atom] of ir.atoms.entries()) lines.push(`  a${id}  ${atomText(atom)}`);
  lines.push("predicates");
  for (const [id, predicate] of ir.predicates.entries()) {
    lines.push(`  p${id}  ${circuitText(predicate.circuit)}`);
    if (predicate.keys.length > 0) lines.push(`      keys      ${predicate.keys.map(joinKeyText).join(", ")}`);
    lines.push(`      used by   ${usesOf(ir, id, rules).join(", ") || "nothing"}`);
    lines.push(`      witness   ${witnessText(predicate.circuit, ir.atoms)}`);
  }
  return `${lines.join("\n")}\n`;
}

function usesOf(ir: PackIr, predicate: number, rules: CompiledPack["rules"]): string[] {
  const name = (rule: number): string => rules[rule]?.rule.id ?? `rule ${rule}`;
  const events = (ir.eventRules[predicate] ?? []).map(name);
  const others = ir.programs.flatMap(({ rule, kind, stages, until }) => [
    ...stages.flatMap((stage, index) =>
      stage.predicate === predicate ? [`${name(rule)} ${kind === "sample" ? "filter" : "stage"} ${index}`] : [],
    ),
    ...(until?.predicate === predicate ? [`${name(rule)} until`] : []),
  ]);
  return [...events, ...others];
}

function witnessText(circuit: Circuit, atoms: readonly Atom[]): string {
  const witness = witnessOf(circuit, atoms);
  if (witness === null) return "none: tried on every event";
  if (witness.sets.length === 0) return "none needed: it never holds";
  const sets = witness.sets.map(({ field, fold, texts }) => `${field.name}${fold ? "~" : ""} ${list(texts)}`);
  return `${sets.join(" or ")}  (cost ${Math.round(witness.cost * 10) / 10})`;
}

function joinKeyText({ name, field, optional }: JoinKey): string {
  return `${optional ? "?" : ""}${name}${field === null ? " (not in the schema)" : ""}`;
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
    case "exists":
      return `${atom.field.name} exists`;
    case "boolean":
      return `${atom.field.name} is ${atom.value}`;
    case "set":
      return `${atom.field.name} ${atom.fold ? "in~" : "in"} ${list(atom.texts)}`;
    case "pattern":
      return `${atom.field.name} ${patternsText({ ...atom.patterns, exact: [] })}`;
    case "integer":
    case "double":
      return `${atom.field.name} ${atom.op} ${atom.value}${atom.field.type === "date" ? " ns" : ""}`;
    case "integer-set":
    case "double-set":
      return `${atom.field.name} in (${atom.values.join(", ")})${atom.field.type === "date" ? " ns" : ""}`;
    case "in-ranges":
      return `${atom.field.name} in ranges ${atom.ranges.map(cidrText).join(", ")}`;
    case "lineage":
      return `lineage flag ${atom.flag}`;
    case "search":
      return `an element $${atom.depth} of ${fieldText(atom.field)} with ${circuitText(atom.circuit)}`;
    case "computed":
      return `computed  ${typedText(atom.typed)}`;
  }
}

function patternsText({ fold, exact, globs, regexes }: Patterns): string {
  const mark = fold ? "~" : "";
  const parts: string[] = [];
  if (exact.length > 0) parts.push(`in${mark} ${list(exact)}`);
  if (globs.length > 0) parts.push(`like${mark} ${list(globs)}`);
  if (regexes.length > 0) parts.push(`regex${mark} ${list(regexes)}`);
  return parts.join(" or ");
}

function typedText(t: Typed): string {
  switch (t.kind) {
    case "null":
      return "null";
    case "string":
      return JSON.stringify(t.value);
    case "long":
    case "double":
    case "boolean":
      return String(t.value);
    case "date":
      return `${t.nanoseconds} ns`;
    case "field":
      return fieldText(t.field);
    case "search":
      return `search ${fieldText(t.array)} for $${t.depth} with ${typedText(t.condition)}`;
    case "lineage":
      return `${t.relation} of [${t.query.category ?? "any"} where ${typedText(t.query.condition)}]`;
    case "test":
      return `a${t.atom}`;
    case "dynamic":
      return JSON.stringify(t.value, (_, part: unknown) => (typeof part === "bigint" ? String(part) : part));
    case "arithmetic":
    case "compare":
      return `(${typedText(t.left)} ${t.op} ${typedText(t.right)})`;
    case "is-null":
      return `(${typedText(t.operand)} == null)`;
    case "not":
      return `not ${typedText(t.operand)}`;
    case "and":
    case "or":
      return `(${t.operands.map(typedText).join(` ${t.kind} `)})`;
    case "match":
      return `(${typedText(t.subject)} ${patternsText(t.patterns)})`;
    case "in-ranges":
      return `(${typedText(t.subject)} in ranges ${t.ranges.map(cidrText).join(", ")})`;
    case "call":
      return `${t.name}${t.fold ? "~" : ""}(${t.args.map(typedText).join(", ")})`;
  }
}

function cidrText({ family, bytes, prefix }: Cidr): string {
  if (family === 4) return `${[...bytes].join(".")}/${prefix}`;
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  );
  return `${groups.join(":")}/${prefix}`;
}

function fieldText({ root, name }: Field): string {
  return root === undefined ? name : name === "" ? root : `${root}.${name}`;
}

function list(texts: readonly string[]): string {
  return `{${texts.map((text) => JSON.stringify(text)).join(", ")}}`;
}

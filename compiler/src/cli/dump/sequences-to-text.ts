// Sequence tables -> readable text: the states that a partial match goes through, and what moves it on.

import type { SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import type { CompiledPack } from "../../compile.js";
import { circuitText } from "./ir-to-text.js";

/** The programs of a pack, as the manifest holds them. */
export function sequencesText({ ir, rules }: Pick<CompiledPack, "ir" | "rules">): string {
  if (ir.programs.length === 0) return "no programs: event rules are decided by a predicate alone\n";
  const lines: string[] = [];
  for (const [index, program] of ir.programs.entries()) {
    const { kind, rule, maxspanNs, until } = program;
    const limit = maxspanNs === null ? "no maxspan" : `maxspan ${maxspanNs / 1_000_000n} ms`;
    lines.push(
      `program ${index}: ${kind} of rule ${rule} (${rules[rule]?.rule.id ?? "?"})${kind === "sample" ? "" : `, ${limit}`}`,
    );
    lines.push(...stageLines(program));
    if (until !== null) lines.push(`  until     p${until.predicate} drops what waits under its key`);
    const used = new Set([
      ...program.stages.map(({ predicate }) => predicate),
      ...(until === null ? [] : [until.predicate]),
    ]);
    for (const id of used) {
      const predicate = ir.predicates[id];
      if (predicate === undefined) continue;
      const keys = predicate.keys.map(({ name, optional }) => `${optional ? "?" : ""}${name}`);
      lines.push(`  p${id}  ${circuitText(predicate.circuit)}${keys.length > 0 ? `  by ${keys.join(", ")}` : ""}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

function stageLines({ kind, stages }: SequenceProgram): string[] {
  if (kind === "sample") return stages.map(({ predicate }, index) => `  filter ${index}  p${predicate}`);
  const last = stages.findLastIndex(({ missing }) => !missing);
  let state = 0;
  return stages.map(({ predicate, missing }, index) => {
    if (missing) return `  stage ${index}   no p${predicate} here`;
    const from = state === 0 ? "start" : `state ${state}`;
    state++;
    return `  stage ${index}   ${from} --p${predicate}--> ${index === last ? "match" : `state ${state}`}`;
  });
}

// A compiled pack -> what it takes, in numbers that can be divided by its rules.

import type { CompiledPack } from "../compile.js";
import type { Witness } from "../ir/pack-ir.js";

export interface PackStats {
  readonly rules: number;
  readonly module_bytes: number;
  readonly atoms: number;
  /** Entries of the posting lists. */
  readonly postings: number;
  /** Different texts that are looked for in values. */
  readonly literals: number;
  readonly guards: number;
  /** How many predicates are woken by what: the conditions of a witness, weakest first. */
  readonly woken_by: Readonly<Record<"texts" | "literals" | "fields" | "every_event", number>>;
}

export function statsOf({ rules, ir, lowered }: CompiledPack): PackStats {
  const { index } = ir;
  if (index === null) throw new Error("the pack has no index: its passes have not run");
  const woken = { texts: 0, literals: 0, fields: 0, every_event: 0 };
  for (const [id, { late }] of ir.predicates.entries()) if (!late) woken[kindOf(index.witnesses[id] ?? null)]++;
  const listed = [...index.sets, ...index.literals].flatMap(({ byText }) => [...byText.values()]);
  const lists = [...listed, ...index.presences.map(({ postings }) => postings), index.always];
  return {
    rules: rules.length,
    module_bytes: lowered.binary.length,
    atoms: ir.atoms.length,
    postings: lists.reduce((sum, { length }) => sum + length, 0),
    literals: index.literals.reduce((sum, { byText }) => sum + byText.size, 0),
    guards: index.guards.length,
    woken_by: woken,
  };
}

function kindOf(witness: Witness | null): keyof PackStats["woken_by"] {
  if (witness === null) return "every_event";
  if (witness.conditions.some(({ kind }) => kind === "exists")) return "fields";
  return witness.conditions.some(({ kind }) => kind === "literal") ? "literals" : "texts";
}

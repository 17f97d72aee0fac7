// Many matches of one field in an `or` -> one match, before each becomes an atom. The passes join atoms too, but a hundred
// thousand atoms that live for a moment cost more memory than all else that is made of a rule.

import type { Typed, TypedOf } from "../analyse/typed.js";
import { readingKey } from "../ir/reading.js";
import type { GlobPattern, Patterns } from "../patterns/patterns.js";

type Match = TypedOf<"match">;

/**
 * Shorter lists are left as they are written: what rules have in common is told from single atoms. Bench `steering`, table
 * "thresholds": code and times are the same on both sides.
 */
const FEW = 64;

/** Operands that mean the same in an `or`. */
export function joinInOr(operands: readonly Typed[]): readonly Typed[] {
  if (operands.length <= FEW) return operands;
  const groups = new Map<string, { readonly first: Match; readonly exact: string[]; readonly globs: GlobPattern[] }>();
  const others: Typed[] = [];
  for (const operand of operands) {
    if (operand.kind !== "match" || operand.subject.kind !== "field" || operand.patterns.regexes.length > 0) {
      others.push(operand);
      continue;
    }
    const key = `${readingKey(operand.subject.reading)} ${operand.patterns.fold}`;
    const group = groups.get(key) ?? { first: operand, exact: [], globs: [] };
    groups.set(key, group);
    for (const text of operand.patterns.exact) group.exact.push(text);
    for (const glob of operand.patterns.globs) group.globs.push(glob);
  }
  const joined = [...groups.values()].map(({ first, exact, globs }): Match => {
    const patterns: Patterns = { ...first.patterns, exact, globs };
    return { ...first, patterns };
  });
  return [...joined, ...others];
}

/** Operands that mean the same in an `and`, where `not a and not b` is `not (a or b)`. */
export function joinInAnd(operands: readonly Typed[]): readonly Typed[] {
  if (operands.length <= FEW) return operands;
  const negated = operands.flatMap((one) => (one.kind === "not" && one.operand.kind === "match" ? [one.operand] : []));
  if (negated.length <= FEW) return operands;
  const others = operands.filter((one) => one.kind !== "not" || one.operand.kind !== "match");
  return [...others, ...joinInOr(negated).map((operand): Typed => ({ kind: "not", operand }))];
}

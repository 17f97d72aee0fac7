// The rules of a package -> what a lane remembers of each, one object under the rule's id.
//
// Indexes of rules, programs and predicates are the package's; ids are for ever. A lane that is handed another package finds
// by its id what it remembers of a rule, and gives it the indexes that the rule has there.

import type { ManifestRule } from "@kestrel/stdlib/package-format";
import type { SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import type { Program } from "../sequence/state.js";
import { createPipeState, type PipeState } from "./pipes.js";

/** What a lane remembers of a rule. */
export interface RuleState {
  readonly id: string;
  /** Index into the manifest's `rules`. */
  readonly index: number;
  /** The rule's program, and what it remembers; null for a rule that a predicate alone decides. */
  readonly program: SequenceProgram | null;
  readonly sequence: Program | null;
  readonly pipes: PipeState | null;
  alerts: number;
}

export interface RuleStates {
  readonly byId: ReadonlyMap<string, RuleState>;
  /** The same by rule index, and by program index. */
  readonly byRule: readonly RuleState[];
  readonly byProgram: readonly RuleState[];
}

/** `sequences[i]` belongs to `programs[i]`. Throws RangeError for a pipe that needs the end of the matches, unless pipes are off. */
export function createRuleStates(
  rules: readonly Pick<ManifestRule, "id">[],
  programs: readonly SequenceProgram[],
  sequences: readonly Program[],
  hasPipes: boolean,
): RuleStates {
  const programOf = new Map(programs.map(({ rule }, index) => [rule, index]));
  const byRule = rules.map(({ id }, index): RuleState => {
    const at = programOf.get(index) ?? -1;
    const program = programs[at] ?? null;
    const pipes = program === null || !hasPipes ? [] : program.pipes;
    return {
      id,
      index,
      program,
      sequence: sequences[at] ?? null,
      pipes: pipes.length === 0 ? null : createPipeState(pipes),
      alerts: 0,
    };
  });
  return {
    byId: new Map(byRule.map((state) => [state.id, state])),
    byRule,
    byProgram: programs.map(({ rule }) => {
      const state = byRule[rule];
      if (state === undefined) throw new RangeError(`there is no rule ${rule}`);
      return state;
    }),
  };
}

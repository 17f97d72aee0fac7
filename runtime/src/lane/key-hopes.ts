// Which keys of programs can come to anything. A stream that is judged at its end has shown by then under which keys each stage was matched, and a
// sequence or sample for whose key one of the stages was never matched is never complete: most rules of several events see the one that is common all day and
// the one that is rare hardly ever.
//
// SOUND: a program that joins by keys reports nothing for a key before each of its stages, but for those that must be absent, has an event with this key. What
// is asked for by a program that is not joined so, or that has very many stages, may always come to something.
// Bounded: of so many keys; where there are more, each may come to something.

import type { SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import type { StageMatch } from "../event/stream-event.js";

export interface KeyHopes {
  /** Takes what held for events of the stream; it need not be said more than once. */
  note(stages: readonly StageMatch[]): void;
  /** By all that was noted, whether a program may take something from an event for which this held. */
  isHopeful(stages: readonly StageMatch[]): boolean;
}

/** A stage is a bit of a number that is an object nowhere. */
const MOST_STAGES = 30;

/** One use of a predicate; `bit` is 0 for what must be absent, and for `until`. */
interface Use {
  readonly bit: number;
  readonly keys: ProgramKeys;
}

interface ProgramKeys {
  /** The bits of the stages that need an event; 0 where keys say nothing. */
  readonly needed: number;
  /** For each key the stages that were matched with it. */
  readonly matched: Map<string, number>;
}

export function createKeyHopes(programs: readonly SequenceProgram[], mostKeys: number): KeyHopes {
  /** Keys that may still be remembered; below 0 none is, and nothing is known of any. */
  let left = mostKeys;
  const uses = new Map<number, Use[]>();
  const use = (predicate: number, bit: number, keys: ProgramKeys): void => {
    const known = uses.get(predicate);
    if (known === undefined) uses.set(predicate, [{ bit, keys }]);
    else known.push({ bit, keys });
  };
  for (const { kind, stages, until } of programs) {
    const isKeyed = (kind === "sequence" || kind === "sample") && stages.length <= MOST_STAGES;
    const bits = stages.map(({ missing }, at) => (isKeyed && !missing ? 1 << at : 0));
    const keys = { needed: bits.reduce((all, bit) => all | bit, 0), matched: new Map<string, number>() };
    for (const [at, { predicate }] of stages.entries()) use(predicate, bits[at] ?? 0, keys);
    if (until !== null) use(until.predicate, 0, keys);
  }

  function noteKey(matched: Map<string, number>, key: string, bit: number): void {
    if (left < 0) return;
    const known = matched.get(key);
    if (known === undefined) left--;
    if (left >= 0) matched.set(key, (known ?? 0) | bit);
    else for (const { keys } of [...uses.values()].flat()) keys.matched.clear();
  }

  return {
    note(stages) {
      for (const { predicate, keys } of stages) {
        const needing = uses.get(predicate)?.filter(({ bit }) => bit !== 0) ?? [];
        for (const { bit, keys: of } of needing) for (const key of keys) noteKey(of.matched, key, bit);
      }
    },
    isHopeful: (stages) =>
      stages.some(({ predicate, keys }) =>
        uses
          .get(predicate)
          ?.some(
            ({ keys: { needed, matched } }) =>
              needed === 0 || left < 0 || keys.some((key) => matched.get(key) === needed),
          ),
      ),
  };
}

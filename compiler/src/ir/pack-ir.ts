// The pack IR: what a whole pack decides about one event, shared by all its rules.
//   atom       a question about one reading (or, `computed` and `dynamic`, about several), true or false for every event
//   circuit    and / or / not over atoms; two-valued
//   predicate  category and circuit of an event rule or of a term, with the join keys that a match carries
//   program    a sequence, sample or join, or an event rule with pipes: its stages name predicates
//   index      what an event must hold for each predicate to be a candidate
// Equal atoms exist once. Atoms hold for an event when any value of the reading answers yes, so a missing field answers no.
//
// The plan makes it and the passes rewrite it. Lowering reads nothing else: it never sees the binder's tree.

import type { LineageProgram, SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import type { Cidr } from "../patterns/cidr.js";
import type { Patterns } from "../patterns/patterns.js";
import type { Profile } from "../profile/profile.js";
import type { Circuit } from "./circuit.js";
import type { ComparisonOp } from "./comparison.js";
import type { DynamicValue } from "./dynamic-value.js";
import type { Expression } from "./expression.js";
import type { Foreign } from "./foreign.js";
import type { AtomId, PredicateId } from "./ids.js";
import type { Key } from "./key.js";
import type { Origins } from "./origins.js";
import type { Reading } from "./reading.js";

export type Atom =
  | { readonly kind: "exists"; readonly reading: Reading }
  /** A boolean field that has this value. */
  | { readonly kind: "boolean"; readonly reading: Reading; readonly value: boolean }
  /** A text that is one of these; folded texts when `fold`. Sorted, distinct, never empty. */
  | { readonly kind: "set"; readonly reading: Reading; readonly fold: boolean; readonly texts: readonly string[] }
  /** A text that matches a pattern; folded patterns when they fold. */
  | { readonly kind: "pattern"; readonly reading: Reading; readonly patterns: Omit<Patterns, "exact"> }
  /** A long or date (in nanoseconds) against an integer. */
  | { readonly kind: "integer"; readonly reading: Reading; readonly op: ComparisonOp; readonly value: bigint }
  /** A long or double against a double. */
  | { readonly kind: "double"; readonly reading: Reading; readonly op: ComparisonOp; readonly value: number }
  /** A long or date that is one of these integers. Sorted, distinct, at least two. */
  | { readonly kind: "integer-set"; readonly reading: Reading; readonly values: readonly bigint[] }
  /** A long or double that is one of these doubles. Sorted, distinct, at least two. */
  | { readonly kind: "double-set"; readonly reading: Reading; readonly values: readonly number[] }
  | { readonly kind: "in-ranges"; readonly reading: Reading; readonly ranges: readonly Cidr[] }
  /** What the runtime says of the event's process; only late tests ask it. */
  | { readonly kind: "lineage"; readonly flag: number }
  /**
   * Some element of the arrays at a raw reading makes the circuit true. Its atoms may read the element: their root is
   * element `depth`.
   */
  | { readonly kind: "search"; readonly reading: Reading; readonly depth: number; readonly circuit: Circuit }
  /** Anything else of the elastic dialect: true when a combination of the readings' values makes it true. */
  | { readonly kind: "computed"; readonly expression: Expression }
  /** A condition of the endgame dialect; true when its value counts as true. */
  | { readonly kind: "dynamic"; readonly value: DynamicValue }
  /** What code of its own says of the event; `foreign` is an index into the pack's list. */
  | { readonly kind: "foreign"; readonly foreign: number; readonly readings: readonly Reading[] };

/** The atom of one kind. */
export type AtomOf<Kind extends Atom["kind"]> = Extract<Atom, { readonly kind: Kind }>;

export interface Predicate {
  readonly circuit: Circuit;
  readonly keys: readonly Key[];
  /** Whether it is a late test: the index leaves those out. */
  readonly late: boolean;
}

export interface PackIr {
  readonly atoms: readonly Atom[];
  readonly predicates: readonly Predicate[];
  /** For each predicate, the indexes of the event rules that it decides. */
  readonly eventRules: readonly (readonly number[])[];
  readonly programs: readonly SequenceProgram[];
  readonly lineage: readonly LineageProgram[];
  readonly foreigns: readonly Foreign[];
  readonly origins: Origins;
  /** null until the pass that chooses witnesses has run. */
  readonly index: WitnessIndex | null;
}

/** A text of at least four bytes that a value of the reading must contain; of a folded value when `fold`. */
export interface Literal {
  readonly kind: "literal";
  readonly reading: Reading;
  readonly fold: boolean;
  readonly text: string;
}

/** What an event may hold or not, that can be told without asking a predicate. */
export type Condition = AtomOf<"set"> | AtomOf<"exists"> | Literal;

/** A condition that many predicates need, which is told once an event. */
export type Guard = AtomOf<"set"> | AtomOf<"exists">;

/** A guard is a bit of 64. */
export const MOST_GUARDS = 64;

/** Which predicates an event can match at all, by what it holds. */
export interface WitnessIndex {
  /** What each predicate is posted under; null where nothing narrows it, and for late tests, which are never looked for. */
  readonly witnesses: readonly (Witness | null)[];
  /** By bit, at most MOST_GUARDS. */
  readonly guards: readonly Guard[];
  /** The bits of the guards that each predicate needs, whatever wakes it. */
  readonly masks: readonly bigint[];
  /** For each reading, compared raw or folded: what is posted under each text that a value may be. */
  readonly sets: readonly TextPostings[];
  /** The same for texts that a value may contain. */
  readonly literals: readonly TextPostings[];
  /** For each reading: what is posted under its having a value. */
  readonly presences: readonly PresencePostings[];
  /** Candidates for every event. */
  readonly always: readonly Posting[];
  /** What it was chosen by, where it was not the built-in figures alone. */
  readonly profile: Profile | null;
}

/** An event can only match when at least one of the conditions holds; when there are none, never. */
export interface Witness {
  readonly conditions: readonly Condition[];
  /** How many of a thousand events are expected to meet one of the conditions. */
  readonly cost: number;
}

export interface Posting {
  readonly predicate: PredicateId;
  /** The bits of the guards without which the predicate does not hold where it is woken by this alone. */
  readonly guards: bigint;
}

export interface TextPostings {
  readonly reading: Reading;
  readonly fold: boolean;
  readonly byText: ReadonlyMap<string, readonly Posting[]>;
  /** Where an event has none of these guards, the texts need not be looked for; none where they always are. */
  readonly anyOf: bigint;
}

export interface PresencePostings {
  readonly reading: Reading;
  readonly postings: readonly Posting[];
}

export type { AtomId, Key, PredicateId };

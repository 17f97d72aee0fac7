// The typed query: fields bound to the schema, constants brought to the type of what they are compared with, sugar removed.
// Its conditions are the IR's expressions with four nodes that only the plan can say in the IR's words.

import type { DynamicValue } from "../ir/dynamic-value.js";
import { type Expression, operandsOf } from "../ir/expression.js";
import type { Foreign } from "../ir/foreign.js";
import type { Key } from "../ir/key.js";
import type { Reading } from "../ir/reading.js";
import type { Dialect, Span } from "../syntax/ast.js";

export type Typed = Expression<Search | Lineage | Dynamic | ForeignCall>;

/** `_arraysearch`: `array` is read raw, and the condition reads its elements, whose root is element `depth`. */
export interface Search {
  readonly kind: "search";
  readonly array: Reading;
  readonly depth: number;
  readonly condition: Typed;
}

/** `descendant of [ ]` and its kin. */
export interface Lineage {
  readonly kind: "lineage";
  readonly relation: LineageRelation;
  readonly query: TypedTerm;
}

/** A call of a predicate that the rule names: code of its own. */
export interface ForeignCall {
  readonly kind: "foreign";
  readonly code: Foreign;
}

export type LineageRelation = "descendant" | "child" | "event";

/** A condition of the endgame dialect; it holds when its value counts as true. */
export interface Dynamic {
  readonly kind: "dynamic";
  readonly value: BoundValue;
}

/** A value of the endgame dialect as the binder leaves it: its lineage queries have no flags yet. */
export type BoundValue = DynamicValue<Lineage>;

/** The typed node of one kind. */
export type TypedOf<Kind extends Typed["kind"]> = Extract<Typed, { readonly kind: Kind }>;

/** Whether the value depends on an event. */
export function readsEvents(typed: Typed): boolean {
  switch (typed.kind) {
    case "field":
    case "search":
    case "lineage":
    case "dynamic":
    case "foreign":
      return true;
    default:
      return operandsOf(typed).some(readsEvents);
  }
}

/** A join key of a term, or a key of a pipe. */
export type TypedKey = Key<Lineage>;

export interface TypedTerm {
  readonly dialect: Dialect;
  readonly category: string | null;
  readonly condition: Typed;
  readonly keys: readonly TypedKey[];
  readonly missing: boolean;
  readonly fork: boolean;
  /** The term in the query. */
  readonly span: Span;
}

export type TypedPipe =
  | { readonly kind: "head" | "tail"; readonly count: number; readonly span: Span }
  | { readonly kind: "filter"; readonly condition: Typed; readonly span: Span }
  | {
      readonly kind: "unique" | "unique_count" | "sort" | "count";
      readonly keys: readonly TypedKey[];
      readonly span: Span;
    };

export type TypedBody =
  | { readonly kind: "event"; readonly term: TypedTerm }
  | {
      readonly kind: "sequence" | "join";
      /** With `runs` written out. */
      readonly terms: readonly TypedTerm[];
      readonly until: TypedTerm | null;
      readonly maxspanNs: bigint | null;
      /** Endgame's order: `until` before the stages. */
      readonly untilFirst: boolean;
    }
  | { readonly kind: "sample"; readonly terms: readonly TypedTerm[] };

export type TypedQuery = TypedBody & {
  /** The field that categories are compared with, where it is not the pack's. */
  readonly categoryField: string | null;
  readonly pipes: readonly TypedPipe[];
  /** Where the nodes of its conditions are written; what is not listed belongs to the node that it stands in. */
  readonly spans: ReadonlyMap<object, Span>;
};

/** A query as its dialect's binder leaves it: its categories are not yet tied to a field. */
export type BoundQuery = TypedBody & Omit<TypedQuery, "categoryField" | keyof TypedBody>;

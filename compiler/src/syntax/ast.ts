// The syntax tree of an EQL query, as written: no names are resolved and nothing is folded here.
// INVARIANT: every span is a half-open range of UTF-16 offsets into the query text it was parsed from.

import type { Dialect, Span } from "../rule/query-text.js";

export type { Dialect, Span };

export type Literal =
  | {
      readonly kind: "literal";
      readonly type: "string";
      readonly value: string;
      readonly raw: boolean;
      readonly span: Span;
    }
  | { readonly kind: "literal"; readonly type: "integer"; readonly value: bigint; readonly span: Span }
  | { readonly kind: "literal"; readonly type: "float"; readonly value: number; readonly span: Span }
  | { readonly kind: "literal"; readonly type: "boolean"; readonly value: boolean; readonly span: Span }
  | { readonly kind: "literal"; readonly type: "null"; readonly span: Span };

/**
 * A field reference. `path` holds the names and array indexes in order. In the elastic dialect a backtick-quoted part that
 * holds dots has been split at them; in the endgame dialect it stays one name. `$entry.status` has `variable: true` and the
 * path `["$entry", "status"]`.
 */
export interface FieldRef {
  readonly kind: "field";
  readonly path: readonly (string | number)[];
  readonly optional: boolean;
  readonly variable: boolean;
  readonly span: Span;
}

/** `name(args)`, `name~(args)` or, with `method`, `receiver:name(args)` (the receiver is then the first argument). */
export interface Call {
  readonly kind: "call";
  /** As written, without the `~`. */
  readonly name: string;
  readonly nameSpan: Span;
  readonly insensitive: boolean;
  readonly method: boolean;
  readonly args: readonly Expr[];
  readonly span: Span;
}

export interface Unary {
  readonly kind: "unary";
  readonly op: "not" | "-" | "+";
  readonly operand: Expr;
  readonly span: Span;
}

export type ComparisonOp = "==" | "!=" | "<" | "<=" | ">" | ">=";
export type ArithmeticOp = "+" | "-" | "*" | "/" | "%";

export interface Binary {
  readonly kind: "binary";
  readonly op: "and" | "or" | ComparisonOp | ArithmeticOp;
  readonly left: Expr;
  readonly right: Expr;
  readonly opSpan: Span;
  readonly span: Span;
}

export type MatchOp = ":" | "like" | "like~" | "regex" | "regex~" | "in" | "in~";

/** `subject op value`, `subject op (values)` or, for `in` and `in~`, `subject [not] op (values)`. */
export interface Match {
  readonly kind: "match";
  readonly op: MatchOp;
  /** Only ever true for `in` and `in~`. */
  readonly negated: boolean;
  readonly subject: Expr;
  readonly values: readonly Expr[];
  readonly opSpan: Span;
  readonly span: Span;
}

/** `descendant of [q]`, `child of [q]`, `event of [q]`. */
export interface Lineage {
  readonly kind: "lineage";
  readonly relation: "descendant" | "child" | "event";
  readonly query: EventQuery;
  readonly span: Span;
}

/**
 * Stands where a part of the text could not be understood, which has been reported. Nothing is known of its value or type;
 * `read` holds what was understood before the parser stumbled, so that it can still be checked.
 */
export interface Unread {
  readonly kind: "error";
  readonly read: readonly Expr[];
  readonly span: Span;
}

export type Expr = Literal | FieldRef | Call | Unary | Binary | Match | Lineage | Unread;

/** `category where condition`. */
export interface EventQuery {
  readonly kind: "event";
  /** null for `any`. */
  readonly category: string | null;
  readonly categorySpan: Span;
  readonly condition: Expr;
  readonly span: Span;
}

/** A bracketed term of a sequence, sample or join. */
export interface Term {
  readonly query: EventQuery;
  /** The term's own `by` keys, without the global ones. */
  readonly by: readonly Expr[];
  /** `![ … ]` */
  readonly missing: boolean;
  /** `with runs=N`; 1 where not written. */
  readonly runs: number;
  /** `fork=true`, endgame only. */
  readonly fork: boolean;
  /** `] as name` */
  readonly alias: { readonly name: string; readonly span: Span } | null;
  readonly span: Span;
}

export interface Sequence {
  readonly kind: "sequence";
  readonly by: readonly Expr[];
  readonly maxspan: { readonly milliseconds: number; readonly span: Span } | null;
  /** As written: a term with runs=3 stands here once. */
  readonly terms: readonly Term[];
  readonly until: Term | null;
  readonly span: Span;
}

export interface Sample {
  readonly kind: "sample";
  readonly by: readonly Expr[];
  readonly terms: readonly Term[];
  readonly span: Span;
}

export interface Join {
  readonly kind: "join";
  readonly by: readonly Expr[];
  readonly terms: readonly Term[];
  readonly until: Term | null;
  readonly span: Span;
}

export interface Pipe {
  readonly name: string;
  readonly nameSpan: Span;
  readonly args: readonly Expr[];
  readonly span: Span;
}

export type QueryBody = EventQuery | Sequence | Sample | Join;

export interface Query {
  readonly kind: "query";
  readonly dialect: Dialect;
  readonly body: QueryBody;
  readonly pipes: readonly Pipe[];
  /** Ranges of the text that were not understood, or not for certain: nothing more is said of what touches one. */
  readonly unread: readonly Span[];
  /** Every bracket has its partner. Otherwise names can be looked up, but what stands in what is not certain. */
  readonly paired: boolean;
  readonly span: Span;
}

// What the compiler knows of one function of EQL. The catalogue holds an entry for each; what an entry does not say (how the
// arguments become a typed node where that is special, and the code) stands in tables that the type system checks against it:
// `BUILDERS` in both binders' bind-call.ts, `EDITS` in syntax/foreign-calls.ts, and elastic-functions.ts and
// endgame-functions.ts of backend/wasm and backend/lua.

/** A constant: text, long, double or boolean. */
export type Literal = string | bigint | number | boolean;

/** What an argument may be in the elastic dialect; `whole` is a number that is no double. */
export type ElasticKind = "string" | "number" | "whole" | "boolean" | "any" | "array" | "variable" | "condition";

/** The same in endgame; `literal` is a string written out, `name` a bare name, `countable` what has a length. */
export type EndgameKind =
  | "string"
  | "number"
  | "boolean"
  | "array"
  | "countable"
  | "primitive"
  | "any"
  | "literal"
  | "name";

export type ElasticResult = "string" | "long" | "double" | "boolean";
export type EndgameResult = "string" | "number" | "boolean" | "unknown";

export type Operator = "+" | "-" | "*" | "/" | "%";

/** What is known of an argument without an event. */
export interface KnownArgument {
  readonly literal: Literal | undefined;
  /** The greatest length of a text, in UTF-16 units. */
  readonly longest: number | undefined;
}

/** A function as one dialect has it. */
export interface Form<Kind> {
  readonly required: readonly Kind[];
  readonly optional?: readonly Kind[];
  /** Of any further arguments. */
  readonly rest?: Kind;
  /**
   * The result is null when one of these is: all arguments, or the first so many. A null behind them has a meaning of
   * its own.
   */
  readonly strict: "all" | number;
  /**
   * What the binder makes of it: a call that is lowered, an operator, a search of an array, or what the binder's table of
   * builders says.
   */
  readonly becomes: "call" | "operator" | "search" | "own";
}

export interface ElasticForm extends Form<ElasticKind> {
  readonly result: ElasticResult;
  /** Takes a `~`. */
  readonly foldable?: true;
  /**
   * The value over constants, null included; `fold` says that a `~` was written. The arguments have their kinds.
   * SOUND: it is what the code that runs would find.
   */
  readonly evaluate?: (args: readonly Literal[], fold: boolean) => Literal | null;
  /** The least value of a number. */
  readonly least?: number;
  /** The greatest length of the text, in UTF-16 units; undefined where it has no known bound. */
  readonly longest?: (args: readonly KnownArgument[]) => number | undefined;
  /** Why no event can make it true; null where one can. */
  readonly never?: (args: readonly KnownArgument[]) => string | null;
}

export interface EndgameForm extends Form<EndgameKind> {
  readonly result: EndgameResult;
  /** Takes its two arguments in an older order as well, in which the pattern stood first. */
  readonly patternFirst?: true;
}

export interface FunctionEntry {
  /** One sentence. */
  readonly says: string;
  /** The anchor in docs/language.md; null for what cannot be written, because only the compiler puts it into the tree. */
  readonly anchor: string | null;
  readonly operator?: Operator;
  /** As the elastic dialect has it, where the name is written in any case; absent when the dialect lacks it. */
  readonly elastic?: ElasticForm;
  /** How endgame has it: its names are written exactly so. */
  readonly endgame?: EndgameForm;
  /** What to write in the dialect that does not have it. */
  readonly instead?: string;
}

/** A text argument, folded where that is asked. */
export function textOf(value: Literal | undefined, fold: (text: string) => string = (text) => text): string {
  if (typeof value !== "string") throw new Error("the binder let a call pass with an argument that is no text");
  return fold(value);
}

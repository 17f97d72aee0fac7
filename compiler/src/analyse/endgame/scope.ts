// Where an expression of the endgame dialect stands, what binding one gives, and how problems with it are reported.

import type { Span } from "../../syntax/ast.js";
import { type BindContext, report } from "../bind-context.js";
import type { BoundValue } from "../typed.js";

export type Kind = "unknown" | "boolean" | "number" | "string" | "null" | "array";

export interface Bound {
  readonly value: BoundValue;
  readonly type: Kind;
}

export interface Scope {
  readonly context: BindContext;
  /** Names that the searches around give their elements, outermost first. */
  readonly variables: readonly string[];
  /**
   * In a pipe behind several terms, what `events[i]` names: for each term its place among those that have events, null for
   * `![ ]`. Elsewhere null, and `events` is a field like any other.
   */
  readonly events: readonly (number | null)[] | null;
  readonly inPipe: boolean;
}

export function topScope(context: BindContext): Scope {
  return { context, variables: [], events: null, inPipe: false };
}

export const NULL: BoundValue = { kind: "constant", value: null };
export const FAILED: Bound = { value: NULL, type: "unknown" };

/** Reports a problem; the result stands in for what could not be bound. */
export function fail(scope: Scope, code: Parameters<typeof report>[1], span: Span, message: string, help?: string) {
  report(scope.context, code, span, message, help);
  return FAILED;
}

export function fits(a: Kind, b: Kind): boolean {
  return a === b || a === "unknown" || b === "unknown" || a === "null" || b === "null";
}

export function describeKind(kind: Kind): string {
  return kind === "null" || kind === "unknown" ? kind : kind === "array" ? "an array" : `a ${kind}`;
}

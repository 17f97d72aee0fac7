// What planning a condition carries along.

import type { LineageRelation, TypedTerm } from "../analyse/typed.js";
import type { AtomTable } from "../ir/atom-table.js";
import type { Circuit } from "../ir/circuit.js";
import type { Foreign } from "../ir/foreign.js";
import type { Origin } from "../ir/origins.js";
import type { Atom } from "../ir/pack-ir.js";
import type { Reading } from "../ir/reading.js";
import type { Span } from "../syntax/ast.js";

export interface CircuitContext {
  readonly atoms: AtomTable;
  /** The rule at hand, an index, and where the nodes of its conditions are written. */
  readonly rule: number;
  readonly spans: ReadonlyMap<object, Span>;
  /** What the rule's categories are compared with. */
  readonly category: Reading;
  /** The flag of a lineage query. */
  flagOf(relation: LineageRelation, query: TypedTerm): number;
  /** The number of foreign code in the pack. */
  foreignOf(code: Foreign): number;
}

/** The span of a node, or of what it stands in. */
export function spanOf(node: object, around: Span, { spans }: CircuitContext): Span {
  return spans.get(node) ?? around;
}

/** The circuit of one atom, asked at a span. */
export function ask(atom: Atom, { start, end }: Span, { atoms, rule }: CircuitContext): Circuit {
  const origin: Origin = { rule, start, end };
  return { kind: "atom", atom: atoms.intern(atom, [origin]) };
}

// Typed queries of all rules -> pack IR: one table of atoms, one of predicates, one of sequence programs.

import type { Field } from "@kestrel/stdlib/schema/types";
import type { SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import type { TypedQuery, TypedTerm } from "../analyse/typed.js";
import { passes } from "../passes/passes.js";
import { canonicalText, createInterner } from "./intern.js";
import type { Atom, AtomId, Circuit, PackIr, Predicate, PredicateId } from "./ir.js";
import { typedToCircuit } from "./typed-to-circuit.js";

/** Plans the pack; `queries[i]` belongs to rule i. `category` is the field that `process where` tests. */
export function planPack(queries: readonly TypedQuery[], category: Field): PackIr {
  const atoms = createInterner<Atom, AtomId>(canonicalText);
  const predicates = createInterner<Predicate, PredicateId>((predicate) =>
    canonicalText([predicate.circuit, predicate.keys.map((key) => [key.field?.name ?? null, key.optional])]),
  );
  const eventRules: number[][] = [];
  const sequences: SequenceProgram[] = [];

  const predicateOf = (term: TypedTerm): PredicateId => {
    let circuit = typedToCircuit(term.condition, atoms);
    if (term.category !== null) {
      const wanted: Circuit = {
        kind: "atom",
        atom: atoms.intern({ kind: "set", field: category, fold: false, texts: [term.category] }),
      };
      circuit = { kind: "and", operands: [wanted, circuit] };
    }
    for (const pass of passes) circuit = pass(circuit, atoms);
    const id = predicates.intern({ circuit, keys: term.keys });
    eventRules[id] ??= [];
    return id;
  };

  for (const [rule, query] of queries.entries()) {
    if (query.kind === "event") {
      eventRules[predicateOf(query.term)]?.push(rule);
      continue;
    }
    const stages = query.terms.map((term) => ({ predicate: predicateOf(term), missing: term.missing }));
    const until = query.kind === "sequence" && query.until !== null ? predicateOf(query.until) : null;
    const maxspanNs = query.kind === "sequence" ? query.maxspanNs : null;
    sequences.push({ rule, kind: query.kind, maxspanNs, stages, until });
  }
  return { atoms: atoms.items, predicates: predicates.items, eventRules, sequences };
}

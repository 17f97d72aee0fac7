// Typed queries of all rules -> pack IR: one table of atoms, one of predicates, one of programs, and the process trees.
//
// What a term asks of the event alone is decided when the event comes: its *early* predicate. A term that also asks about
// events of earlier stages, or about the event's process, has a *late* test besides, made when the order is certain; its
// early predicate then holds wherever the late one can.

import type { Field } from "@kestrel/stdlib/schema/types";
import type { LateTest, PipeProgram, SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import { rawFieldsOf } from "../analyse/endgame/dynamic.js";
import type { JoinKey, TypedPipe, TypedQuery, TypedTerm } from "../analyse/typed.js";
import { fieldKey } from "../analyse/typed.js";
import { freeRoots, isLate } from "../ir/atom-fields.js";
import { canonicalText, createInterner } from "../ir/intern.js";
import {
  type Atom,
  type AtomId,
  atomsOf,
  type Circuit,
  FALSE,
  type PackIr,
  type Predicate,
  type PredicateId,
  TRUE,
} from "../ir/pack-ir.js";
import { createLineagePlan } from "./plan-lineage.js";
import { type CircuitContext, simplify, typedToCircuit } from "./typed-to-circuit.js";

/** The fields that say what category an event has, by dialect. */
export interface CategoryFields {
  readonly elastic: Field;
  readonly endgame: Field;
}

export interface PlanOptions {
  readonly categories: CategoryFields;
  /** Leaves out the pipes that need an end of the matches, and what follows them; otherwise all are planned. */
  readonly stream: boolean;
}

export interface PlannedTerm {
  /** What the term asks, all of it. */
  readonly circuit: Circuit;
  /** What of it is decided by the event alone, or more. */
  readonly early: Circuit;
  readonly predicate: PredicateId;
  readonly late: LateTest | null;
}

/** Plans the pack; `queries[i]` belongs to rule i. */
export function planPack(queries: readonly TypedQuery[], options: PlanOptions): PackIr {
  const atoms = createInterner<Atom, AtomId>(canonicalText);
  const predicates = createInterner<Predicate, PredicateId>((predicate) =>
    canonicalText([predicate.circuit, predicate.keys.map(keyText), predicate.late]),
  );
  const eventRules: number[][] = [];
  const programs: SequenceProgram[] = [];

  const addPredicate = (circuit: Circuit, keys: readonly JoinKey[], late: boolean): PredicateId => {
    const id = predicates.intern({ circuit, keys, late });
    eventRules[id] ??= [];
    return id;
  };
  const addLate = (circuit: Circuit, keys: readonly JoinKey[]): LateTest => ({
    predicate: addPredicate(circuit, keys, true),
    stages: stagesOf(circuit, keys, atoms.items),
  });
  const planTerm = (term: TypedTerm): PlannedTerm => {
    let asked = typedToCircuit(term.condition, context);
    if (term.category !== null) {
      const field = options.categories[term.dialect];
      const wanted = atoms.intern({ kind: "set", field, fold: false, texts: [term.category] });
      asked = { kind: "and", operands: [{ kind: "atom", atom: wanted }, asked] };
    }
    const circuit = simplify(asked, atoms);
    if (!atomsOf(circuit).some((id) => isLateAtom(id))) {
      return { circuit, early: circuit, predicate: addPredicate(circuit, term.keys, false), late: null };
    }
    const early = simplify(relax(circuit, true), atoms);
    if (asksLineage(circuit)) lineage.addUser(term.dialect, early);
    return { circuit, early, predicate: addPredicate(early, term.keys, false), late: addLate(circuit, []) };
  };
  const isLateAtom = (id: AtomId): boolean => {
    const atom = atoms.items[id];
    return atom !== undefined && isLate(atom, atoms.items);
  };
  const asksLineage = (circuit: Circuit): boolean =>
    atomsOf(circuit).some((id) => {
      const atom = atoms.items[id];
      return atom !== undefined && freeRoots(atom, atoms.items).includes("lineage");
    });
  /** The circuit without what is late, holding at least (`up`) or at most where the circuit does. */
  const relax = (circuit: Circuit, up: boolean): Circuit => {
    switch (circuit.kind) {
      case "constant":
        return circuit;
      case "atom":
        return isLateAtom(circuit.atom) ? (up ? TRUE : FALSE) : circuit;
      case "not":
        return { kind: "not", operand: relax(circuit.operand, !up) };
      default:
        return { kind: circuit.kind, operands: circuit.operands.map((operand) => relax(operand, up)) };
    }
  };
  const lineage = createLineagePlan(planTerm, addPredicate, atoms, options.categories);
  const context: CircuitContext = { atoms, flagOf: lineage.flagOf };

  const planPipe = (pipe: TypedPipe): PipeProgram => {
    switch (pipe.kind) {
      case "head":
      case "tail":
        return pipe;
      case "filter":
        return { kind: "filter", test: addLate(simplify(typedToCircuit(pipe.condition, context), atoms), []) };
      default:
        return { kind: pipe.kind, keys: addLate(TRUE, pipe.keys) };
    }
  };

  for (const [rule, query] of queries.entries()) {
    const wanted = options.stream ? query.pipes.slice(0, streamPipes(query.pipes)) : query.pipes;
    const terms = query.kind === "event" ? [query.term] : query.terms;
    const planned = terms.map((term) => ({ term, ...planTerm(term) }));
    const pipes = wanted.map(planPipe);
    const [first] = planned;
    if (query.kind === "event" && first !== undefined && first.late === null && pipes.length === 0) {
      eventRules[first.predicate]?.push(rule);
      continue;
    }
    const joins = query.kind === "sequence" || query.kind === "join";
    const until = joins && query.until !== null ? planTerm(query.until) : null;
    programs.push({
      rule,
      kind: query.kind,
      maxspanNs: joins ? query.maxspanNs : null,
      stages: planned.map(({ term, predicate, late }) => ({
        predicate,
        missing: term.missing,
        fork: term.fork,
        late,
      })),
      until: until === null ? null : { predicate: until.predicate, late: until.late },
      untilFirst: joins && query.untilFirst,
      pipes,
    });
  }
  return {
    atoms: atoms.items,
    predicates: predicates.items,
    lineage: lineage.finish(),
    // After the lineage programs, whose predicates decide no rule.
    eventRules: predicates.items.map((_, id) => eventRules[id] ?? []),
    programs,
  };
}

/** How many pipes, from the first, work on matches one by one. */
export function streamPipes(pipes: readonly { readonly kind: string }[]): number {
  const end = pipes.findIndex(({ kind }) => kind === "tail" || kind === "sort" || kind === "count");
  return end < 0 ? pipes.length : end;
}

function keyText({ field, optional, computed }: JoinKey): unknown {
  return [field === null ? null : fieldKey(field), optional, computed ?? null];
}

/** The stages whose events a late test reads. */
function stagesOf(circuit: Circuit, keys: readonly JoinKey[], atoms: readonly Atom[]): readonly number[] {
  const roots = new Set<string>();
  for (const id of atomsOf(circuit)) {
    const atom = atoms[id];
    if (atom !== undefined) for (const root of freeRoots(atom, atoms)) roots.add(root);
  }
  for (const root of keys.flatMap(rootsOfKey)) roots.add(root);
  return [...roots]
    .filter((root) => root.startsWith("@"))
    .map((root) => Number(root.slice(1)))
    .sort((a, b) => a - b);
}

function rootsOfKey({ field, computed }: JoinKey): readonly string[] {
  const fields = computed === undefined ? [field] : rawFieldsOf(computed.value.value);
  return fields.flatMap((one) => one?.root ?? []);
}

// Typed queries of all rules -> pack IR: one table of atoms, the predicates of every term, one list of programs, and the
// process trees. Nothing is simplified or shared here: that is what the passes are for.
//
// What a term asks of the event alone is decided when the event comes: its *early* predicate. A term that also asks about
// events of earlier stages, or about the event's process, has a *late* test besides, made when the order is certain; its
// early predicate then holds wherever the late one can.

import type { FlaggedTest, LateTest, PipeProgram, SequenceProgram } from "@kestrel/stdlib/sequence-tables";
import type { TypedKey, TypedPipe, TypedQuery, TypedTerm } from "../analyse/typed.js";
import { isLate, needsOf, readingsOfKey } from "../ir/atom-readings.js";
import { type AtomTable, createAtomTable } from "../ir/atom-table.js";
import { atomsOf, type Circuit, conjunction, FALSE, junction, mapAtoms, negation, TRUE } from "../ir/circuit.js";
import type { Foreign } from "../ir/foreign.js";
import type { PredicateId } from "../ir/ids.js";
import { canonicalText } from "../ir/intern.js";
import { neededReadings } from "../ir/needed-readings.js";
import { type Origin, settleOrigins } from "../ir/origins.js";
import type { Key, PackIr, Predicate } from "../ir/pack-ir.js";
import type { Reading } from "../ir/reading.js";
import type { Dialect } from "../syntax/ast.js";
import { ask, type CircuitContext } from "./circuit-context.js";
import { dynamicValueOf } from "./dynamic-to-circuit.js";
import { createLineagePlan, type LineagePlan } from "./plan-lineage.js";
import { typedToCircuit } from "./typed-to-circuit.js";

/** The readings that say what category an event has, by dialect. */
export interface CategoryReadings {
  readonly elastic: Reading;
  readonly endgame: Reading;
}

export interface PlanOptions {
  readonly categories: CategoryReadings;
  /** What the categories of a rule are compared with that names a field of its own. */
  categoryIn(field: string, dialect: Dialect): Reading;
  /**
   * Leaves out the pipes that need the last match (`tail`, `sort`, `count`), which a stream does not have, and what
   * follows.
   */
  readonly stream: boolean;
}

/** What planning has made so far. */
interface Draft {
  readonly atoms: AtomTable;
  readonly predicates: Predicate[];
  readonly origins: (readonly Origin[])[];
  readonly eventRules: number[][];
  readonly programs: SequenceProgram[];
  readonly lineage: LineagePlan;
  readonly foreigns: Foreign[];
  readonly options: PlanOptions;
}

interface PlannedTerm {
  readonly predicate: PredicateId;
  readonly late: LateTest | null;
}

/** Plans the pack; `queries[i]` belongs to rule i. */
export function planPack(queries: readonly TypedQuery[], options: PlanOptions): PackIr {
  const atoms = createAtomTable();
  const draft: Draft = {
    atoms,
    predicates: [],
    origins: [],
    eventRules: [],
    programs: [],
    lineage: createLineagePlan(atoms, options.categories),
    foreigns: [],
    options,
  };
  for (const [rule, query] of queries.entries()) planRule(rule, query, draft);
  const lineage = draft.lineage.finish((circuit, keys, origins) => addPredicate(circuit, keys, false, origins, draft));
  const { predicates, eventRules, programs, origins, foreigns } = draft;
  return {
    atoms: atoms.items,
    predicates,
    eventRules,
    programs,
    lineage,
    foreigns,
    origins: { atoms: settleOrigins(atoms.origins), predicates: settleOrigins(origins) },
    index: null,
  };
}

function planRule(rule: number, query: TypedQuery, draft: Draft): void {
  const category = categoryOf(query, draft.options);
  const context: CircuitContext = {
    atoms: draft.atoms,
    rule,
    spans: query.spans,
    category,
    flagOf: (relation, asked) => draft.lineage.flagOf(relation, asked, category, () => planTerm(asked, context, draft)),
    foreignOf: (code) => numberOf(code, draft.foreigns),
  };
  const wanted = draft.options.stream ? query.pipes.slice(0, streamPipes(query.pipes)) : query.pipes;
  const terms = query.kind === "event" ? [query.term] : query.terms;
  const planned = terms.map((term) => ({ term, ...planTerm(term, context, draft) }));
  const pipes = wanted.map((pipe) => planPipe(pipe, context, draft));
  const [first] = planned;
  if (query.kind === "event" && first !== undefined && first.late === null && pipes.length === 0) {
    draft.eventRules[first.predicate]?.push(rule);
    return;
  }
  const joins = query.kind === "sequence" || query.kind === "join";
  const until = joins && query.until !== null ? planTerm(query.until, context, draft) : null;
  draft.programs.push({
    rule,
    kind: query.kind,
    maxspanNs: joins ? query.maxspanNs : null,
    stages: planned.map(({ term, predicate, late }) => ({ predicate, missing: term.missing, fork: term.fork, late })),
    until: until === null ? null : { predicate: until.predicate, late: until.late },
    untilFirst: joins && query.untilFirst,
    pipes,
  });
}

/** The place of `code` in the list, where it is put when it is not there. */
function numberOf(code: Foreign, foreigns: Foreign[]): number {
  const known = foreigns.indexOf(code);
  return known >= 0 ? known : foreigns.push(code) - 1;
}

function categoryOf(query: TypedQuery, { categories, categoryIn }: PlanOptions): Reading {
  const dialect = (query.kind === "event" ? query.term : query.terms[0])?.dialect ?? "elastic";
  return query.categoryField === null ? categories[dialect] : categoryIn(query.categoryField, dialect);
}

/** Plans a term; `early` holds for every event for which the term can hold, whatever the other events are. */
function planTerm(term: TypedTerm, context: CircuitContext, draft: Draft): PlannedTerm & { readonly early: Circuit } {
  const origins = [{ rule: context.rule, start: term.span.start, end: term.span.end }];
  const keys = term.keys.map((key) => planKey(key, context));
  const circuit = circuitOf(term, context);
  if (!asksLate(circuit, draft.atoms)) {
    return { early: circuit, predicate: addPredicate(circuit, keys, false, origins, draft), late: null };
  }
  const early = relax(circuit, true, draft.atoms, origins);
  if (asksLineage(circuit, draft.atoms)) draft.lineage.addUser(term.dialect, early, origins);
  const predicate = addPredicate(early, keys, false, origins, draft);
  const late = addLate(circuit, [], origins, draft);
  const flagged = flaggedOf(circuit, early, origins, draft);
  return { early, predicate, late: flagged === null ? late : { ...late, flagged } };
}

/** Where no flag is set the test holds at most where its circuit does with the flags taken as false; null where that says no more than `early`. */
function flaggedOf(circuit: Circuit, early: Circuit, origins: readonly Origin[], draft: Draft): FlaggedTest | null {
  const { items } = draft.atoms;
  const flags = new Set<number>();
  const unset = mapAtoms(circuit, (id): Circuit => {
    const atom = items[id];
    if (atom?.kind !== "lineage") return { kind: "atom", atom: id };
    flags.add(atom.flag);
    return FALSE;
  });
  // Some are asked inside a search or an expression, where nothing can be said of them.
  if (flags.size === 0 || asksLineage(unset, draft.atoms)) return null;
  const otherwise = relax(unset, true, draft.atoms, origins);
  if (canonicalText(otherwise) === canonicalText(early)) return null;
  const isNever = otherwise.kind === "constant" && !otherwise.value;
  return {
    flags: [...flags].sort((a, b) => a - b),
    otherwise: isNever ? null : addPredicate(otherwise, [], false, origins, draft),
  };
}

function circuitOf(term: TypedTerm, context: CircuitContext): Circuit {
  const condition = typedToCircuit(term.condition, term.span, context);
  if (term.category === null) return condition;
  const reading = context.category;
  const wanted = ask({ kind: "set", reading, fold: false, texts: [term.category] }, term.span, context);
  return conjunction([wanted, condition]);
}

function asksLate(circuit: Circuit, atoms: AtomTable): boolean {
  return atomsOf(circuit).some((id) => isLateAtom(id, atoms));
}

function isLateAtom(id: number, { items }: AtomTable): boolean {
  const atom = items[id];
  return atom !== undefined && isLate(atom, items);
}

function asksLineage(circuit: Circuit, { items }: AtomTable): boolean {
  return atomsOf(circuit).some((id) => {
    const atom = items[id];
    return atom !== undefined && needsOf(atom, items).lineage;
  });
}

/**
 * The circuit with its late atoms taken as true (`up`) or false, so that it holds at least, or at most, where it did. Taken as true an atom
 * still asks for what it is false without.
 */
function relax(circuit: Circuit, up: boolean, atoms: AtomTable, origins: readonly Origin[]): Circuit {
  switch (circuit.kind) {
    case "constant":
      return circuit;
    case "atom": {
      const atom = atoms.items[circuit.atom];
      if (atom === undefined || !isLate(atom, atoms.items)) return circuit;
      if (!up) return FALSE;
      const needed = neededReadings(atom, atoms.items);
      return conjunction(
        needed.map((reading) => ({ kind: "atom", atom: atoms.intern({ kind: "exists", reading }, origins) })),
      );
    }
    case "not":
      return negation(relax(circuit.operand, !up, atoms, origins));
    default:
      return junction(
        circuit.kind,
        circuit.operands.map((operand) => relax(operand, up, atoms, origins)),
      );
  }
}

function addPredicate(
  circuit: Circuit,
  keys: readonly Key[],
  late: boolean,
  origins: readonly Origin[],
  draft: Draft,
): PredicateId {
  draft.eventRules.push([]);
  draft.origins.push(origins);
  return (draft.predicates.push({ circuit, keys, late }) - 1) as PredicateId;
}

function addLate(circuit: Circuit, keys: readonly Key[], origins: readonly Origin[], draft: Draft): LateTest {
  return { predicate: addPredicate(circuit, keys, true, origins, draft), stages: stagesOf(circuit, keys, draft.atoms) };
}

/** The stages whose events a late test reads. */
function stagesOf(circuit: Circuit, keys: readonly Key[], { items }: AtomTable): readonly number[] {
  const stages = new Set<number>();
  for (const id of atomsOf(circuit)) {
    const atom = items[id];
    if (atom !== undefined) for (const stage of needsOf(atom, items).stages) stages.add(stage);
  }
  for (const { root } of keys.flatMap(readingsOfKey)) if (root.kind === "stage") stages.add(root.stage);
  return [...stages].sort((a, b) => a - b);
}

function planKey({ name, value, optional }: TypedKey, context: CircuitContext): Key {
  if (value.kind !== "dynamic") return { name, value, optional };
  return { name, value: { ...value, value: dynamicValueOf(value.value, context) }, optional };
}

function planPipe(pipe: TypedPipe, context: CircuitContext, draft: Draft): PipeProgram {
  const origins = [{ rule: context.rule, start: pipe.span.start, end: pipe.span.end }];
  switch (pipe.kind) {
    case "head":
    case "tail":
      return { kind: pipe.kind, count: pipe.count };
    case "filter": {
      const circuit = typedToCircuit(pipe.condition, pipe.span, context);
      return { kind: "filter", test: addLate(circuit, [], origins, draft) };
    }
    default: {
      const keys = pipe.keys.map((key) => planKey(key, context));
      return { kind: pipe.kind, keys: addLate(TRUE, keys, origins, draft) };
    }
  }
}

/** How many pipes, from the first, work on matches one by one. */
export function streamPipes(pipes: readonly { readonly kind: string }[]): number {
  const end = pipes.findIndex(({ kind }) => kind === "tail" || kind === "sort" || kind === "count");
  return end < 0 ? pipes.length : end;
}

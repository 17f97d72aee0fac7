// Where the state of the event at hand lives: a slot for each field that the pack reads, and derived records.
// Everything here is known from the plan, before any code is generated. Layouts: stdlib/src/abi.ts.

import { PACK_DATA_BASE, RECORD_BYTES, SLOT_BYTES } from "@kestrel/stdlib/abi";
import type { Field } from "@kestrel/stdlib/schema/types";
import { fieldsOf } from "../analyse/typed.js";
import { type Atom, type AtomId, atomsOf, type PackIr } from "../plan/ir.js";
import { align } from "./data-section.js";

export interface EventFields {
  readonly timestamp: Field;
  readonly tiebreaker: Field | null;
}

/** A field whose set atoms compare raw or folded texts. */
export interface SymbolGroup {
  readonly field: Field;
  readonly fold: boolean;
  /** All literals of the group, sorted. */
  readonly texts: readonly string[];
  readonly record: number;
}

export interface StateLayout {
  /** Sorted by name. */
  readonly fields: readonly Field[];
  readonly slotsBase: number;
  readonly slotsEnd: number;
  slotOf(field: Field): number;
  /** A slot that never has a value, for keys that are not in the schema. */
  readonly emptySlot: number;
  foldedRecordOf(field: Field): number;
  readonly groups: ReadonlyMap<string, SymbolGroup>;
  /** Memo word of an atom that more than one predicate asks, null for the others. */
  memoOf(atom: AtomId): number | null;
  readonly stampsBase: number;
  readonly stampsEnd: number;
  readonly predicateStamps: number;
  readonly end: number;
}

export function groupKey(field: Field, fold: boolean): string {
  return `${field.name} ${fold ? "folded" : "raw"}`;
}

export function layOutState(pack: PackIr, events: EventFields): StateLayout {
  const uses = new Map<AtomId, number>();
  const fields = new Map<string, Field>([[events.timestamp.name, events.timestamp]]);
  if (events.tiebreaker !== null) fields.set(events.tiebreaker.name, events.tiebreaker);
  for (const predicate of pack.predicates) {
    for (const key of predicate.keys) if (key.field !== null) fields.set(key.field.name, key.field);
    for (const id of atomsOf(predicate.circuit)) uses.set(id, (uses.get(id) ?? 0) + 1);
  }
  const used = [...uses.keys()].flatMap((id) => pack.atoms[id] ?? []);
  for (const atom of used) for (const field of fieldsOfAtom(atom)) fields.set(field.name, field);

  const sorted = [...fields.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const slots = new Map<string, number>();
  let next = PACK_DATA_BASE;
  const take = (bytes: number): number => {
    const address = next;
    next = align(next + bytes);
    return address;
  };
  const slotsBase = next;
  for (const field of sorted) slots.set(field.name, take(SLOT_BYTES));
  const slotsEnd = next;
  const emptySlot = take(SLOT_BYTES);

  const stampsBase = next;
  const folded = new Map<string, number>();
  const texts = new Map<string, { field: Field; fold: boolean; texts: Set<string> }>();
  for (const atom of used) {
    const fold = atom.kind === "set" ? atom.fold : atom.kind === "pattern" && atom.patterns.fold;
    if (fold && (atom.kind === "set" || atom.kind === "pattern") && !folded.has(atom.field.name)) {
      folded.set(atom.field.name, take(RECORD_BYTES));
    }
    if (atom.kind !== "set") continue;
    const key = groupKey(atom.field, atom.fold);
    const group = texts.get(key) ?? { field: atom.field, fold: atom.fold, texts: new Set() };
    for (const text of atom.texts) group.texts.add(text);
    texts.set(key, group);
  }
  const groups = new Map<string, SymbolGroup>();
  for (const [key, group] of texts) {
    groups.set(key, { ...group, texts: [...group.texts].sort(), record: take(RECORD_BYTES) });
  }
  const memos = new Map<AtomId, number>();
  for (const [id, count] of uses) {
    const atom = pack.atoms[id];
    if (count > 1 && atom !== undefined && isDear(atom)) memos.set(id, take(4));
  }
  const predicateStamps = take(pack.predicates.length * 4);
  const stampsEnd = next;

  const found = (address: number | undefined, what: string): number => {
    if (address === undefined) throw new Error(`no ${what} was laid out`);
    return address;
  };
  return {
    fields: sorted,
    slotsBase,
    slotsEnd,
    emptySlot,
    groups,
    stampsBase,
    stampsEnd,
    predicateStamps,
    end: next,
    slotOf: (field) => found(slots.get(field.name), `slot for ${field.name}`),
    foldedRecordOf: (field) => found(folded.get(field.name), `folded record for ${field.name}`),
    memoOf: (atom) => memos.get(atom) ?? null,
  };
}

/** Worth a memo word: costs more than reading one back. */
function isDear(atom: Atom): boolean {
  return atom.kind === "pattern" || atom.kind === "in-ranges" || atom.kind === "computed";
}

export function fieldsOfAtom(atom: Atom): readonly Field[] {
  return atom.kind === "computed" ? fieldsOf(atom.typed) : [atom.field];
}

// Where the state of the event at hand lives: a slot for each field that the pack reads, and derived records.
// Everything here is known from the plan, before any code is generated. Layouts: stdlib/src/abi.ts.

import { MEMO_BYTES, PACK_DATA_BASE, RECORD_BYTES, SLOT_BYTES, STAMP_BYTES } from "@kestrel/stdlib/abi";
import type { Field } from "@kestrel/stdlib/schema/types";
import { rawFieldsOf } from "../analyse/endgame/dynamic.js";
import { fieldKey } from "../analyse/typed.js";
import { fieldsOfAtom, readsElement, testsOf } from "../plan/atom-fields.js";
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
  /** Of the event at hand, of stages' events and of elements; sorted by root, then by name. */
  readonly fields: readonly Field[];
  /** Slots of the event at hand. */
  readonly slotsBase: number;
  readonly slotsEnd: number;
  /** Slots of the events of earlier stages. */
  readonly stageSlots: SlotRange;
  /** Slots of the elements of arrays, by root. */
  readonly elementSlots: ReadonlyMap<string, SlotRange>;
  /** One byte for each lineage query. */
  readonly lineageFlags: number;
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

export interface SlotRange {
  readonly base: number;
  readonly end: number;
}

export function groupKey(field: Field, fold: boolean): string {
  return `${fieldKey(field)} ${fold ? "folded" : "raw"}`;
}

export function layOutState(pack: PackIr, events: EventFields): StateLayout {
  const uses = new Map<AtomId, number>();
  const fields = new Map<string, Field>();
  const addField = (field: Field): void => {
    fields.set(fieldKey(field), field);
  };
  addField(events.timestamp);
  if (events.tiebreaker !== null) addField(events.tiebreaker);
  for (const predicate of pack.predicates) {
    for (const key of predicate.keys) {
      if (key.field !== null) addField(key.field);
      if (key.computed !== undefined) for (const field of rawFieldsOf(key.computed.value.value)) addField(field);
    }
    for (const id of atomsOf(predicate.circuit)) uses.set(id, (uses.get(id) ?? 0) + 1);
  }
  // Atoms inside others are used as often as those are.
  for (const [id, count] of uses) {
    const atom = pack.atoms[id];
    const inside =
      atom?.kind === "search" ? atomsOf(atom.circuit) : atom?.kind === "computed" ? testsOf(atom.typed) : [];
    for (const inner of inside) uses.set(inner, (uses.get(inner) ?? 0) + count);
  }
  const used = [...uses.keys()].flatMap((id) => pack.atoms[id] ?? []);
  for (const atom of used) for (const field of fieldsOfAtom(atom)) addField(field);

  const sorted = [...fields.values()].sort(compareFields);
  const slots = new Map<string, number>();
  let next = PACK_DATA_BASE;
  const take = (bytes: number): number => {
    const address = next;
    next = align(next + bytes);
    return address;
  };
  const addSlots = (wanted: (root: string) => boolean): SlotRange => {
    const base = next;
    for (const field of sorted) if (wanted(field.root ?? "")) slots.set(fieldKey(field), take(SLOT_BYTES));
    return { base, end: next };
  };
  const { base: slotsBase, end: slotsEnd } = addSlots((root) => root === "");
  const stageSlots = addSlots((root) => root.startsWith("@"));
  const elementRoots = new Set(sorted.flatMap(({ root }) => (root?.startsWith("$") ? [root] : [])));
  for (const atom of used) if (atom.kind === "search") elementRoots.add(`$${atom.depth}`);
  const elementSlots = new Map([...elementRoots].map((root) => [root, addSlots((other) => other === root)]));
  const lineageFlags = take(Math.max(1, ...pack.lineage.flatMap(({ queries }) => queries.map(({ flag }) => flag + 1))));
  const emptySlot = take(SLOT_BYTES);

  const stampsBase = next;
  const folded = new Map<string, number>();
  const texts = new Map<string, { field: Field; fold: boolean; texts: Set<string> }>();
  for (const atom of used) {
    const fold = atom.kind === "set" ? atom.fold : atom.kind === "pattern" && atom.patterns.fold;
    if (fold && (atom.kind === "set" || atom.kind === "pattern") && !folded.has(fieldKey(atom.field))) {
      folded.set(fieldKey(atom.field), take(RECORD_BYTES));
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
    if (count > 1 && atom !== undefined && isDear(atom) && !readsElement(atom, pack.atoms))
      memos.set(id, take(MEMO_BYTES));
  }
  const predicateStamps = take(pack.predicates.length * STAMP_BYTES);
  const stampsEnd = next;

  const found = (address: number | undefined, what: string): number => {
    if (address === undefined) throw new Error(`no ${what} was laid out`);
    return address;
  };
  return {
    fields: sorted,
    slotsBase,
    slotsEnd,
    stageSlots,
    elementSlots,
    lineageFlags,
    emptySlot,
    groups,
    stampsBase,
    stampsEnd,
    predicateStamps,
    end: next,
    slotOf: (field) => found(slots.get(fieldKey(field)), `slot for ${field.name}`),
    foldedRecordOf: (field) => found(folded.get(fieldKey(field)), `folded record for ${field.name}`),
    memoOf: (atom) => memos.get(atom) ?? null,
  };
}

/** Worth a memo word: costs more than reading one back. */
function isDear(atom: Atom): boolean {
  return atom.kind === "pattern" || atom.kind === "in-ranges" || atom.kind === "search" || atom.kind === "computed";
}

function compareFields(a: Field, b: Field): number {
  for (const [x, y] of [
    [a.root ?? "", b.root ?? ""],
    [a.name, b.name],
    [a.type, b.type],
  ] as const) {
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

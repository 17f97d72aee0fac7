// Where the state of the event at hand lives: a slot for each field that the pack reads, and derived records.
// Everything here is known from the plan, before any code is generated. Layouts: stdlib/src/abi.ts.

import {
  FOLDED_BYTES,
  FOREIGN_REST_BYTES,
  FOUND_BYTES,
  LITERAL_RECORD_BYTES,
  MEMO_BYTES,
  PACK_DATA_BASE,
  SLOT_BYTES,
  STAMP_BYTES,
  SYMBOLS_BYTES,
} from "@kestrel/stdlib/abi";
import type { TimeUnit } from "@kestrel/stdlib/time-units";
import { innerAtoms, needsOf, readingsOfAtom, readingsOfKey } from "../../ir/atom-readings.js";
import { atomsOf } from "../../ir/circuit.js";
import type { Atom, AtomId, AtomOf, PackIr, WitnessIndex } from "../../ir/pack-ir.js";
import { compareReadings, type Reading, readingKey } from "../../ir/reading.js";
import { align } from "./data-section.js";

const ADDRESS_BYTES = 4;
/** Of a thousand events: of a predicate that so many wake, the result of an atom is kept even where nobody else asks it. Lower ones make modules larger and nothing faster (bench/README.md, "Packs"). */
const OFTEN = 50;

/** The readings of an event's time and of what orders events of equal time. */
export interface EventReadings {
  readonly timestamp: Reading;
  /** What a number in it counts. */
  readonly unit: TimeUnit;
  readonly tiebreaker: Reading | null;
}

/** A reading, compared raw or folded, with all the texts that set atoms look for in it. */
export interface SymbolGroup {
  readonly reading: Reading;
  readonly fold: boolean;
  /** All literals of the group, sorted. */
  readonly texts: readonly string[];
  readonly record: number;
}

export interface StateLayout {
  /** Of the event at hand, of stages' events and of elements; in the order of compareReadings. */
  readonly readings: readonly Reading[];
  /** Slots of the event at hand. */
  readonly slotsBase: number;
  readonly slotsEnd: number;
  /** Room for the addresses of those that an event fills. */
  readonly filledBase: number;
  /** Slots of the events of earlier stages. */
  readonly stageSlots: SlotRange;
  /** Slots of the elements of arrays, by nesting depth. */
  readonly elementSlots: ReadonlyMap<number, SlotRange>;
  /** One byte for each lineage query. */
  readonly lineageFlags: number;
  /** A word for each foreign code: the events that it is left out of yet. */
  readonly foreignRests: number;
  slotOf(reading: Reading): number;
  /** A slot that never has a value, for keys that are not in the schema. */
  readonly emptySlot: number;
  foldedRecordOf(reading: Reading): number;
  readonly groups: ReadonlyMap<string, SymbolGroup>;
  /** Memo word of an atom whose result is kept: with the version of the slot that it reads, or for an event where several predicates ask it. */
  memoOf(atom: AtomId): number | null;
  /** Whether one predicate asks the atom, and no other atom does. */
  isAskedOnce(atom: AtomId): boolean;
  readonly stampsBase: number;
  readonly stampsEnd: number;
  readonly predicateStamps: number;
  /** Of the index's literals, in its order. */
  readonly literals: readonly LiteralState[];
  /** Room for the posting lists that an event finds. */
  readonly found: number;
  readonly end: number;
}

export interface LiteralState {
  /** What the values of the slot contain. */
  readonly record: number;
  /** A word for each literal. */
  readonly stamps: number;
}

export interface SlotRange {
  readonly base: number;
  readonly end: number;
}

export function groupKey(reading: Reading, fold: boolean): string {
  return `${readingKey(reading)} ${fold ? "folded" : "raw"}`;
}

export function layOutState(pack: PackIr, events: EventReadings): StateLayout {
  const uses = new Map<AtomId, number>();
  const readings = new Map<string, Reading>();
  const addReading = (reading: Reading): void => {
    readings.set(readingKey(reading), reading);
  };
  addReading(events.timestamp);
  if (events.tiebreaker !== null) addReading(events.tiebreaker);
  for (const predicate of pack.predicates) {
    for (const reading of predicate.keys.flatMap(readingsOfKey)) addReading(reading);
    for (const id of atomsOf(predicate.circuit)) uses.set(id, (uses.get(id) ?? 0) + 1);
  }
  // A predicate that asks an atom also asks the atoms inside it.
  for (const [id, count] of uses) {
    const atom = pack.atoms[id];
    if (atom === undefined) continue;
    for (const inner of innerAtoms(atom)) uses.set(inner, (uses.get(inner) ?? 0) + count);
  }
  for (const { readings: asked } of pack.foreigns) for (const reading of asked) addReading(reading);
  const used = [...uses.keys()].flatMap((id) => pack.atoms[id] ?? []);
  for (const atom of used) for (const reading of readingsOfAtom(atom)) addReading(reading);
  // Where the predicates are Lua no circuit asks for what the index looks up.
  const posted = pack.index === null ? [] : atomsOfIndex(pack.index);
  for (const atom of posted) for (const reading of readingsOfAtom(atom)) addReading(reading);

  const sorted = [...readings.values()].sort(compareReadings);
  const slots = new Map<string, number>();
  let next = PACK_DATA_BASE;
  const take = (bytes: number): number => {
    const address = next;
    next = align(next + bytes);
    return address;
  };
  const addSlots = (wanted: (root: Reading["root"]) => boolean): SlotRange => {
    const base = next;
    for (const reading of sorted) if (wanted(reading.root)) slots.set(readingKey(reading), take(SLOT_BYTES));
    return { base, end: next };
  };
  const { base: slotsBase, end: slotsEnd } = addSlots(({ kind }) => kind === "event");
  const filledBase = take(((slotsEnd - slotsBase) / SLOT_BYTES + 1) * ADDRESS_BYTES);
  const stageSlots = addSlots(({ kind }) => kind === "stage");
  const depths = new Set(sorted.flatMap(({ root }) => (root.kind === "element" ? [root.depth] : [])));
  for (const atom of used) if (atom.kind === "search") depths.add(atom.depth);
  const elementSlots = new Map(
    [...depths].map((depth) => [depth, addSlots((root) => root.kind === "element" && root.depth === depth)]),
  );
  const lineageFlags = take(Math.max(1, ...pack.lineage.flatMap(({ queries }) => queries.map(({ flag }) => flag + 1))));
  const foreignRests = take(pack.foreigns.length * FOREIGN_REST_BYTES);
  const emptySlot = take(SLOT_BYTES);

  const stampsBase = next;
  const folded = new Map<string, number>();
  const addFolded = (reading: Reading): void => {
    if (!folded.has(readingKey(reading))) folded.set(readingKey(reading), take(FOLDED_BYTES));
  };
  const texts = new Map<string, { reading: Reading; fold: boolean; texts: Set<string> }>();
  for (const atom of [...used, ...posted]) {
    const fold = atom.kind === "set" ? atom.fold : atom.kind === "pattern" && atom.patterns.fold;
    if (fold && (atom.kind === "set" || atom.kind === "pattern")) addFolded(atom.reading);
    if (atom.kind !== "set") continue;
    const key = groupKey(atom.reading, atom.fold);
    const group = texts.get(key) ?? { reading: atom.reading, fold: atom.fold, texts: new Set() };
    for (const text of atom.texts) group.texts.add(text);
    texts.set(key, group);
  }
  const groups = new Map<string, SymbolGroup>();
  for (const [key, group] of texts) {
    groups.set(key, { ...group, texts: [...group.texts].sort(), record: take(SYMBOLS_BYTES) });
  }
  const literals = (pack.index?.literals ?? []).map(({ reading, fold, byText }): LiteralState => {
    if (fold) addFolded(reading);
    return { record: take(LITERAL_RECORD_BYTES), stamps: take(byText.size * STAMP_BYTES) };
  });
  const often = askedOften(pack);
  const memos = new Map<AtomId, number>();
  for (const [id, count] of uses) {
    const atom = pack.atoms[id];
    if (atom === undefined || needsOf(atom, pack.atoms).elements.size > 0) continue;
    if ((count > 1 && isDear(atom)) || (often.has(id) && isOfOneReading(atom))) memos.set(id, take(MEMO_BYTES));
  }
  const predicateStamps = take(pack.predicates.length * STAMP_BYTES);
  const stampsEnd = next;
  const found = take(groups.size * FOUND_BYTES);

  const known = (address: number | undefined, what: string): number => {
    if (address === undefined) throw new Error(`no ${what} was laid out`);
    return address;
  };
  return {
    readings: sorted,
    slotsBase,
    slotsEnd,
    filledBase,
    stageSlots,
    elementSlots,
    lineageFlags,
    foreignRests,
    emptySlot,
    groups,
    stampsBase,
    stampsEnd,
    predicateStamps,
    literals,
    found,
    end: next,
    slotOf: (reading) => known(slots.get(readingKey(reading)), `slot for ${reading.name}`),
    foldedRecordOf: (reading) => known(folded.get(readingKey(reading)), `folded record for ${reading.name}`),
    memoOf: (atom) => memos.get(atom) ?? null,
    isAskedOnce: (atom) => uses.get(atom) === 1,
  };
}

/** Atoms that read what the index asks. */
function atomsOfIndex({ guards, sets, literals, presences }: WitnessIndex): readonly Atom[] {
  return [
    ...guards,
    ...sets.map(({ reading, fold, byText }): Atom => ({ kind: "set", reading, fold, texts: [...byText.keys()] })),
    ...[...presences, ...literals].map(({ reading }): Atom => ({ kind: "exists", reading })),
  ];
}

/** Atoms of the predicates that many events are expected to wake. */
function askedOften({ predicates, index }: PackIr): ReadonlySet<AtomId> {
  const isOften = (id: number): boolean => {
    const witness = index?.witnesses[id];
    return witness !== undefined && (witness === null || witness.cost >= OFTEN);
  };
  return new Set(predicates.flatMap(({ circuit, late }, id) => (isOften(id) && !late ? atomsOf(circuit) : [])));
}

/** Whether the atom says of one text what it will say of it again, and testing it costs more than reading its result back from a memo word. */
export function isOfOneReading(atom: Atom): atom is AtomOf<"pattern" | "in-ranges"> {
  return atom.kind === "pattern" || atom.kind === "in-ranges";
}

/** Whether testing the atom costs more than reading its result back from a memo word. */
function isDear(atom: Atom): boolean {
  return isOfOneReading(atom) || ["search", "computed", "dynamic", "foreign"].includes(atom.kind);
}

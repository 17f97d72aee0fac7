// Pack IR -> the package's Wasm module, on top of the prelude. What eqlc adds:
//
//   evaluate()              asks the index which predicates the event can match, and tries them: see evaluate.ts
//   call_predicate(p)       through a table of the predicate functions
//   predicate n             if the circuit holds: emit(n), emitKey(…) for each join key
//   atom n, symbol of …     see atoms-to-code.ts

import {
  ELEMENT_BYTES,
  ELEMENT_PATH_ENTRY,
  ELEMENT_SLOTS,
  ELEMENT_SLOTS_END,
  FOREIGN_TEXT_BYTES,
  GROUP_BYTES,
  GROUP_FACTS,
  GROUP_FOLDED,
  GROUP_LENGTHS,
  GROUP_LONGEST,
  GROUP_MASK,
  GROUP_RECORD,
  GROUP_SLOT,
  GROUP_TABLE,
  INPUT_BYTES,
  KEY_OPTIONAL,
  LATE_BYTES,
  TYPE_KEYWORD,
} from "@kestrel/stdlib/abi";
import { layOutMemory } from "@kestrel/stdlib/memory-layout";
import type { Field } from "@kestrel/stdlib/schema/types";
import { flagCount } from "@kestrel/stdlib/sequence-tables";
import { FOLD_RANGES } from "@kestrel/stdlib/text/case-folding";
import { TIME_UNITS } from "@kestrel/stdlib/time-units";
import { rulesOf } from "../../ir/origins.js";
import type { Key, PackIr, WitnessIndex } from "../../ir/pack-ir.js";
import type { Reading } from "../../ir/reading.js";
import type { MakeAutomaton } from "../../patterns/regex-automata.js";
import { type AtomCode, createAtomCode } from "./atoms-to-code.js";
import { align, createDataSection, type DataSection } from "./data-section.js";
import { createDirectVisits } from "./direct-visits.js";
import { emitDynamicKey } from "./dynamic-key.js";
import { addEvaluate, EVALUATE } from "./evaluate.js";
import { addForeignCode, addForeignMatch, FOREIGN_MATCH } from "./foreign-code.js";
import { addFacts } from "./index-tables.js";
import { naming } from "./lowering-error.js";
import { addPathTable, type PathTable, typeCode } from "./path-table.js";
import { type Builder, close, type Expression, finish, i32, none, open } from "./seam.js";
import { type EventReadings, layOutState, type StateLayout } from "./state.js";

const PAGE_BYTES = 65536;
const TABLE = "predicates";
const CALL_PREDICATE = "call predicate";

export interface LoweredPack {
  readonly binary: Uint8Array;
  /** The module as WebAssembly text; null unless it was asked for. */
  readonly text: string | null;
  /** The fields of the event that the module reads, sorted by name. */
  readonly fields: readonly Field[];
  /** For each foreign code, what the runtime must know to run it. */
  readonly foreigns: readonly LoweredForeign[];
}

export interface LoweredForeign {
  /** Addresses of the slots of its readings. */
  readonly slots: readonly number[];
  /** The numbers of its patterns are one after the other from here: regular expressions first, then wildcards. */
  readonly firstPattern: number;
}

export interface LowerOptions {
  readonly events: EventReadings;
  readonly optimize: boolean;
  readonly text: boolean;
  /** What makes automata, where it is not {@link makeAutomaton} itself. */
  readonly automatonOf?: MakeAutomaton | undefined;
}

/** What building the module carries along. */
interface Lowering {
  readonly b: Builder;
  readonly pack: PackIr;
  readonly index: WitnessIndex;
  readonly state: StateLayout;
  readonly data: DataSection;
  /** Bytes of the symbol groups' descriptors, filled in when what they point to is known, and their address. */
  readonly descriptors: { readonly bytes: Uint8Array; readonly base: number };
  /** The same for the elements of arrays, by nesting depth. */
  readonly elements: ReadonlyMap<number, { readonly bytes: Uint8Array; readonly base: number }>;
}

/** Lowers a pack that all passes have run over. Throws LoweringError. */
export function lowerPack(pack: PackIr, options: LowerOptions): LoweredPack {
  const b = open();
  try {
    return lower(b, pack, options);
  } finally {
    close(b);
  }
}

function lower(b: Builder, pack: PackIr, { events, optimize, text, automatonOf }: LowerOptions): LoweredPack {
  const { index } = pack;
  if (index === null) throw new Error("the pack has no index: its passes have not run");
  const state = layOutState(pack, events);
  const data = createDataSection(align(state.end), automatonOf);
  // Descriptors stand first, so that their addresses are known before what they point to is.
  const reserved = (bytes: Uint8Array): { bytes: Uint8Array; base: number } => ({ bytes, base: data.reserve(bytes) });
  const descriptors = reserved(new Uint8Array(Math.max(state.groups.size, 1) * GROUP_BYTES));
  const elements = new Map(
    [...state.elementSlots.keys()].map((depth) => [depth, reserved(new Uint8Array(ELEMENT_BYTES))]),
  );
  const lowering: Lowering = { b, pack, index, state, data, descriptors, elements };
  const patterns = addForeignCode(lowering);
  const atoms = createAtomCode(b, pack, state, data, {
    group: (key) => descriptorOf(key, lowering),
    elements: new Map([...elements].map(([depth, { base }]) => [depth, base])),
  });
  const predicates = addPredicates(atoms, patterns.names, lowering);
  fillDescriptors(atoms, lowering);
  const visits = createDirectVisits(b, index, predicates);
  addEvaluate(b, index, state, data, (group) => descriptorOf(group, lowering), visits);
  const paths = addPathTable(state.readings, events, state.slotOf, data);
  fillElements(paths, lowering);
  const stages = stageNodes(paths, data);
  const foldRanges = data.addWords(FOLD_RANGES.flatMap(([start, end, step, delta]) => [start, end, step, delta >>> 0]));
  const memory = layOutMemory({
    preludeEnd: b.preludeEnd,
    dataEnd: data.end(),
    predicates: pack.predicates.length,
    ...(pack.foreigns.length > 0 ? { foreignText: FOREIGN_TEXT_BYTES } : {}),
  });
  if (pack.foreigns.length > 0) addForeignMatch(b, TABLE, pack.predicates.length, memory.foreignBase);
  const finished = naming(
    () => [],
    () =>
      finish(b, {
        globals: {
          path_table: paths.table,
          path_mask: paths.mask,
          readings: paths.readings,
          stage_slots_base: state.stageSlots.base,
          stage_slots_end: state.stageSlots.end,
          stage_nodes: stages.address,
          stage_count: stages.count,
          slots_base: state.slotsBase,
          slots_end: state.slotsEnd,
          filled_base: state.filledBase,
          members_base: memory.membersBase,
          time_slot: state.slotOf(events.timestamp),
          time_unit: TIME_UNITS[events.unit],
          stamps_base: state.stampsBase,
          stamps_end: state.stampsEnd,
          predicate_stamps: state.predicateStamps,
          predicate_count: pack.predicates.length,
          found_base: state.found,
          arena_base: memory.arenaBase,
          arena_end: memory.arenaEnd,
          output_base: memory.outputBase,
          output_end: memory.outputEnd,
          fold_ranges: foldRanges,
          fold_count: FOLD_RANGES.length,
        },
        data: { base: data.base, bytes: data.bytes() },
        memoryPages: Math.ceil(memory.end / PAGE_BYTES),
        inputBase: memory.inputBase,
        inputCapacity: INPUT_BYTES,
        lateBase: memory.lateBase,
        lateCapacity: LATE_BYTES,
        lineageFlags: state.lineageFlags,
        foreign:
          pack.foreigns.length > 0
            ? {
                rests: state.foreignRests,
                base: memory.foreignBase,
                capacity: FOREIGN_TEXT_BYTES,
                match: FOREIGN_MATCH,
              }
            : null,
        flagCount: flagCount(pack.lineage),
        evaluate: EVALUATE,
        callPredicate: CALL_PREDICATE,
        optimize,
        text,
      }),
  );
  return {
    ...finished,
    fields: state.readings.flatMap(listedField),
    foreigns: pack.foreigns.map(({ readings }, at) => ({
      slots: readings.map(state.slotOf),
      firstPattern: patterns.first[at] ?? 0,
    })),
  };
}

/** The field of a reading, as the manifest lists it; none for raw readings and those below another root. */
function listedField({ root, name, id, as }: Reading): readonly Field[] {
  if (root.kind !== "event" || as === "raw") return [];
  return [{ id, name, type: as }];
}

/** Adds the predicates, and a table of them with `others` behind them; returns the predicates' functions. */
function addPredicates(atoms: AtomCode, others: readonly string[], lowering: Lowering): readonly string[] {
  const { b, pack } = lowering;
  const { module: m } = b;
  const names = pack.predicates.map(({ circuit, keys }, id) => {
    const name = `predicate ${id}`;
    naming(
      () => rulesOf(pack.origins.predicates[id] ?? []),
      () => {
        const emitted = keys.map((key) => emitKey(key, lowering));
        const unmet = b.label();
        const { code, locals } = atoms.leaveUnless(circuit, unmet);
        const body = m.block(unmet, [...code, b.prelude("emit", b.word(id)), ...emitted], none);
        b.define(name, none, none, locals, body, "settled");
      },
    );
    return name;
  });
  const all = [...names, ...others];
  b.afterwards(() => {
    m.addTable(TABLE, all.length, all.length);
    if (all.length > 0) m.addActiveElementSegment(TABLE, TABLE, all, b.word(0));
  });
  const indirect = m.call_indirect(TABLE, m.local.get(0, i32), [], none, none);
  b.define(CALL_PREDICATE, i32, none, [], indirect, "settled");
  return names;
}

function emitKey({ value, optional }: Key, { b, state, data }: Lowering): Expression {
  if (value.kind === "dynamic") return emitDynamicKey(b, value.value, value.fold, state, data);
  const slot = value.kind === "absent" ? state.emptySlot : state.slotOf(value.reading);
  const type = value.kind === "absent" ? TYPE_KEYWORD : typeCode(value.reading.as);
  return b.prelude("emitKey", b.word(slot), b.word(type), b.word(optional ? KEY_OPTIONAL : 0));
}

function descriptorOf(key: string, { state, descriptors }: Lowering): number {
  return descriptors.base + [...state.groups.keys()].indexOf(key) * GROUP_BYTES;
}

function fillDescriptors(atoms: AtomCode, { index, state, data, descriptors }: Lowering): void {
  const view = new DataView(descriptors.bytes.buffer);
  for (const [number, key] of [...state.groups.keys()].entries()) {
    const code = atoms.groups.get(key);
    if (code === undefined) throw new Error(`no code for the symbol group ${key}`);
    const { group, table } = code;
    const at = number * GROUP_BYTES;
    view.setUint32(at + GROUP_SLOT, state.slotOf(group.reading), true);
    view.setUint32(at + GROUP_FOLDED, group.fold ? state.foldedRecordOf(group.reading) : 0, true);
    view.setUint32(at + GROUP_RECORD, group.record, true);
    view.setUint32(at + GROUP_TABLE, table.address, true);
    view.setUint32(at + GROUP_MASK, table.mask, true);
    view.setUint32(at + GROUP_LONGEST, table.longest, true);
    view.setUint32(at + GROUP_FACTS, addFacts(key, table.symbols, index, data), true);
    view.setUint32(at + GROUP_LENGTHS, table.lengths, true);
  }
}

function fillElements(paths: PathTable, { state, elements }: Lowering): void {
  for (const [depth, { bytes }] of elements) {
    const { base, end } = state.elementSlots.get(depth) ?? { base: 0, end: 0 };
    const view = new DataView(bytes.buffer);
    view.setUint32(ELEMENT_SLOTS, base, true);
    view.setUint32(ELEMENT_SLOTS_END, end, true);
    view.setUint32(ELEMENT_PATH_ENTRY, paths.elements.get(depth) ?? 0, true);
  }
}

/** The path table's node of each stage, 0 where nothing is read of its event. */
function stageNodes({ stages }: PathTable, data: DataSection): { readonly address: number; readonly count: number } {
  const count = Math.max(0, ...[...stages.keys()].map((stage) => stage + 1));
  return { address: data.addWords(Array.from({ length: count }, (_, stage) => stages.get(stage) ?? 0)), count };
}

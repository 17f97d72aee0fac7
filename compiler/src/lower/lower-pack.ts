// Pack IR -> the package's Wasm module, on top of the prelude. What eqlc adds:
//
//   evaluate()              dispatch(group) for each witness group; visit(p) for each predicate without a witness
//   call_predicate(p)       through a table of the predicate functions
//   predicate n             if the circuit holds: emit(n), emitKey(…) for each join key
//   atom n, symbol of …     see atoms-to-code.ts

import {
  ELEMENT_BYTES,
  ELEMENT_PATH_ENTRY,
  ELEMENT_SLOTS,
  ELEMENT_SLOTS_END,
  GROUP_BYTES,
  GROUP_FOLDED,
  GROUP_LENGTHS,
  GROUP_LONGEST,
  GROUP_MASK,
  GROUP_POSTINGS,
  GROUP_RECORD,
  GROUP_SLOT,
  GROUP_TABLE,
  INPUT_PADDING,
  KEY_OPTIONAL,
  MATCH_BYTES,
  SLOT_COUNT,
  TYPE_KEYWORD,
} from "@kestrel/stdlib/abi";
import type { Field } from "@kestrel/stdlib/schema/types";
import { FOLD_RANGES } from "@kestrel/stdlib/text/case-folding";
import type { JoinKey } from "../analyse/typed.js";
import { atomsOf, type PackIr, type PredicateId } from "../plan/ir.js";
import { type AtomCode, createAtomCode } from "./atoms-to-code.js";
import { align, createDataSection, type DataSection } from "./data-section.js";
import { emitDynamicKey } from "./dynamic-key.js";
import { addPathTable, typeCode } from "./path-table.js";
import { type Builder, type Expression, finish, i32, none, open } from "./seam.js";
import { type EventFields, groupKey, layOutState, type StateLayout } from "./state.js";
import { witnessOf } from "./witness.js";

/** Virtual sizes; only the pages that events need are ever touched. */
const ARENA_BYTES = 64 * 1024 * 1024;
/** What a full arena hands out: more than any one allocation, of which the copy of a joined text is the largest. */
const OVERFLOW_BYTES = 32 * 1024 * 1024;
const OUTPUT_BYTES = 2 * 1024 * 1024;
const INPUT_BYTES = 4 * 1024 * 1024;
/** Room for the event at hand and three more of the largest. */
const LATE_BYTES = 4 * INPUT_BYTES;
const PAGE_BYTES = 65536;

export interface LoweredPack {
  readonly binary: Uint8Array;
  /** The module as WebAssembly text. */
  readonly text: () => string;
  /** The fields that the module reads, sorted by name. */
  readonly fields: readonly Field[];
  /** How many predicates are tried on every event, because nothing narrows them. */
  readonly withoutWitness: number;
}

/** Lowers a pack; throws PatternTooLarge when an automaton passes its limits. */
export function lowerPack(pack: PackIr, events: EventFields, optimize = true): LoweredPack {
  const b = open();
  const { module: m } = b;
  const state = layOutState(pack, events);
  const data = createDataSection(align(state.end));
  const groupKeys = [...state.groups.keys()];
  // Descriptors stand first, so that their addresses are known before what they point to is.
  const descriptors = new Uint8Array(Math.max(groupKeys.length, 1) * GROUP_BYTES);
  const descriptorBase = data.reserve(descriptors);
  const descriptorOf = (key: string): number => descriptorBase + groupKeys.indexOf(key) * GROUP_BYTES;
  const elements = new Map([...state.elementSlots.keys()].map((root) => [root, new Uint8Array(ELEMENT_BYTES)]));
  const elementBases = new Map([...elements].map(([root, bytes]) => [root, data.reserve(bytes)]));
  const atoms = createAtomCode(b, pack.atoms, state, data, { group: descriptorOf, elements: elementBases });

  const names = pack.predicates.map((predicate, id) => {
    const name = `predicate ${id}`;
    const keys = predicate.keys.map((key) =>
      key.computed === undefined ? emitKey(b, key, state) : emitDynamicKey(b, key, state, data),
    );
    const matched = m.block(null, [b.prelude("emit", b.word(id)), ...keys]);
    m.addFunction(name, none, none, [], m.if(atoms.testCircuit(predicate.circuit), matched));
    return name;
  });
  m.addTable("predicates", names.length, names.length);
  if (names.length > 0) m.addActiveElementSegment("predicates", "predicates", names, b.word(0));
  m.addFunction("call predicate", i32, none, [], m.call_indirect("predicates", m.local.get(0, i32), [], none, none));
  const index = buildIndex(pack);
  fillDescriptors(new DataView(descriptors.buffer), groupKeys, index, atoms, state, data);
  const dispatches = [...state.groups].flatMap(([key, { field }]) => {
    if (!index.postings.has(key)) return [];
    const present = m.i32.load(SLOT_COUNT, 4, b.word(state.slotOf(field)));
    return [m.if(present, b.prelude("dispatch", b.word(descriptorOf(key))))];
  });
  const visits = index.always.map((id) => b.prelude("visit", b.word(id)));
  m.addFunction("evaluate", none, none, [], m.block(null, [...dispatches, ...visits]));

  const paths = addPathTable(state.fields, state.slotOf, data);
  for (const [root, bytes] of elements) {
    const { base, end: last } = state.elementSlots.get(root) ?? { base: 0, end: 0 };
    const view = new DataView(bytes.buffer);
    view.setUint32(ELEMENT_SLOTS, base, true);
    view.setUint32(ELEMENT_SLOTS_END, last, true);
    view.setUint32(ELEMENT_PATH_ENTRY, paths.elements.get(root) ?? 0, true);
  }
  const stageCount = Math.max(
    0,
    ...[...paths.nodes.keys()].map((root) => (root.startsWith("@") ? Number(root.slice(1)) + 1 : 0)),
  );
  const stageNodes = data.addWords(Array.from({ length: stageCount }, (_, stage) => paths.nodes.get(`@${stage}`) ?? 0));
  const foldRanges = data.addWords(FOLD_RANGES.flatMap(([start, end, step, delta]) => [start, end, step, delta >>> 0]));
  const arenaBase = align(data.end());
  const arenaEnd = arenaBase + ARENA_BYTES;
  // The prelude may read and write a block past the arena's end.
  const outputBase = arenaEnd + OVERFLOW_BYTES + INPUT_PADDING;
  const outputEnd = outputBase + OUTPUT_BYTES + align(pack.predicates.length * MATCH_BYTES * 2);
  const inputBase = outputEnd + INPUT_PADDING;
  const lateBase = inputBase + INPUT_BYTES + INPUT_PADDING;
  const end = lateBase + LATE_BYTES + INPUT_PADDING;
  const { binary, text } = finish(b, {
    globals: {
      path_table: paths.table,
      path_mask: paths.mask,
      readings: paths.readings,
      stage_slots_base: state.stageSlots.base,
      stage_slots_end: state.stageSlots.end,
      stage_nodes: stageNodes,
      stage_count: stageCount,
      slots_base: state.slotsBase,
      slots_end: state.slotsEnd,
      time_slot: state.slotOf(events.timestamp),
      tiebreaker_slot: events.tiebreaker === null ? 0 : state.slotOf(events.tiebreaker),
      stamps_base: state.stampsBase,
      stamps_end: state.stampsEnd,
      predicate_stamps: state.predicateStamps,
      predicate_count: pack.predicates.length,
      arena_base: arenaBase,
      arena_end: arenaEnd,
      output_base: outputBase,
      output_end: outputEnd,
      fold_ranges: foldRanges,
      fold_count: FOLD_RANGES.length,
    },
    data: { base: data.base, bytes: data.bytes() },
    memoryPages: Math.ceil(end / PAGE_BYTES),
    inputBase,
    inputCapacity: INPUT_BYTES,
    lateBase,
    lateCapacity: LATE_BYTES,
    lineageFlags: state.lineageFlags,
    largestPredicate: Math.max(0, ...pack.predicates.map(({ circuit }) => atomsOf(circuit).length)),
    evaluate: "evaluate",
    callPredicate: "call predicate",
    optimize,
  });
  return { binary, text, fields: state.fields.filter(isListed), withoutWitness: index.always.length };
}

/** Fields of the event as the schema types them; the manifest lists those. */
function isListed(field: Field): boolean {
  return field.root === undefined && field.type !== "raw";
}

function emitKey(b: Builder, key: JoinKey, state: StateLayout): Expression {
  const slot = key.field === null ? state.emptySlot : state.slotOf(key.field);
  const type = key.field === null ? TYPE_KEYWORD : typeCode(key.field.type);
  return b.prelude("emitKey", b.word(slot), b.word(type), b.word(key.optional ? KEY_OPTIONAL : 0));
}

interface Index {
  /** Group key -> text -> the predicates posted under it. */
  readonly postings: ReadonlyMap<string, ReadonlyMap<string, readonly PredicateId[]>>;
  readonly always: readonly PredicateId[];
}

function buildIndex(pack: PackIr): Index {
  const postings = new Map<string, Map<string, PredicateId[]>>();
  const always: PredicateId[] = [];
  for (const [number, predicate] of pack.predicates.entries()) {
    const id = number as PredicateId;
    if (predicate.late) continue;
    const witness = witnessOf(predicate.circuit, pack.atoms);
    if (witness === null) {
      always.push(id);
      continue;
    }
    for (const set of witness.sets) {
      const key = groupKey(set.field, set.fold);
      const group = postings.get(key) ?? new Map<string, PredicateId[]>();
      postings.set(key, group);
      for (const text of set.texts) {
        const list = group.get(text);
        if (list === undefined) group.set(text, [id]);
        else if (list.at(-1) !== id) list.push(id);
      }
    }
  }
  return { postings, always };
}

function fillDescriptors(
  view: DataView,
  keys: readonly string[],
  index: Index,
  atoms: AtomCode,
  state: StateLayout,
  data: DataSection,
): void {
  for (const [number, key] of keys.entries()) {
    const code = atoms.groups.get(key);
    if (code === undefined) throw new Error(`no code for the symbol group ${key}`);
    const { group, table } = code;
    const at = number * GROUP_BYTES;
    view.setUint32(at + GROUP_SLOT, state.slotOf(group.field), true);
    view.setUint32(at + GROUP_FOLDED, group.fold ? state.foldedRecordOf(group.field) : 0, true);
    view.setUint32(at + GROUP_RECORD, group.record, true);
    view.setUint32(at + GROUP_TABLE, table.address, true);
    view.setUint32(at + GROUP_MASK, table.mask, true);
    view.setUint32(at + GROUP_LONGEST, table.longest, true);
    view.setUint32(at + GROUP_POSTINGS, addPostings(index.postings.get(key), table.symbols, data), true);
    view.setUint32(at + GROUP_LENGTHS, table.lengths, true);
  }
}

function addPostings(
  postings: ReadonlyMap<string, readonly PredicateId[]> | undefined,
  symbols: ReadonlyMap<string, number>,
  data: DataSection,
): number {
  if (postings === undefined) return 0;
  const index = new Array<number>(symbols.size + 1).fill(0);
  for (const [text, predicates] of postings) {
    const symbol = symbols.get(text);
    if (symbol === undefined) throw new Error(`no symbol for ${JSON.stringify(text)}`);
    index[symbol] = data.addWords([predicates.length, ...predicates]);
  }
  return data.addWords(index);
}

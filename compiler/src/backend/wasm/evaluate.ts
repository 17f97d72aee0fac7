// The witness index -> `evaluate`, which tries the candidates of the event in the slots:
//
//   startCandidates(for each guard on a reading: its bit if the slot has a value)
//   for each symbol group that tells guards: if the slot has a value: lookUp(group, …)
//   lacks = lackedGuards(), which are all known now
//   for each other symbol group that is asked: if the event can meet one of its postings, and the slot has a value: lookUp(group, …)
//   visitFound()
//   for each reading with postings: if the slot has a value: visit its predicates
//   for each reading with literals: if the event can meet one of its postings, and the slot has a value: findLiterals(its group)
//   visit what nothing narrows

import {
  LITERALS_BUCKETS,
  LITERALS_BYTES,
  LITERALS_FACTOR,
  LITERALS_FILTER,
  LITERALS_FILTER_SHIFT,
  LITERALS_FOLDED,
  LITERALS_MASK,
  LITERALS_RECORD,
  LITERALS_SLOT,
  LITERALS_TABLE,
  LITERALS_TABLE_SHIFT,
  SLOT_COUNT,
} from "@kestrel/stdlib/abi";
import type { TextPostings, WitnessIndex } from "../../ir/pack-ir.js";
import type { Reading } from "../../ir/reading.js";
import type { DataSection } from "./data-section.js";
import type { DirectVisits } from "./direct-visits.js";
import { groupsAsked } from "./index-tables.js";
import { addLiteralTables } from "./literal-tables.js";
import { type Builder, type Expression, i64, none } from "./seam.js";
import type { StateLayout } from "./state.js";

export const EVALUATE = "evaluate";

export function addEvaluate(
  b: Builder,
  index: WitnessIndex,
  state: StateLayout,
  data: DataSection,
  descriptorOf: (group: string) => number,
  visits: DirectVisits,
): void {
  const { module: m } = b;
  const present = (reading: Reading): Expression => m.i32.load(SLOT_COUNT, 4, b.word(state.slotOf(reading)));
  const bits = index.guards.flatMap((guard, bit) => {
    if (guard.kind !== "exists") return [];
    const isPresent = m.i64.extend_u(m.i32.ne(present(guard.reading), b.word(0)));
    return [m.i64.shl(isPresent, m.i64.const(BigInt(bit)))];
  });
  const lacks = 0;
  const ifAny = (anyOf: bigint, reading: Reading, body: Expression): Expression => {
    const then = m.if(present(reading), body);
    if (anyOf === 0n) return then;
    return m.if(m.i64.ne(m.i64.and(m.local.get(lacks, i64), m.i64.const(anyOf)), m.i64.const(anyOf)), then);
  };
  const asked = groupsAsked(index);
  const lookUps = (tellsGuards: boolean): readonly Expression[] =>
    [...state.groups].flatMap(([key, { reading, record }]) => {
      const why = asked.get(key);
      if (why?.tellsGuards !== tellsGuards) return [];
      const group = [descriptorOf(key), state.slotOf(reading), record];
      return [ifAny(why.anyOf, reading, b.prelude("lookUp", ...group.map((address) => b.word(address))))];
    });
  const presences = index.presences.map(({ reading, postings }) =>
    m.if(present(reading), m.block(null, [...visits.visit(postings)])),
  );
  const literals = index.literals.map((postings, number) => {
    const group = addLiterals(postings, number, index, state, data);
    return ifAny(postings.anyOf, postings.reading, b.prelude("findLiterals", b.word(group)));
  });
  const body = [
    b.prelude(
      "startCandidates",
      bits.reduce((sum, bit) => m.i64.or(sum, bit), m.i64.const(0n)),
    ),
    ...lookUps(true),
    m.local.set(lacks, b.prelude("lackedGuards")),
    ...lookUps(false),
    b.prelude("visitFound"),
    ...presences,
    ...literals,
    ...visits.visit(index.always),
  ];
  b.define(EVALUATE, none, none, [i64], m.block(null, body), "settled");
}

/** The address of a literal group. */
function addLiterals(
  postings: TextPostings,
  number: number,
  index: WitnessIndex,
  state: StateLayout,
  data: DataSection,
): number {
  const place = state.literals[number];
  if (place === undefined) throw new Error(`no record for the literals of ${postings.reading.name}`);
  const tables = addLiteralTables(postings, index.profile, place.stamps, data);
  const bytes = new Uint8Array(LITERALS_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(LITERALS_SLOT, state.slotOf(postings.reading), true);
  view.setUint32(LITERALS_FOLDED, postings.fold ? state.foldedRecordOf(postings.reading) : 0, true);
  view.setUint32(LITERALS_RECORD, place.record, true);
  view.setUint32(LITERALS_BUCKETS, tables.buckets, true);
  view.setUint32(LITERALS_FILTER, tables.filter, true);
  view.setUint32(LITERALS_FILTER_SHIFT, tables.filterShift, true);
  view.setUint32(LITERALS_TABLE, tables.table, true);
  view.setUint32(LITERALS_TABLE_SHIFT, tables.tableShift, true);
  view.setUint32(LITERALS_MASK, tables.mask, true);
  view.setUint32(LITERALS_FACTOR, tables.factor, true);
  return data.add(bytes);
}

// The witness index -> `evaluate`, which tries the candidates of the event in the slots:
//
//   startCandidates(for each guard on a reading: its bit if the slot has a value)
//   for each symbol group that is asked: if the slot has a value: lookUp(group)
//   visitFound()
//   for each reading with postings: if the slot has a value: visitList(its list)
//   visitList(what nothing narrows)

import { SLOT_COUNT } from "@kestrel/stdlib/abi";
import type { WitnessIndex } from "../../ir/pack-ir.js";
import type { Reading } from "../../ir/reading.js";
import type { DataSection } from "./data-section.js";
import { addPostings, groupsAsked } from "./index-tables.js";
import { type Builder, type Expression, none } from "./seam.js";
import type { StateLayout } from "./state.js";

export const EVALUATE = "evaluate";

export function addEvaluate(
  b: Builder,
  index: WitnessIndex,
  state: StateLayout,
  data: DataSection,
  descriptorOf: (group: string) => number,
): void {
  const { module: m } = b;
  const present = (reading: Reading): Expression => m.i32.load(SLOT_COUNT, 4, b.word(state.slotOf(reading)));
  const bits = index.guards.flatMap((guard, bit) => {
    if (guard.kind !== "exists") return [];
    const isPresent = m.i64.extend_u(m.i32.ne(present(guard.reading), b.word(0)));
    return [m.i64.shl(isPresent, m.i64.const(BigInt(bit)))];
  });
  const asked = groupsAsked(index);
  const lookUps = [...state.groups].flatMap(([key, { reading }]) =>
    asked.has(key) ? [m.if(present(reading), b.prelude("lookUp", b.word(descriptorOf(key))))] : [],
  );
  const presences = index.presences.map(({ reading, predicates }) =>
    m.if(present(reading), b.prelude("visitList", b.word(addPostings(predicates, index, data)))),
  );
  const always =
    index.always.length > 0 ? [b.prelude("visitList", b.word(addPostings(index.always, index, data)))] : [];
  const body = [
    b.prelude(
      "startCandidates",
      bits.reduce((sum, bit) => m.i64.or(sum, bit), m.i64.const(0n)),
    ),
    ...lookUps,
    b.prelude("visitFound"),
    ...presences,
    ...always,
  ];
  m.addFunction(EVALUATE, none, none, [], m.block(null, body));
}

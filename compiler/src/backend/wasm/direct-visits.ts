// A list of predicates that is known when the pack is compiled -> a function that tries them:
//
//   lacks = lackedGuards(); tried = 0
//   for each run of predicates that need the same guards:
//     if (no guard of theirs is lacked):
//       for each: if (enter(n)) tried++, predicate n()       enter is left out where the list is the only way to n
//   countEvaluated(tried)
//
// Lists that depend on an event's texts stand in memory, and their predicates are called through the table. A processor has to guess where
// such a call leads, and guesses wrong nearly always: of a predicate that compares one number, it takes more than the rest (bench `foreign`).

import type { Posting, PredicateId, WitnessIndex } from "../../ir/pack-ir.js";
import { type Builder, type Expression, i32, i64, none } from "./seam.js";

/** So that no function is large: the time of the optimiser, and of the engine, grows faster than a function's size. */
const MOST_IN_FUNCTION = 128;

/** How the predicates of the pack are visited directly; `names` are their functions. */
export interface DirectVisits {
  /** Calls that try each of them, in this order. */
  visit(postings: readonly Posting[]): readonly Expression[];
}

export function createDirectVisits(b: Builder, index: WitnessIndex, names: readonly string[]): DirectVisits {
  const { module: m } = b;
  const ways = countWays(index);
  let functions = 0;

  const [lacks, tried] = [0, 1];
  const addTried = (count: number): Expression => m.local.set(tried, m.i32.add(m.local.get(tried, i32), b.word(count)));

  function visitRun(mask: bigint, run: readonly PredicateId[]): Expression {
    const call = (id: PredicateId): Expression => m.call(names[id] ?? "", [], none);
    const alone = run.filter((id) => ways.get(id) === 1).length;
    const body = m.block(null, [
      ...(alone > 0 ? [addTried(alone)] : []),
      // SOUND: a reading's list is visited once an event, so what stands in no other list has not been tried yet.
      ...run.map((id) =>
        ways.get(id) === 1 ? call(id) : m.if(b.prelude("enter", b.word(id)), m.block(null, [addTried(1), call(id)])),
      ),
    ]);
    if (mask === 0n) return body;
    return m.if(m.i64.eqz(m.i64.and(m.local.get(lacks, i64), m.i64.const(mask))), body);
  }

  function addFunction(postings: readonly Posting[]): Expression {
    const name = `visit ${functions++}`;
    const runs: { readonly mask: bigint; readonly ids: PredicateId[] }[] = [];
    for (const { predicate, guards: mask } of postings) {
      const last = runs.at(-1);
      if (last?.mask === mask) last.ids.push(predicate);
      else runs.push({ mask, ids: [predicate] });
    }
    const body = m.block(null, [
      m.local.set(lacks, b.prelude("lackedGuards")),
      ...runs.map(({ mask, ids }) => visitRun(mask, ids)),
      b.prelude("countEvaluated", m.local.get(tried, i32)),
    ]);
    b.define(name, none, none, [i64, i32], body, "settled");
    return m.call(name, [], none);
  }

  return {
    visit: (postings) =>
      Array.from({ length: Math.ceil(postings.length / MOST_IN_FUNCTION) }, (_, part) =>
        addFunction(postings.slice(part * MOST_IN_FUNCTION, (part + 1) * MOST_IN_FUNCTION)),
      ),
  };
}

/** In how many places of the index each predicate stands. */
function countWays({ sets, literals, presences, always }: WitnessIndex): ReadonlyMap<PredicateId, number> {
  const ways = new Map<PredicateId, number>();
  const lists = [
    ...[...sets, ...literals].flatMap(({ byText }) => [...byText.values()]),
    ...presences.map(({ postings }) => postings),
    always,
  ];
  for (const { predicate } of lists.flat()) ways.set(predicate, (ways.get(predicate) ?? 0) + 1);
  return ways;
}

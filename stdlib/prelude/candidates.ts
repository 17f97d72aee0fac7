// Which predicates are tried for an event. The generated `evaluate` asks, in this order:
//   startCandidates(present)   the guards that say that a reading has a value
//   lookUp(group, …)           for each symbol group whose slot has a value: guards and posting lists of its symbols; kept with the slot's version
//   visitFound()               the lists that were found, now that all guards are known
//   lackedGuards(), enter(p),  for each list of a reading that has a value, and of what nothing narrows: these are known
//   countEvaluated(n)          when the pack is compiled, so their predicates are called where they stand
// SOUND: a guard's bit is set when its condition holds, before the first posting is looked at; what is left out lacks a guard that
// its predicate needs. See compiler/src/passes/choose-guards.ts.

import {
  CONTROL_BASE, CONTROL_EVALUATED, FACTS_BYTES, FACTS_GUARDS, FACTS_POSTINGS, FOUND_BYTES, FOUND_GROUP, GROUP_FACTS,
  GROUP_SLOT, POSTING_BYTES, POSTINGS_COUNT, POSTING_GUARDS, POSTINGS_BYTES, POSTING_PREDICATE, SLOT_COUNT,
  SLOT_VERSION, STAMP_BYTES, SYMBOLS_FOUND, SYMBOLS_GUARDS, SYMBOLS_SAID, SYMBOL_BYTES,
} from "../src/abi";
import { generation } from "./arena";
import { callPredicate, found_base, predicate_stamps } from "./pack";
import { symbolsOf } from "./slots";

/** The guards that the event lacks. */
let lacking: u64 = 0;
/** Where the next found list goes. */
let found: usize = 0;

/** Counts one more in a counter of the control block. */
export function count(counter: u32): void {
  const at = (CONTROL_BASE as u32) + counter;
  store<u64>(at, load<u64>(at) + 1);
}

export function startCandidates(present: u64): void {
  lacking = ~present;
  found = found_base;
}

/** Notes what the symbols of a group say, whose slot has a value; `record` is its symbol record. */
export function lookUp(group: usize, slot: usize, record: usize): void {
  if (load<u32>(record, SYMBOLS_SAID) != load<u32>(slot, SLOT_VERSION)) askSymbols(group, slot, record);
  lacking &= ~load<u64>(record, SYMBOLS_GUARDS);
  const list = load<u32>(record, SYMBOLS_FOUND);
  if (!list) return;
  store<u32>(found, list);
  found += FOUND_BYTES;
}

/** Puts what the symbols say into their record. */
function askSymbols(group: usize, slot: usize, record: usize): void {
  const symbols = symbolsOf(group);
  const values = load<u32>(slot, SLOT_COUNT);
  const facts: usize = load<u32>(group, GROUP_FACTS);
  let guards: u64 = 0;
  let list: u32 = 0;
  for (let i: u32 = 0; i < values; i++) {
    const fact = facts + load<u32>(symbols + i * SYMBOL_BYTES) * FACTS_BYTES;
    guards |= load<u64>(fact, FACTS_GUARDS);
    const postings = load<u32>(fact, FACTS_POSTINGS);
    if (postings) list = values == 1 ? postings : (group as u32) + FOUND_GROUP;
  }
  store<u64>(record, guards, SYMBOLS_GUARDS);
  store<u32>(record, list, SYMBOLS_FOUND);
  // Many symbols may have given the slot another version.
  store<u32>(record, load<u32>(slot, SLOT_VERSION), SYMBOLS_SAID);
}

/** Visits what lookUp has noted. */
export function visitFound(): void {
  for (let at = found_base; at < found; at += FOUND_BYTES) {
    const list: usize = load<u32>(at);
    if (list & FOUND_GROUP) visitSymbols(list - FOUND_GROUP);
    else visitList(list);
  }
}

function visitSymbols(group: usize): void {
  const symbols = symbolsOf(group);
  const values = load<u32>(load<u32>(group, GROUP_SLOT) as usize, SLOT_COUNT);
  const facts: usize = load<u32>(group, GROUP_FACTS);
  for (let i: u32 = 0; i < values; i++) {
    const list: usize = load<u32>(facts + load<u32>(symbols + i * SYMBOL_BYTES) * FACTS_BYTES, FACTS_POSTINGS);
    if (list) visitList(list);
  }
}

/** Tries the predicates of a list of which the event lacks no guard. */
export function visitList(list: usize): void {
  const lacks = lacking;
  const end = list + POSTINGS_BYTES + load<u32>(list, POSTINGS_COUNT) * POSTING_BYTES;
  let entered: u32 = 0;
  for (let at = list + POSTINGS_BYTES; at < end; at += POSTING_BYTES) {
    if (load<u64>(at, POSTING_GUARDS) & lacks) continue;
    const predicate = load<u32>(at, POSTING_PREDICATE);
    if (!enter(predicate)) continue;
    entered++;
    callPredicate(predicate);
  }
  countEvaluated(entered);
}

/** The guards that the event lacks, for generated code. */
export function lackedGuards(): u64 {
  return lacking;
}

/** Whether the event has not seen the predicate yet; from now on it has. */
export function enter(predicate: u32): bool {
  const stamp = predicate_stamps + predicate * STAMP_BYTES;
  if (load<u32>(stamp) == generation) return false;
  store<u32>(stamp, generation);
  return true;
}

/** Counts predicates that were tried: once a list, for a store of the counter that the next load waits for would take longer than a small predicate. */
export function countEvaluated(entered: u32): void {
  const at = (CONTROL_BASE as u32) + (CONTROL_EVALUATED as u32);
  store<u64>(at, load<u64>(at) + entered);
}

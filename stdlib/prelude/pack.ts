// What differs from pack to pack: eqlc replaces each of these globals by a constant and each import by generated code.
// The values here are never read.

/** Address of the path table, and its number of entries less one. */
export let path_table: usize = 0;
export let path_mask: u32 = 0;
/** Further slots of a path, see "Readings" in abi.ts. */
export let readings: usize = 0;
/** First slot and the address behind the last. */
export let slots_base: usize = 0;
export let slots_end: usize = 0;
/** Room for the addresses of all of them, and one more. */
export let filled_base: usize = 0;
/** The same for the slots of earlier stages' events; the path table's node for each stage, and how many stages have one. */
export let stage_slots_base: usize = 0;
export let stage_slots_end: usize = 0;
export let stage_nodes: usize = 0;
export let stage_count: u32 = 0;
/** Slot of the event time. */
export let time_slot: usize = 0;
/** What a number in the time field counts, a TIME_UNIT_* of abi.ts. */
export let time_unit: u32 = 0;
/** Heads of lists of members, and the members behind them. */
export let members_base: usize = 0;
/** State that a wrapped generation or version must clear, up to the predicate stamps, which no version means. */
export let stamps_base: usize = 0;
export let stamps_end: usize = 0;
/** One u32 stamp for each predicate. */
export let predicate_stamps: usize = 0;
export let predicate_count: u32 = 0;
/** Room for the posting lists that an event finds by its symbols, one for each group. */
export let found_base: usize = 0;
export let arena_base: usize = 0;
export let arena_end: usize = 0;
export let output_base: usize = 0;
export let output_end: usize = 0;
/** Case-folding ranges: u32 start, end, step, i32 delta each. */
export let fold_ranges: usize = 0;
export let fold_count: u32 = 0;

/** Runs the index over the event in the slots. */
@external("pack", "evaluate")
export declare function evaluate(): void;

/** Evaluates one predicate and emits it when it matches. */
@external("pack", "call_predicate")
export declare function callPredicate(predicate: u32): void;

@external("kestrel", "f64_parse")
export declare function parseDouble(address: usize, length: u32): f64;

@external("kestrel", "f64_format")
export declare function formatDouble(value: f64, address: usize): u32;

// The contract between the code that eqlc generates, the prelude it is built on, and the runtime that loads it.
// AssemblyScript (stdlib/prelude), the compiler and the runtime all import this file, so it holds literal constants only.
//
// Linear memory of a package module, low to high. Only the addresses marked "fixed" are constants; eqlc lays out the rest
// for each pack and exports what the runtime needs.
//
//   fixed  0        guard: never read, so that a null pointer is a zero-length string
//   fixed  1024     control block (CONTROL_*): counters and the result of the last `run`
//   fixed  4096     static data of the prelude
//   fixed  65536    pack data: path table, literals, symbol tables, patterns, postings
//          state    slots, folded slots, symbol records, memo words, predicate stamps
//          arena    scratch of one event: unescaped strings, lists, folded copies
//          output   what `run` found: event headers, matches, keys
//          input    the batch of NDJSON lines, exported as input_base / input_capacity
//          late     the lines of late tests, exported as late_base / late_capacity
//
// Slot, 16 bytes, one for each field the pack reads; count 0 is a missing field:
//   +0 u32 count   +4 u32 unused   +8 the value when count is 1, else u32 address of the list of values
// Value, 8 bytes: string {u32 address, u32 length in bytes of UTF-8}; long i64; date i64 nanoseconds since 1970;
// double f64; boolean i64 0 or 1.
//
// Derived record (folded slot, symbol record), 16 bytes, valid while stamp equals the event's generation:
//   +0 u32 stamp   +4 u32 unused   +8 as in a slot (symbols are u32 and lists of u32)

/** Raised whenever anything in this file changes its meaning; a loader refuses every other version. */
export const ABI_VERSION = 2;

export const CONTROL_BASE = 1024;
export const PRELUDE_DATA_BASE = 4096;
export const PACK_DATA_BASE = 65536;

// Control block: offsets from CONTROL_BASE. Counters are u64 and only grow; the runtime reads differences.
/** u32: bytes of the input that the last `run` consumed (always whole lines). */
export const CONTROL_CONSUMED = 0;
/** u32: bytes written to the output region by the last `run`. */
export const CONTROL_OUTPUT_BYTES = 4;
/** u32: broken lines recorded by the last `run`, at most BROKEN_LIMIT; more are only counted. */
export const CONTROL_BROKEN_RECORDS = 8;
/** u32: lines that the last `run` consumed, blank and broken ones included. */
export const CONTROL_BATCH_LINES = 12;
/** i64: greatest event time seen so far, in nanoseconds. Starts at the least i64. */
export const CONTROL_WATERMARK = 16;
/** u64 counters. */
export const CONTROL_EVENTS = 24;
export const CONTROL_BLANK = 32;
export const CONTROL_BROKEN = 40;
/** Values that their field's type could not take, see schema/types.ts. */
export const CONTROL_MALFORMED = 48;
/** Strings in which invalid UTF-8 was replaced by U+FFFD. */
export const CONTROL_REPLACED = 56;
/** Events without a readable timestamp; they take the watermark's time. */
export const CONTROL_UNTIMED = 64;
/** Matches whose join keys did not fit the output region. */
export const CONTROL_KEY_OVERFLOW = 72;
/** Leaves that gave up because their fields had too many combinations of values. */
export const CONTROL_COMBINATIONS = 80;
/** Predicates that were evaluated, a measure of how well the witness index narrows. */
export const CONTROL_EVALUATED = 88;
/** Broken-line records start here: {u32 line within the batch, u32 offset in the input, u32 reason, u32 unused}. */
export const CONTROL_BROKEN_TABLE = 128;
export const BROKEN_LIMIT = 32;
export const BROKEN_RECORD_BYTES = 16;

// Why a line is broken.
export const BROKEN_SYNTAX = 1;
export const BROKEN_NOT_OBJECT = 2;
export const BROKEN_DEPTH = 3;
export const BROKEN_SIZE = 4;

/** Nesting at which a line is given up as broken. */
export const DEPTH_LIMIT = 64;
/** Combinations of values that one leaf tries before it gives up and is counted. */
export const COMBINATION_LIMIT = 65536;

// Field type codes, as the path table holds them.
export const TYPE_NONE = 0;
export const TYPE_KEYWORD = 1;
export const TYPE_LONG = 2;
export const TYPE_DOUBLE = 3;
export const TYPE_BOOLEAN = 4;
export const TYPE_DATE = 5;
/** Only whether something stands there: the slot then holds one value of no meaning. */
export const TYPE_OBJECT = 6;
/** A string whose bytes are the JSON text of the value as it stands in the line. */
export const TYPE_RAW = 7;
/** Stored as a date; a number counts 100 ns since 1601. */
export const TYPE_FILETIME = 8;

export const SLOT_BYTES = 16;
export const SLOT_VALUE = 8;
export const RECORD_BYTES = 16;
export const RECORD_VALUE = 8;

// Path table: open addressing over (node, key). Entry, 32 bytes; an entry with key length 0xFFFFFFFF is free.
//   +0 u64 first 8 key bytes (zero padded)  +8 u32 key address  +12 u32 key length
//   +16 u32 node  +20 u32 child node, 0 if none  +24 u32 slot address, 0 if none  +28 u32 type code + 256 * readings
// Readings: further slots that the same value goes to, as {u32 slot, u32 type code} pairs, ended by a slot of 0; counted in
// pairs from the readings table's start, 0 if none.
// Nodes are numbered from 0, which is the root of the event at hand. Elements of arrays and the events of earlier stages
// have roots of their own.
export const PATH_ENTRY_BYTES = 32;
export const PATH_FREE = 0xffffffff;

// Symbol group: what a pack knows about the literals of one field, raw or folded.
//   +0 u32 slot address    +4 u32 folded record address, 0 when raw   +8 u32 symbol record address
//   +12 u32 table address  +16 u32 table mask (entries - 1)           +20 u32 longest literal in bytes
//   +24 u32 posting index address, 0 when the group is no witness
//   +28 u32 lengths: bit n is set when a literal's length is n modulo 32
// Table entry, 16 bytes: u32 hash, u32 literal address, u32 literal length, u32 symbol (0 marks a free entry).
// Posting index: u32 for each symbol from 0: address of {u32 n, n times u32 predicate}, or 0.
export const GROUP_BYTES = 32;
export const SYMBOL_ENTRY_BYTES = 16;

// Output: for each event with a match, in input order, a header and its matches, each followed by its keys.
// Event header, 48 bytes:
//   +0 u32 line within the batch  +4 u32 line address  +8 u32 line bytes  +12 u32 matches
//   +16 i64 time in ns  +24 i64 greatest time seen when it arrived, its own excluded  +32 i64 tiebreaker  +40 u32 flags
// Match, 8 bytes, then the keys: u32 predicate, u32 bytes of keys that follow (KEYS_LOST when they did not fit)
// Keys: for each key u32 type code (high bit: optional), u32 count, then the values: strings as u32 length and the
// bytes padded to a multiple of 4, everything else as 8 bytes.
export const EVENT_HEADER_BYTES = 48;
export const EVENT_HAS_TIEBREAKER = 1;
export const EVENT_HAS_TIME = 2;
export const MATCH_BYTES = 8;
export const KEYS_LOST = 0xffffffff;
export const KEY_OPTIONAL = 0x80000000;

// Late tests. Some predicates need more than the event at hand: events that earlier stages took, or what is known of the
// event's process. They are not run in `run`; the runtime calls them when the order of events is certain:
//   late_begin()                                   forgets the last test's events
//   late_event(root, address, length) -> i32       reads one line (with its line feed) in the late region: root 0 is the
//                                                  event at hand, root n + 1 the event of stage n; 0 when it is broken
//   late_test(predicate) -> i32                    1 when it holds; the match and its keys then stand at output_base, as
//                                                  the output has them but without an event header. -1 when it needs more
//                                                  memory than there is: tests since late_begin share it
// Lineage flags, one byte each, stand at lineage_flags: 1 when the event at hand is a descendant (child, event) of what
// the flag's query asks for. The runtime sets them before a late test.

// Box, 16 bytes: a value of the endgame dialect, whose type only the event decides. Address 0 is null.
//   +0 u32 tag   +4 u32 length   +8 the value: boolean 0 or 1, i64, f64, or u32 address of a string's UTF-8 or of the JSON
//   text of an array or object
// A truth is an i32: 0 false, 1 true, 2 null.
// Path step, 24 bytes: u32 index or BOX_KEY, u32 key address, u32 key length, u32 and u32 the same of the folded key, u32 0
// Constant list, 24 bytes: u32 address of boxes (numbers and booleans), u32 their count, u32 symbol table, u32 its mask,
//   u32 longest literal, u32 lengths, the table being one of folded strings as in a symbol group
export const BOX_BYTES = 16;
export const BOX_BOOLEAN = 1;
export const BOX_INTEGER = 2;
export const BOX_FLOAT = 3;
export const BOX_STRING = 4;
export const BOX_ARRAY = 5;
export const BOX_OBJECT = 6;
export const BOX_KEY = 0xffffffff;
export const PATH_STEP_BYTES = 24;

// Module interface. Imports stand under the module name "kestrel".
//   f64_parse(address: i32, length: i32) -> f64    text of a JSON number to the nearest double; only for the rare number
//                                                  that the prelude's exact path does not cover
//   f64_format(value: f64, address: i32) -> i32    writes the shortest text, returns its length, at most FORMAT_BYTES
// Exports: memory, abi_version (i32 global), input_base, input_capacity, output_base (i32 globals), and
//   late_base, late_capacity, lineage_flags (i32 globals), late_begin, late_event, late_test: see above
//   run(address: i32, length: i32) -> i32          0 when the input is used up, 1 when the output region is full
export const IMPORT_MODULE = "kestrel";
export const FORMAT_BYTES = 32;
export const INPUT_PADDING = 64;

// The contract between the code that eqlc generates, the prelude it is built on, and the runtime that loads it.
// AssemblyScript (stdlib/prelude), the compiler and the runtime all import this file, so it holds literal constants only.
//
// Each layout is drawn above its constants: one for every field, and ..._BYTES for the whole. test/src/abi.test.ts checks
// that the fields of a layout do not overlap and fill it.
//
// Linear memory of a package module, low to high. Only the addresses marked "fixed" are constants; eqlc lays out the rest
// for each pack and exports what the runtime needs.
//
//   fixed  0        guard: never read, so that a null pointer is a zero-length string
//   fixed  1024     control block (CONTROL_*): counters and the result of the last `run`
//   fixed  4096     static data of the prelude
//   fixed  65536    state: slots, the list of those that are filled, lineage flags, rests of foreign code, then what is valid while a version or
//                   a generation lasts: folded slots, symbol records, memo words, and predicate stamps
//          data     path table, literals, symbol tables, patterns, postings
//          members  what is remembered of keys and values, from event to event
//          arena    scratch of one event: unescaped strings, lists, folded copies
//          output   what `run` found: event headers, matches, keys
//          input    the batch of NDJSON lines, exported as input_base / input_capacity
//          late     the lines of late tests, exported as late_base / late_capacity; of an instance that makes none, what is read of files
//          foreign  the text that foreign code matches a pattern with, exported as foreign_base / foreign_capacity; only where there is some

/** Raised whenever anything in this file changes its meaning; a loader refuses every other version. */
export const ABI_VERSION = 8;

export const CONTROL_BASE = 1024;
export const PRELUDE_DATA_BASE = 4096;
export const PACK_DATA_BASE = 65536;
/** The prelude reads whole blocks of this size, so it may read as far past a range; every region ends in padding. */
export const BLOCK_BYTES = 16;
export const INPUT_PADDING = 64;

// Sizes. What must hold between them for the memory to be safe is checked in memory-layout.ts whenever a pack is lowered.

/** The longest line that a module can judge, its line feed not counted: 4 MiB. */
export const LONGEST_LINE = 0x400000;
/** The longest line with its line feed, and the padding. */
export const INPUT_BYTES = 0x400041;
/** How many of the longest lines one late test may need: the event at hand and those of three stages. */
export const LATE_LINES = 4;
export const LATE_BYTES = 0x1000044;
/** The longest text that foreign code may match a pattern with: all that it can hold, 16 MiB. */
export const FOREIGN_TEXT_BYTES = 0x1000000;

/** Texts joined by concat beyond this make the event too large. */
export const LONGEST_JOIN = 0x1000000;
/** What concat asks the arena for then: more than it can have. */
export const OVERSIZE_REQUEST = 0x7fffffff;
/** A repaired text takes at most so many times the bytes of the broken one: U+FFFD has three, for one at least. */
export const REPAIR_GROWTH = 3;
/** A folded text is longer by at most its length shifted right by this: folding makes two bytes three at worst. */
export const FOLD_SHIFT = 1;

// These are virtual sizes; only the pages that events need are ever touched.

/** Scratch of one event. */
export const ARENA_BYTES = 0x4000000;
/** What every allocation of a full arena is given. */
export const OVERFLOW_BYTES = 0x2000000;
export const OUTPUT_BYTES = 0x200000;
/** What the output region has in addition for each predicate of the pack. */
export const OUTPUT_BYTES_A_PREDICATE = 16;

/** Half of what 32 bits can address, so that an address and the size of an allocation never wrap when they are added. */
export const MEMORY_END = 0x80000000;

// Control block: offsets from CONTROL_BASE. Counters are u64 and only grow; the runtime reads differences.

/** u32: bytes of the input that the last `run` consumed (always whole lines). */
export const CONTROL_CONSUMED = 0;
/** u32: bytes written to the output region by the last `run`. */
export const CONTROL_OUTPUT_BYTES = 4;
/** u32: broken lines recorded by the last `run`, at most BROKEN_LIMIT; more are only counted. */
export const CONTROL_BROKEN_RECORDS = 8;
/** u32: lines that the last `run` consumed, blank and broken ones included. */
export const CONTROL_BATCH_LINES = 12;
/** i64: how far the stream has come, in nanoseconds from 0; only grows. See "The clock of a stream" below. */
export const CONTROL_CLOCK = 16;
/** u64 counters. */
export const CONTROL_EVENTS = 24;
export const CONTROL_BLANK = 32;
export const CONTROL_BROKEN = 40;
/** Values that their field's type could not take, see schema/types.ts. */
export const CONTROL_MALFORMED = 48;
/** Strings in which invalid UTF-8 was replaced by U+FFFD. */
export const CONTROL_REPLACED = 56;
/** Events without a readable timestamp; they take the time of the timed event that arrived last. */
export const CONTROL_UNTIMED = 64;
/** Matches whose join keys did not fit the output region. */
export const CONTROL_KEY_OVERFLOW = 72;
/** Leaves that gave up because their fields had too many combinations of values. */
export const CONTROL_COMBINATIONS = 80;
/** Predicates that were evaluated, a measure of how well the witness index narrows. */
export const CONTROL_EVALUATED = 88;
/** i64: the greatest event time that the clock believes. Starts at NO_TIME, the least i64, as the three times below do. */
export const CONTROL_NEWEST = 96;
/** i64: time of the timed event that was read last, which one without a time takes. */
export const CONTROL_LAST = 104;
/** i64: greatest event time seen. */
export const CONTROL_GREATEST = 112;
/** i64: greatest time of the events that CONTROL_BEHIND counts. */
export const CONTROL_BEHIND_NEWEST = 120;
/** i64, set by the runtime, above 0: how far one event may move the clock. */
export const CONTROL_STEP = 128;
/** u64: events in a row that stood more than a step below the newest time. */
export const CONTROL_BEHIND = 136;
/** u64 counters: events more than a step ahead of the newest time, and how often the newest time was taken back. */
export const CONTROL_LEAPS = 144;
export const CONTROL_RETURNS = 152;
/** u32: what a number in the time field counts, a TIME_UNIT_* code; the runtime sets it to override what eqlc built in. */
export const CONTROL_TIME_UNIT = 160;
/** u64 counter: events with a time before 1990 or after 2099, which tells of a wrong unit or a wrong clock. */
export const CONTROL_IMPLAUSIBLE = 168;
/** u32: line within the batch of the event that is being evaluated, for what the module asks its host meanwhile. */
export const CONTROL_LINE = 176;
/** u32: lines that one `run` reads at most; the runtime sets it, 0 for as many as there are. */
export const CONTROL_MOST_LINES = 180;
/** The table of broken-line records, BROKEN_LIMIT of them. */
export const CONTROL_BROKEN_TABLE = 256;

// The clock of a stream, which decides what may be forgotten and when a timer is due. It is no event time: it counts the
// nanoseconds by which the newest event time grew, a step at most for each event, so that one event stamped 2262 moves it by
// a minute and not by two centuries. Such an event is believed all the same, because a stream may have slept for a year. But
// when CLOCK_RETURN_AFTER events in a row stand more than a step below it, it was wrong, and the newest time is theirs again.
export const CLOCK_RETURN_AFTER = 1000;

// Broken-line record, 16 bytes:
//   +0 u32 line within the batch   +4 u32 offset in the input   +8 u32 reason, a BROKEN_* code   +12 u32 unused
export const BROKEN_RECORD_LINE = 0;
export const BROKEN_RECORD_OFFSET = 4;
export const BROKEN_RECORD_REASON = 8;
export const BROKEN_RECORD_BYTES = 16;
export const BROKEN_LIMIT = 32;

// Why a line is broken.
export const BROKEN_SYNTAX = 1;
export const BROKEN_NOT_OBJECT = 2;
export const BROKEN_DEPTH = 3;
export const BROKEN_SIZE = 4;

/** Nesting at which a line is given up as broken. */
export const DEPTH_LIMIT = 64;
/** Combinations of values that one leaf tries before it gives up and is counted. */
export const COMBINATION_LIMIT = 65536;
/**
 * In the elastic dialect every 2^10 bytes of a text count as a combination more. Otherwise an event of 600 KB, half of it one
 * text and half of it 60,000 values that are looked for in it, would take a minute.
 */
export const COMBINATION_BYTES_SHIFT = 10;

// Field type codes, as the path table and join keys hold them.
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
/** The time of an event, stored as a date; what a number counts is a TIME_UNIT_*. */
export const TYPE_TIME = 8;

/** A long; the first of an event is its tiebreaker too, for which it may have any value to the greatest u64. */
export const TYPE_TIEBREAKER = 9;

// What a number counts in the time field: units since 1970, or 100 ns since 1601 (FILETIME). AUTO tells by the magnitude.
export const TIME_UNIT_BUILT_IN = 0;
export const TIME_UNIT_AUTO = 1;
export const TIME_UNIT_SECONDS = 2;
export const TIME_UNIT_MILLISECONDS = 3;
export const TIME_UNIT_MICROSECONDS = 4;
export const TIME_UNIT_NANOSECONDS = 5;
export const TIME_UNIT_FILETIME = 6;

// Value, 8 bytes: a string is {u32 address, u32 length in bytes of UTF-8}; a long i64; a date i64 nanoseconds since 1970; a
// double f64; a boolean i64 0 or 1.
export const VALUE_ADDRESS = 0;
export const VALUE_LENGTH = 4;
export const VALUE_BYTES = 8;
/** Values times this power of two are bytes. */
export const VALUE_SHIFT = 3;

// Slot, 16 bytes, one for each field the pack reads; count 0 is a missing field:
//   +0 u32 count   +4 u32 version   +8 the value when count is 1, else u32 address of the list of values
// Versions count all values that are read, and a slot has that of its newest. So the same version of a slot is the same values,
// also in another event: see stdlib/prelude/follow.ts.
export const SLOT_COUNT = 0;
export const SLOT_VERSION = 4;
export const SLOT_VALUE = 8;
export const SLOT_BYTES = 16;
/** Beyond it versions begin anew, and what is stamped with them is cleared; a memo word has so many bits less its result. */
export const VERSION_LIMIT = 0x70000000;

// Derived records are valid while their stamp equals the version of their slot.
// Folded slot, 400 bytes:
//   +0 u32 stamp   +4 u32 unused   +8 as in a slot   +16 room for short texts, their list in front of them where there are several
export const FOLDED_STAMP = 0;
export const FOLDED_VALUE = 8;
export const FOLDED_ROOM = 16;
export const FOLDED_BYTES = 400;
// Symbol record, 64 bytes:
//   +0 u32 stamp   +4 u32 address of the list of more symbols than there is room for
//   of what the symbols say to the index: +8 u32 stamp   +12 u32 what visitFound is to visit, or 0   +16 u64 guards that hold
//   +24 room for SYMBOLS_KEPT symbols
export const SYMBOLS_STAMP = 0;
export const SYMBOLS_LIST = 4;
export const SYMBOLS_SAID = 8;
export const SYMBOLS_FOUND = 12;
export const SYMBOLS_GUARDS = 16;
export const SYMBOLS_ROOM = 24;
export const SYMBOLS_KEPT = 10;
export const SYMBOLS_BYTES = 64;
export const SYMBOL_BYTES = 4;

// Member, 2112 bytes (33 lines of a processor's cache: a power of two of them would be mapped to few of its sets): a key that has
// been seen in an object, and the value that stood there last. See stdlib/prelude/follow.ts.
//   +0 the slot as the value filled it; its texts stand in the member
//   +16 u32 slot address, 0 when the value fills none   +20 u32 bytes of key and value, 0 when the value is not remembered
//   +24 u32 bytes of the key: its quotes, the colon, and blanks to where the value begins
//   +28 u32 member expected after this one   +32 u32 member expected first in the object that is its value
//   +36 u32 1 when the value is an object that is followed: then its text ends with the brace that opens it
//   +40 text: key and value, here so that one or two lines hold all that is read of most members
//   +1080 u32 path entry, 0 when no rule reads it   +1084 u32 node   +1088 u32 depth of the object
//   +1092 u32 next member with the same hash   +1096 u32 MEMBER_IS_*   +1100 u32 while its object is followed: the member around it
//   +1104 room for a list of MEMBER_LIST_VALUES values   +1168 room for an unescaped text
export const MEMBER_SLOT_IMAGE = 0;
export const MEMBER_SLOT = 16;
export const MEMBER_LENGTH = 20;
export const MEMBER_KEY_LENGTH = 24;
export const MEMBER_NEXT = 28;
export const MEMBER_FIRST = 32;
export const MEMBER_OPENS = 36;
export const MEMBER_TEXT = 40;
export const MEMBER_ENTRY = 1080;
export const MEMBER_NODE = 1084;
export const MEMBER_DEPTH = 1088;
export const MEMBER_CHAIN = 1092;
export const MEMBER_KIND = 1096;
export const MEMBER_AROUND = 1100;
export const MEMBER_LIST = 1104;
export const MEMBER_LIST_VALUES = 8;
export const MEMBER_UNESCAPED = 1168;
export const MEMBER_BYTES = 2112;
/** Key and value are remembered up to so many bytes together; blocks are written and read beyond them. */
export const MEMBER_TEXT_LIMIT = 1024;
export const MEMBER_UNESCAPED_LIMIT = 928;
/** Longer keys have no member. */
export const MEMBER_KEY_LIMIT = 128;
/** The value may be remembered. */
export const MEMBER_IS_PLAIN = 0;
/** Reading the value does more than fill one slot. */
export const MEMBER_IS_OTHER = 1;
/** As MEMBER_IS_PLAIN, and the slot holds strings. */
export const MEMBER_IS_KEYWORD = 2;
/** How many members there are, and heads of the lists of those with one hash; a power of two. */
export const MEMBER_COUNT = 1024;
export const MEMBER_HEADS = 1024;
export const MEMBER_HEAD_BYTES = 4;
export const MEMBER_REGION_BYTES = 0x211000;

// Predicate stamps, a u32 each: the generation of the event for which the predicate was visited last.
// Memo words, a u32 each: the generation for which an atom was tested last, or the version of its slot when it asks one reading,
// above one bit of result. So both have 31 bits; behind their limits the state is cleared and they start again.
export const STAMP_BYTES = 4;
export const MEMO_BYTES = 4;
export const MEMO_RESULT_BITS = 1;
export const GENERATION_LIMIT = 0x7fffffff;

// Path table: open addressing over (node, key), hashed as findEntry in stdlib/prelude/decode.ts and hashKey in the compiler's
// path-table.ts have it. Entry, 32 bytes; one whose key length is PATH_FREE is free:
//   +0 u64 first 8 key bytes (zero padded)  +8 u32 key address  +12 u32 key length
//   +16 u32 node  +20 u32 child node, 0 if none  +24 u32 slot address, 0 if none
//   +28 u32 type code, and above its PATH_TYPE_BITS bits the readings
// Readings: further slots that the same value goes to; counted in pairs from the readings table's start, 0 if none.
// Nodes are numbered from 0, which is the root of the event at hand. Elements of arrays and the events of earlier stages
// have roots of their own.
export const PATH_ENTRY_START = 0;
export const PATH_ENTRY_KEY = 8;
export const PATH_ENTRY_KEY_LENGTH = 12;
export const PATH_ENTRY_NODE = 16;
export const PATH_ENTRY_CHILD = 20;
export const PATH_ENTRY_SLOT = 24;
export const PATH_ENTRY_TYPE = 28;
export const PATH_ENTRY_BYTES = 32;
export const PATH_TYPE_BITS = 8;
export const PATH_FREE = 0xffffffff;

// Reading, 8 bytes; a path's readings end with one whose slot is 0:
//   +0 u32 slot address   +4 u32 type code
export const READING_SLOT = 0;
export const READING_TYPE = 4;
export const READING_BYTES = 8;

// Element descriptor, 12 bytes: where nextElement puts the values of one element of an array.
//   +0 u32 first slot   +4 u32 address behind the last slot   +8 u32 path entry of the element itself
export const ELEMENT_SLOTS = 0;
export const ELEMENT_SLOTS_END = 4;
export const ELEMENT_PATH_ENTRY = 8;
export const ELEMENT_BYTES = 12;

// Symbol group, 32 bytes: what a pack knows about the literals of one field, raw or folded.
//   +0 u32 slot address    +4 u32 folded record address, 0 when raw   +8 u32 symbol record address
//   +12 u32 table address  +16 u32 table mask (entries - 1)           +20 u32 longest literal in bytes
//   +24 u32 address of the facts of its symbols, 0 where the index asks nothing of the group
//   +28 u32 lengths: bit n is set when a literal's length is n modulo 32
export const GROUP_SLOT = 0;
export const GROUP_FOLDED = 4;
export const GROUP_RECORD = 8;
export const GROUP_TABLE = 12;
export const GROUP_MASK = 16;
export const GROUP_LONGEST = 20;
export const GROUP_FACTS = 24;
export const GROUP_LENGTHS = 28;
export const GROUP_BYTES = 32;
/** A length's bits that choose its bit in `lengths`. */
export const LENGTHS_MASK = 31;

// Symbol table: open addressing, hashed as hashText in stdlib/prelude/bytes.ts and the compiler's symbol-tables.ts have it.
// Entry, 16 bytes; one whose symbol is 0 is free:
//   +0 u32 hash   +4 u32 literal address   +8 u32 literal length   +12 u32 symbol
export const SYMBOL_ENTRY_HASH = 0;
export const SYMBOL_ENTRY_ADDRESS = 4;
export const SYMBOL_ENTRY_LENGTH = 8;
export const SYMBOL_ENTRY_SYMBOL = 12;
export const SYMBOL_ENTRY_BYTES = 16;

// Facts of a symbol, 16 bytes, for each symbol of a group from 0, which is any other text:
//   +0 u64 guards that an event with the text meets   +8 u32 address of its posting list or 0   +12 u32 unused
export const FACTS_GUARDS = 0;
export const FACTS_POSTINGS = 8;
export const FACTS_BYTES = 16;

// Posting list: u32 count, u32 unused, then so many postings. Posting, 16 bytes:
//   +0 u64 guards that the predicate needs, all of them   +8 u32 predicate   +12 u32 unused
export const POSTINGS_COUNT = 0;
export const POSTINGS_BYTES = 8;
export const POSTING_GUARDS = 0;
export const POSTING_PREDICATE = 8;
export const POSTING_BYTES = 16;

// Literal group, 40 bytes: the texts that a value of one field may contain, raw or folded. See stdlib/prelude/literals.ts.
//   +0 u32 slot address     +4 u32 folded slot address, 0 when raw   +8 u32 literal record address
//   +12 u32 filter address, 0 where there are buckets   +16 u32 shift that leaves the bits of a hash that number a bit of the filter
//   +20 u32 table address   +24 u32 shift that leaves those that number an entry   +28 u32 table mask (entries - 1)
//   +32 u32 what a gram is multiplied by to be hashed   +36 u32 buckets address, 0 where there is a filter
export const LITERALS_SLOT = 0;
export const LITERALS_FOLDED = 4;
export const LITERALS_RECORD = 8;
export const LITERALS_FILTER = 12;
export const LITERALS_FILTER_SHIFT = 16;
export const LITERALS_TABLE = 20;
export const LITERALS_TABLE_SHIFT = 24;
export const LITERALS_MASK = 28;
export const LITERALS_FACTOR = 32;
export const LITERALS_BUCKETS = 36;
export const LITERALS_BYTES = 40;
/** A literal is found by four of its bytes, read as a u32; of a folded field with the case bit of each set. */
export const GRAM_BYTES = 4;

// Gram entry, 8 bytes; open addressing, one without literals is free:
//   +0 u32 gram   +4 u32 address of its literals
// Its literals: u32 count, u32 unused, then so many. Literal, 24 bytes:
//   +0 u32 text address   +4 u32 text bytes   +8 u32 bytes before the gram   +12 u32 address of its posting list
//   +16 u32 address of its stamp   +20 u32 unused
export const GRAM_ENTRY_GRAM = 0;
export const GRAM_ENTRY_LITERALS = 4;
export const GRAM_ENTRY_BYTES = 8;
export const GRAM_LITERALS_COUNT = 0;
export const GRAM_LITERALS_BYTES = 8;
export const LITERAL_ADDRESS = 0;
export const LITERAL_LENGTH = 4;
export const LITERAL_BEFORE = 8;
export const LITERAL_POSTINGS = 12;
export const LITERAL_STAMP = 16;
export const LITERAL_BYTES = 24;

// Literal record, 64 bytes, valid while its stamp equals the version of the slot: the posting lists of the literals that the values contain.
//   +0 u32 stamp   +4 u32 count, LITERALS_MANY when there is no room for all of them   +8 room for LITERALS_KEPT lists
export const LITERAL_RECORD_STAMP = 0;
export const LITERAL_RECORD_COUNT = 4;
export const LITERAL_RECORD_ROOM = 8;
export const LITERAL_RECORD_BYTES = 64;
export const LITERALS_KEPT = 14;
export const LITERALS_MANY = 0xffffffff;

// Found lists: a u32 for each symbol group with facts, and behind them nothing. Each is the address of a posting list that the event
// found, or, for a field with several values, of the group's descriptor and one.
export const FOUND_BYTES = 4;
export const FOUND_GROUP = 1;

// Output: for each event with a match, in input order, a header and its matches, each followed by its keys. Where they are those of the event before it
// in the output, they do not follow.
// Event header, 48 bytes:
//   +0 u32 line within the batch  +4 u32 line address  +8 u32 line bytes  +12 u32 matches
//   +16 i64 time in ns  +24 i64 the clock when it arrived, its own effect included  +32 i64 tiebreaker  +40 u32 flags
//   +44 u32 sum of the line's bytes, by which it is known again (sumOf in stdlib/prelude/bytes.ts)
export const EVENT_HEADER_LINE = 0;
export const EVENT_HEADER_ADDRESS = 4;
export const EVENT_HEADER_LENGTH = 8;
export const EVENT_HEADER_MATCHES = 12;
export const EVENT_HEADER_TIME = 16;
export const EVENT_HEADER_CLOCK = 24;
export const EVENT_HEADER_TIEBREAKER = 32;
export const EVENT_HEADER_FLAGS = 40;
export const EVENT_HEADER_SUM = 44;
export const EVENT_HEADER_BYTES = 48;
/** What the words of a line's sum are mixed with. */
export const SUM_FACTOR = 0x9e3779b1;
export const SUM_SHIFT = 15;
export const EVENT_HAS_TIEBREAKER = 1;
export const EVENT_HAS_TIME = 2;
/** The tiebreaker is a u64. */
export const EVENT_TIEBREAKER_UNSIGNED = 4;
/** The matches are those of the event before, with their keys. */
export const EVENT_MATCHES_AS_BEFORE = 8;

// Match, 8 bytes, then the keys:
//   +0 u32 predicate   +4 u32 bytes of keys that follow (KEYS_LOST when they did not fit)
export const MATCH_PREDICATE = 0;
export const MATCH_KEY_BYTES = 4;
export const MATCH_BYTES = 8;
export const KEYS_LOST = 0xffffffff;

// Key, 8 bytes, then its values: strings as a text, everything else as 8 bytes.
//   +0 u32 type code and KEY_OPTIONAL   +4 u32 count
// Text of a key: u32 length, then the bytes, padded with zeros to a multiple of 4, so that equal keys are equal words.
export const KEY_TYPE = 0;
export const KEY_COUNT = 4;
export const KEY_HEADER_BYTES = 8;
export const KEY_OPTIONAL = 0x80000000;
export const KEY_TEXT_LENGTH = 0;
export const KEY_TEXT_START = 4;
/** A text is padded to a multiple of 4; this is the mask of what is left over. */
export const KEY_TEXT_PADDING = 3;

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
export const LATE_ROOT_EVENT = 0;
export const LATE_ROOT_STAGES = 1;
export const LATE_BROKEN = 0;
export const LATE_READ = 1;
export const LATE_NO_MEMORY = -1;
/** The path table's node of each stage's event, 0 when no field of it is read. */
export const STAGE_NODE_BYTES = 4;

// Box, 16 bytes: a value of the endgame dialect, whose type only the event decides. Address 0 is null.
//   +0 u32 tag   +4 u32 length   +8 the value: boolean 0 or 1, i64, f64, or u32 address of a string's UTF-8 or of the JSON
//   text of an array or object
export const BOX_TAG = 0;
export const BOX_LENGTH = 4;
export const BOX_VALUE = 8;
export const BOX_BYTES = 16;
export const BOX_BOOLEAN = 1;
export const BOX_INTEGER = 2;
export const BOX_FLOAT = 3;
export const BOX_STRING = 4;
export const BOX_ARRAY = 5;
export const BOX_OBJECT = 6;

// A truth is an i32: 0 false, 1 true, 2 null.
export const TRUTH_NULL = 2;

// Operators of boxArithmetic and boxOrder.
export const ARITHMETIC_ADD = 0;
export const ARITHMETIC_SUBTRACT = 1;
export const ARITHMETIC_MULTIPLY = 2;
export const ARITHMETIC_DIVIDE = 3;
export const ARITHMETIC_REMAINDER = 4;
export const ORDER_LESS = 0;
export const ORDER_LESS_EQUAL = 1;
export const ORDER_GREATER = 2;
export const ORDER_GREATER_EQUAL = 3;

// Path step, 24 bytes: into an array by index, or into an object by key.
//   +0 u32 index or BOX_KEY   +4 u32 key address   +8 u32 key length   +12 and +16 u32 the same of the folded key
//   +20 u32 unused
export const PATH_STEP_INDEX = 0;
export const PATH_STEP_KEY = 4;
export const PATH_STEP_KEY_LENGTH = 8;
export const PATH_STEP_FOLDED = 12;
export const PATH_STEP_FOLDED_LENGTH = 16;
export const PATH_STEP_BYTES = 24;
export const BOX_KEY = 0xffffffff;

// Constant list, 24 bytes: what `in` compares a box with.
//   +0 u32 address of boxes (numbers and booleans)   +4 u32 their count
//   +8 u32 symbol table of folded strings   +12 u32 its mask   +16 u32 longest literal   +20 u32 lengths, as in a symbol group
export const CONSTANT_LIST_BOXES = 0;
export const CONSTANT_LIST_COUNT = 4;
export const CONSTANT_LIST_TABLE = 8;
export const CONSTANT_LIST_MASK = 12;
export const CONSTANT_LIST_LONGEST = 16;
export const CONSTANT_LIST_LENGTHS = 20;
export const CONSTANT_LIST_BYTES = 24;

// Case-folding range, 16 bytes: every step-th code point from start to end moves by delta.
//   +0 u32 start   +4 u32 end   +8 u32 step   +12 i32 delta
export const FOLD_RANGE_START = 0;
export const FOLD_RANGE_END = 4;
export const FOLD_RANGE_STEP = 8;
export const FOLD_RANGE_DELTA = 12;
export const FOLD_RANGE_BYTES = 16;

// Address range, 40 bytes: an address of the family lies in it when it is the network under the mask.
//   +0 u32 family, 4 or 6   +4 u32 unused   +8 u64 and +16 u64 network, high and low half   +24 u64 and +32 u64 mask
export const ADDRESS_RANGE_FAMILY = 0;
export const ADDRESS_RANGE_NETWORK_HIGH = 8;
export const ADDRESS_RANGE_NETWORK_LOW = 16;
export const ADDRESS_RANGE_MASK_HIGH = 24;
export const ADDRESS_RANGE_MASK_LOW = 32;
export const ADDRESS_RANGE_BYTES = 40;

// Glob: a header of 4 bytes, then the segments, which are what stands between two `*`.
//   +0 u8 flags: GLOB_ANCHORED_*   +1 u8 0   +2 u16 number of segments
// Segment: 4 bytes, then its UTF-8, with each `?` as the byte GLOB_ANY_ONE (which UTF-8 never uses).
//   +0 u16 length of its bytes   +2 u8 GLOB_ANY_IN_FRONT, or GLOB_ANY_WITHIN when a `?` stands behind text, or 0 when none does   +3 u8 0
export const GLOB_FLAGS = 0;
export const GLOB_SEGMENTS = 2;
export const GLOB_HEADER_BYTES = 4;
export const GLOB_SEGMENT_LENGTH = 0;
export const GLOB_SEGMENT_HAS_ANY = 2;
export const GLOB_SEGMENT_HEADER_BYTES = 4;
export const GLOB_ANY_WITHIN = 1;
export const GLOB_ANY_IN_FRONT = 2;
export const GLOB_ANCHORED_START = 1;
export const GLOB_ANCHORED_END = 2;
export const GLOB_ANY_ONE = 0xff;

// Wildcards that ignore case, as a text is asked that is not folded: a header of 16 bytes, then 16 bytes for each that asks for a text of ASCII.
//   +0 u32 so many of the first bytes must be ASCII, and +4 u32 so many of the last   +8 u32 number of those wildcards
//   +12 u32 folded slot of what is asked
// Each: +0 u32 address of its text, folded   +4 u32 length of this   +8 u32 `?` in front of it   +12 u32 UNFOLDED_*
export const UNFOLDED_FRONT = 0;
export const UNFOLDED_BACK = 4;
export const UNFOLDED_COUNT = 8;
export const UNFOLDED_RECORD = 12;
export const UNFOLDED_HEADER_BYTES = 16;
export const UNFOLDED_TEXT_ADDRESS = 0;
export const UNFOLDED_TEXT_LENGTH = 4;
export const UNFOLDED_TEXT_ANY = 8;
export const UNFOLDED_TEXT_FLAGS = 12;
export const UNFOLDED_TEXT_BYTES = 16;
/** The text stands at the end. */
export const UNFOLDED_AT_END = 1;
/** The text stands anywhere. */
export const UNFOLDED_WITHIN = 2;
/** There is nothing else to the wildcard. */
export const UNFOLDED_DECIDES = 4;
/** The answers: no wildcard matches, one does, or it takes the folded text to know. */
export const UNFOLDED_NO = 0;
export const UNFOLDED_YES = 1;
export const UNFOLDED_OPEN = 2;

// DFA: a header of 16 bytes, then the three tables, one behind the other.
//   +0 u32 states   +4 u32 classes   +8 u32 start   +12 u32 0
//   classes   u8 for each of 256 bytes: its class
//   accept    u8 for each state, padded to 4: 1 where the value may end
//   next      u16 for each state and class, padded to 4: the state that follows; 0 is dead
export const DFA_STATES = 0;
export const DFA_CLASS_COUNT = 4;
export const DFA_START = 8;
export const DFA_HEADER_BYTES = 16;
export const DFA_CLASSES_BYTES = 256;
/** Tables are padded to a multiple of 4; this is the mask of what is left over. */
export const DFA_PADDING = 3;
export const DFA_NEXT_BYTES = 2;

// NFA: a header of 16 bytes, then the states.
//   +0 u32 states   +4 u32 start   +8 u64 0
// State, 8 bytes: a range goes to `a` on a byte from lo to hi (on none when lo > hi), a split to `a` and to `b` without one.
//   +0 u8 NFA_MATCH, NFA_RANGE or NFA_SPLIT   +1 u8 lo   +2 u8 hi   +3 u8 0   +4 u16 a   +6 u16 b
export const NFA_STATES = 0;
export const NFA_START = 4;
export const NFA_HEADER_BYTES = 16;
export const NFA_STATE_OP = 0;
export const NFA_STATE_LOW = 1;
export const NFA_STATE_HIGH = 2;
export const NFA_STATE_A = 4;
export const NFA_STATE_B = 6;
export const NFA_STATE_BYTES = 8;
export const NFA_MATCH = 0;
export const NFA_RANGE = 1;
export const NFA_SPLIT = 2;

// Module interface. Imports stand under the module name "kestrel".
//   f64_parse(address: i32, length: i32) -> f64    text of a JSON number to the nearest double; only for the rare number
//                                                  that the prelude's exact path does not cover
//   f64_format(value: f64, address: i32) -> i32    writes the shortest text, returns its length, at most FORMAT_BYTES
//   foreign_test(foreign: i32) -> i32              1 when foreign code of the pack says yes to the event in the slots; only
//                                                  imported where there is some. It may call foreign_match, and nothing else
// Exports: memory, abi_version (i32 global), input_base, input_capacity, output_base (i32 globals), and
//   late_base, late_capacity, lineage_flags (i32 globals), late_begin, late_event, late_test: see above
//   where there is foreign code:
//   foreign_base, foreign_capacity (i32 globals), foreign_match(pattern: i32, length: i32) -> i32
//                                                  whether a pattern of it matches the text of that length at foreign_base
//   foreign_rests (i32 global)                     address of a word for each: the next so many events it says no to, and
//                                                  foreign_test is not called; the host sets it, the module counts it down
//   predicate_count, flag_count (i32 globals)      how many predicates and lineage flags there are: a manifest names no others
//   run(address: i32, length: i32) -> i32          RUN_DONE when the input is used up, RUN_FULL when the output region is, or
//                                                  CONTROL_MOST_LINES were read
export const IMPORT_MODULE = "kestrel";
export const FOREIGN_REST_BYTES = 4;
export const RUN_DONE = 0;
export const RUN_FULL = 1;
export const FORMAT_BYTES = 32;

// Host API v1: what a hand-written predicate may ask of its host, the same for Wasm and Lua. The Wasm imports, the Lua table, the
// AssemblyScript library and docs/host-api.md are made from this table or checked against it.
//
// Wasm: functions of the import module "kestrel". Lua: functions of the global table `kestrel`.
//
//   exports of a module         in Lua                        when
//   pred_init(ctx)    -> i32    pred_init()     -> number     optional; once, after loading; 0 is success
//   pred_eval(event, ctx) -> i32  pred_eval(event) -> boolean   each event that may match; not 0 is a match
//   pred_capture(event, ctx) -> i32  pred_capture(event) -> table  optional; after a match; see below
//   memory                      -                             what addresses mean
//
// A module may leave `ctx` out; it is 0. `event` is the event at hand, which is EVENT_HANDLE, and no other exists.
//
// What pred_capture returns in Wasm is 0, or the address of a record of u32, all little-endian: the number of captures, then for
// each the address and length of its name, and the address and length of its value, both UTF-8.
//
// Every function of the API: an `event` other than EVENT_HANDLE, an address outside of the memory, or a field, pattern or index that
// the package does not have is a fault, which ends the evaluation. A field of another type than the function's reads as one that is
// missing. Of several values the first counts where no index is given; indexes count from 0.

/** The handle of the event at hand. */
export const EVENT_HANDLE = 1;

/** What is charged for one evaluation, and what an instance may hold. A package may ask for less, never for more. */
export const FOREIGN_FUEL = 1_000_000;
export const FOREIGN_MEMORY_BYTES = 16 * 1024 * 1024;
/**
 * A net under what fuel does not count well; only looked at now and then. Fuel has to decide, on slow machines too, or a replay would find
 * less than the run did: a million steps of Lua take a twentieth of this.
 */
export const FOREIGN_MILLISECONDS = 5000;

/**
 * The global that counts what is left of an evaluation's fuel, an i32, which eqlc adds to every module. It is below 0 exactly when the
 * module was stopped for a limit, and NO_MEMORY when that was the memory's.
 */
export const FUEL_EXPORT = "kestrel:fuel";
export const NO_MEMORY = -0x8000_0000;

/**
 * What the frames of a module's functions may take of the stack together, as eqlc estimates them, without the first; and the global that counts what is
 * left of it, an i32, which is below 0 exactly when the module was stopped for that. The engine has three times as much.
 */
export const FOREIGN_STACK_BYTES = 256 * 1024;
export const DEPTH_EXPORT = "kestrel:depth";
/**
 * The estimate for a function: a part for every frame, one for each variable and operand, and one for each instruction: the engine's better code keeps what
 * an instruction gave for the same one behind a call, in 8 bytes of the frame, 16 of a vector's. So a frame should be at most twice its estimate; nothing that was tried took more, and no engine promises it.
 */
export const FRAME_BYTES = 128;
export const FRAME_VALUE_BYTES = 16;
export const FRAME_VECTOR_BYTES = 32;
export const INSTRUCTION_BYTES = 4;
export const VECTOR_INSTRUCTION_BYTES = 8;
/** A function whose variables and operands take more is refused. */
export const MOST_FRAME_BYTES = 128 * 1024;

/**
 * Code that fails so often in a row, or so often by a limit while it is on probation, is left out for a while: first for so many of its events, then for
 * twice as many, up to the most.
 */
export const FAULTS_TO_QUARANTINE = 3;
export const QUARANTINE_EVENTS = 1000;
export const QUARANTINE_MOST = 1_000_000;

/**
 * Code that a limit has stopped is on probation until it answers: an evaluation has this part of its fuel, or that part of it which its last quarantine is
 * of the longest. So code that never ends takes one and a half times its fuel of 100,000 events. Bench `foreign`. One answer is enough: the rule of
 * examples/assemblyscript-rule is stopped by one event of 3,000, needs more than its part for others, and would lose alerts.
 */
export const PROBATION_SHARE = 16;
/** Faults by a limit are forgotten after so many answers in a row; one event in 3,000 may have an end that is too far away. */
export const TRUSTED_ANSWERS = 1000;

/**
 * The same for predicates that eqlc has made, which end by themselves: all combinations of a question with 65,536 take some ten
 * million instructions. The memory is that of all predicates of a package, which share a state.
 */
export const GENERATED_FUEL = 30_000_000;
export const GENERATED_MEMORY_BYTES = 512 * 1024 * 1024;
export const GENERATED_MILLISECONDS = 10_000;

/** The longest source of a rule in Lua: parsing takes longer than its length. */
export const LONGEST_SCRIPT = 256 * 1024;

/** Of the table of a module, where it has one. */
export const MOST_TABLE_ENTRIES = 65_536;

/** A resource holds at most so many patterns. */
export const MOST_PATTERNS = 4096;
export const MOST_CAPTURES = 64;
// What pred_capture gives the address of: a count, then so many captures.
export const CAPTURES_COUNT = 0;
export const CAPTURES_FIRST = 4;
export const CAPTURE_NAME = 0;
export const CAPTURE_NAME_LENGTH = 4;
export const CAPTURE_VALUE = 8;
export const CAPTURE_VALUE_LENGTH = 12;
export const CAPTURE_BYTES = 16;
/** Of the names and values of one pred_capture together. */
export const MOST_CAPTURE_BYTES = 64 * 1024;

/** Functions of the global table `kestrel` in Lua that are no part of the API: see docs/lua.md. */
export const LUA_EXTRAS: readonly string[] = ["equal", "int64"];

export type HostType = "i32" | "i64" | "f64";

export interface HostParameter {
  readonly name: string;
  readonly type: HostType;
}

export interface HostFunction {
  readonly name: string;
  readonly since: "1.0" | "1.1" | "1.2";
  readonly parameters: readonly HostParameter[];
  readonly result: HostType;
  /** Its form in Lua, where a text is a string and what is missing is nil. */
  readonly lua: { readonly parameters: readonly string[]; readonly result: string };
  readonly says: string;
}

const EVENT: HostParameter = { name: "event", type: "i32" };
const FIELD: HostParameter = { name: "field", type: "i32" };
const INDEX: HostParameter = { name: "index", type: "i32" };
const TEXT: readonly HostParameter[] = [
  { name: "address", type: "i32" },
  { name: "length", type: "i32" },
];

export const HOST_FUNCTIONS: readonly HostFunction[] = [
  {
    name: "event_get_i64",
    since: "1.0",
    parameters: [EVENT, FIELD],
    result: "i64",
    lua: { parameters: ["event", "field"], result: "integer or nil" },
    says: "A long, or a date in nanoseconds since 1970; 0 when it is missing.",
  },
  {
    name: "event_get_u64",
    since: "1.0",
    parameters: [EVENT, FIELD],
    result: "i64",
    lua: { parameters: ["event", "field"], result: "integer or nil" },
    says: "The same, its 64 bits taken as unsigned.",
  },
  {
    name: "event_get_str",
    since: "1.0",
    parameters: [EVENT, FIELD, ...TEXT],
    result: "i32",
    lua: { parameters: ["event", "field"], result: "string or nil" },
    says: "Writes a text as UTF-8, at most `length` bytes and never a part of a character; returns how many bytes it wrote.",
  },
  {
    name: "re_match",
    since: "1.0",
    parameters: [{ name: "re_id", type: "i32" }, ...TEXT],
    result: "i32",
    lua: { parameters: ["re_id", "text"], result: "boolean" },
    says: "1 when the regular expression of that number matches somewhere in the text.",
  },
  {
    name: "glob_match",
    since: "1.0",
    parameters: [{ name: "glob_id", type: "i32" }, ...TEXT],
    result: "i32",
    lua: { parameters: ["glob_id", "text"], result: "boolean" },
    says: "1 when the wildcard of that number matches the whole text.",
  },
  {
    name: "alert_emit",
    since: "1.0",
    parameters: [EVENT],
    result: "i32",
    lua: { parameters: ["event"], result: "integer" },
    says: "Makes the event a match, whatever pred_eval returns; returns 0. However often it is called, an event gives one alert.",
  },
  {
    name: "event_has",
    since: "1.1",
    parameters: [EVENT, FIELD],
    result: "i32",
    lua: { parameters: ["event", "field"], result: "boolean" },
    says: "1 when the event has a value of the field.",
  },
  {
    name: "event_get_bool",
    since: "1.1",
    parameters: [EVENT, FIELD],
    result: "i32",
    lua: { parameters: ["event", "field"], result: "boolean or nil" },
    says: "A boolean as 0 or 1; 0 when it is missing.",
  },
  {
    name: "event_get_f64",
    since: "1.1",
    parameters: [EVENT, FIELD],
    result: "f64",
    lua: { parameters: ["event", "field"], result: "number or nil" },
    says: "A double, or a long as one; 0 when it is missing.",
  },
  {
    name: "capture_field",
    since: "1.1",
    parameters: [FIELD],
    result: "i32",
    lua: { parameters: ["field"], result: "integer" },
    says: "Puts the field's first value, under the field's name, among the captures of the match; returns 0.",
  },
  {
    name: "event_count",
    since: "1.2",
    parameters: [EVENT, FIELD],
    result: "i32",
    lua: { parameters: ["event", "field"], result: "integer" },
    says: "How many values the event has of the field.",
  },
  {
    name: "event_get_str_at",
    since: "1.2",
    parameters: [EVENT, FIELD, INDEX, ...TEXT],
    result: "i32",
    lua: { parameters: ["event", "field", "index"], result: "string or nil" },
    says: "As event_get_str, of the value with that index.",
  },
  {
    name: "event_get_i64_at",
    since: "1.2",
    parameters: [EVENT, FIELD, INDEX],
    result: "i64",
    lua: { parameters: ["event", "field", "index"], result: "integer or nil" },
    says: "As event_get_i64, of the value with that index.",
  },
];

// The Host API for rules in AssemblyScript: `import { event, Field } from "kestrel"` in rule.as.ts.
//
// The functions at the end are those of stdlib/src/host-api.ts, which a test compares them with; what stands before them wraps them in
// strings. A field that a rule reads must be a constant, since the package says which fields it reads: so the wrappers are inlined, and
// a rule that computes a field names its fields in the manifest.

import { Field } from "./kestrel/fields";

export { Field };

/** The event at hand; there is no other. */
const EVENT: i32 = 1;

/** Where texts are read to. It grows while it is too small. */
const FIRST_BYTES: i32 = 4096;
const MOST_BYTES: i32 = 1 << 20;
let buffer: usize = 0;
let capacity: i32 = 0;

function makeRoom(bytes: i32): void {
  if (capacity >= bytes) return;
  buffer = buffer == 0 ? heap.alloc(bytes) : heap.realloc(buffer, bytes);
  capacity = bytes;
}

/** A text that fills all but a character's bytes of the buffer may have been cut. */
@inline
function mayBeCut(length: i32): bool {
  return length > capacity - 4 && capacity < MOST_BYTES;
}

function copyOfBuffer(length: i32): Uint8Array {
  const bytes = new Uint8Array(length);
  memory.copy(bytes.dataStart, buffer, length);
  return bytes;
}

export namespace event {
  /** Whether the event has a value of the field. */
  @inline
  export function has(field: Field): bool {
    return event_has(EVENT, field) != 0;
  }

  /** How many values it has. */
  @inline
  export function count(field: Field): i32 {
    return event_count(EVENT, field);
  }

  /** The first value as text, or null where there is none; of a text that is longer than 1 MiB, its beginning. */
  @inline
  export function str(field: Field): string | null {
    return strAt(field, 0);
  }

  /** The value with that index, from 0. */
  @inline
  export function strAt(field: Field, index: i32): string | null {
    if (event_count(EVENT, field) <= index) return null;
    makeRoom(FIRST_BYTES);
    let length = event_get_str_at(EVENT, field, index, <i32>buffer, capacity);
    while (mayBeCut(length)) {
      makeRoom(capacity * 4);
      length = event_get_str_at(EVENT, field, index, <i32>buffer, capacity);
    }
    return String.UTF8.decodeUnsafe(buffer, length);
  }

  /** As `strAt`, the bytes of its UTF-8: for what is no text behind the encoding, and cheaper. */
  @inline
  export function bytesAt(field: Field, index: i32): Uint8Array | null {
    if (event_count(EVENT, field) <= index) return null;
    makeRoom(FIRST_BYTES);
    let length = event_get_str_at(EVENT, field, index, <i32>buffer, capacity);
    while (mayBeCut(length)) {
      makeRoom(capacity * 4);
      length = event_get_str_at(EVENT, field, index, <i32>buffer, capacity);
    }
    return copyOfBuffer(length);
  }

  /** A long, or a date in nanoseconds since 1970; 0 where it is missing. */
  @inline
  export function int(field: Field): i64 {
    return event_get_i64(EVENT, field);
  }

  @inline
  export function intAt(field: Field, index: i32): i64 {
    return event_get_i64_at(EVENT, field, index);
  }

  @inline
  export function uint(field: Field): u64 {
    return <u64>event_get_u64(EVENT, field);
  }

  /** A double, or a long as one; 0 where it is missing. */
  @inline
  export function float(field: Field): f64 {
    return event_get_f64(EVENT, field);
  }

  @inline
  export function flag(field: Field): bool {
    return event_get_bool(EVENT, field) != 0;
  }

  /** Puts the field's first value among the captures of the match. */
  @inline
  export function capture(field: Field): void {
    capture_field(field);
  }

  /** Makes the event a match, whatever pred_eval returns. */
  export function emit(): void {
    alert_emit(EVENT);
  }
}

/** Whether line `id` of resources/regexes.txt, counted from 0, matches somewhere in the text. */
export function regex(id: i32, text: string): bool {
  const length = encode(text);
  return re_match(id, <i32>buffer, length) != 0;
}

/** Whether line `id` of resources/globs.txt, counted from 0, matches the whole text. */
export function glob(id: i32, text: string): bool {
  const length = encode(text);
  return glob_match(id, <i32>buffer, length) != 0;
}

/** As `regex`, of bytes; so that nothing is copied for it. */
export function regexBytes(id: i32, bytes: Uint8Array): bool {
  return re_match(id, <i32>bytes.dataStart, bytes.length) != 0;
}

/** Writes a text to the buffer as UTF-8; returns its bytes. */
function encode(text: string): i32 {
  const length = String.UTF8.byteLength(text);
  makeRoom(length < FIRST_BYTES ? FIRST_BYTES : length);
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, buffer);
  return length;
}

/**
 * What pred_capture returns: `return new Captures().add("decoded", text).end();`. There may be 64, of 64 KiB together; what is beyond that
 * is left out.
 */
export class Captures {
  private count: i32 = 0;
  private used: i32 = 0;

  constructor() {
    if (record == 0) record = heap.alloc(RECORD_BYTES + MOST_CAPTURE_BYTES);
  }

  add(name: string, value: string): Captures {
    const bytes = String.UTF8.encode(value);
    return this.addBytes(name, Uint8Array.wrap(bytes));
  }

  /** A value that is UTF-8 already; what of it is not is mended. */
  addBytes(name: string, value: Uint8Array): Captures {
    const nameBytes = String.UTF8.byteLength(name);
    if (this.count == MOST_CAPTURES || nameBytes + value.length > MOST_CAPTURE_BYTES - this.used) return this;
    const words = record + 4 + this.count * 16;
    String.UTF8.encodeUnsafe(changetype<usize>(name), name.length, this.take(words, nameBytes));
    memory.copy(this.take(words + 8, value.length), value.dataStart, value.length);
    this.count += 1;
    return this;
  }

  /** Room for a text, whose address and length are written to two words. */
  private take(words: usize, length: i32): usize {
    const address = record + RECORD_BYTES + this.used;
    store<u32>(words, <u32>address);
    store<u32>(words, <u32>length, 4);
    this.used += length;
    return address;
  }

  /** The address of the record. */
  end(): i32 {
    store<u32>(record, this.count);
    return <i32>record;
  }
}

const MOST_CAPTURES: i32 = 64;
const MOST_CAPTURE_BYTES: i32 = 65536;
const RECORD_BYTES: i32 = 4 + MOST_CAPTURES * 16;
let record: usize = 0;

@external("kestrel", "event_get_i64")
export declare function event_get_i64(event: i32, field: i32): i64;
@external("kestrel", "event_get_u64")
export declare function event_get_u64(event: i32, field: i32): i64;
@external("kestrel", "event_get_str")
export declare function event_get_str(event: i32, field: i32, address: i32, length: i32): i32;
@external("kestrel", "re_match")
export declare function re_match(re_id: i32, address: i32, length: i32): i32;
@external("kestrel", "glob_match")
export declare function glob_match(glob_id: i32, address: i32, length: i32): i32;
@external("kestrel", "alert_emit")
export declare function alert_emit(event: i32): i32;
@external("kestrel", "event_has")
export declare function event_has(event: i32, field: i32): i32;
@external("kestrel", "event_get_bool")
export declare function event_get_bool(event: i32, field: i32): i32;
@external("kestrel", "event_get_f64")
export declare function event_get_f64(event: i32, field: i32): f64;
@external("kestrel", "capture_field")
export declare function capture_field(field: i32): i32;
@external("kestrel", "event_count")
export declare function event_count(event: i32, field: i32): i32;
@external("kestrel", "event_get_str_at")
export declare function event_get_str_at(event: i32, field: i32, index: i32, address: i32, length: i32): i32;
@external("kestrel", "event_get_i64_at")
export declare function event_get_i64_at(event: i32, field: i32, index: i32): i64;

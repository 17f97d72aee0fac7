// What hand-written code may ask of its host, as values of JavaScript; the Wasm imports and the Lua bindings are made on it. The
// meaning of each function stands in stdlib/src/host-api.ts.

import type { FieldType } from "@kestrel/stdlib/schema/types";

/** What ends an evaluation. */
export type FaultKind =
  /** The evaluation passed its limit of instructions. */
  | "fuel"
  /** It wanted more memory than it may have. */
  | "memory"
  /** It took longer than it may. */
  | "time"
  /** It recursed too deeply. */
  | "depth"
  /** It asked the host for what is not there. */
  | "host"
  /** It returned a value of a wrong type. */
  | "type"
  /** It failed in another way: a trap, an error. */
  | "error"
  /** pred_init did not return 0. */
  | "init";

export class ForeignFault extends Error {
  override readonly name = "ForeignFault";
  readonly kind: FaultKind;
  constructor(kind: FaultKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** The event at hand, the patterns of a package, and what is said of the match. Throws ForeignFault for what the package does not have. */
export interface ForeignHost {
  /** How many values the event has of a field. */
  count(field: number): number;
  /** The value with that index; null when it is missing or of another type. Bytes are UTF-8 and good until the event ends. */
  text(field: number, index: number): Uint8Array | null;
  /** Copies the whole characters of that text for which there is room, and returns their bytes; 0 when it is missing. */
  copyText(field: number, index: number, into: Uint8Array, start: number, room: number): number;
  /** A long, or a date. */
  integer(field: number, index: number): bigint | null;
  double(field: number, index: number): number | null;
  boolean(field: number, index: number): boolean | null;
  /** Whether a pattern matches a text of UTF-8. */
  regex(id: number, text: Uint8Array): boolean;
  glob(id: number, text: Uint8Array): boolean;
  emit(): void;
  capture(field: number): void;
}

/** What predicates that eqlc has made may ask beside. Their fields are numbers of readings, and `regex` matches all their patterns. */
export interface GeneratedHost extends ForeignHost {
  /** What a reading is read as. */
  typeOf(field: number): FieldType | "raw";
  /** Whether the event's process stands in the relation that a lineage query asks for. */
  flag(query: number): boolean;
  /** Counts a question that tried too many combinations. */
  gaveUp(): void;
}

export interface Limits {
  readonly fuel: number;
  readonly memoryBytes: number;
  readonly milliseconds: number;
}

/** Names and values of what a match captured, in order. */
export type Captures = readonly (readonly [name: string, value: string])[];

/** Makes an instance of code; throws ForeignFault when that cannot be done. */
export type MakeForeign = (host: GeneratedHost, limits: Limits) => ForeignInstance;

/** One hand-written predicate with its own state. Every function throws ForeignFault; after one, only a new instance may be used. */
export interface ForeignInstance {
  /** Calls pred_init, where there is one. */
  init(): void;
  /** Whether pred_eval says that the event at hand is a match. */
  evaluate(): boolean;
  /** Calls pred_capture, where there is one. */
  capture(): Captures;
}

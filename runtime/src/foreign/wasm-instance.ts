// A module that eqlc checked and instrumented, and a host -> one hand-written predicate with its own memory.
//
// INVARIANT: whatever the module does, it can reach nothing but its own memory and the functions of HOST_FUNCTIONS, and every call
// ends: the module pays for its steps (compiler/src/foreign/wasm-fuel.ts), and what the host does for it is paid for from the same global.
//
//   a call of the host           HOST_CALL_FUEL
//   re_match, glob_match         one for 4 bytes of the text more: an automaton takes a step for each
//   event_get_str, _at           one for 8 bytes that are written more, as memory.copy
//
// An automaton that is no table takes more than a step for a byte, so there the time is looked at as well.
//
// Nothing is made per call but what a call asks for: the views of the memory are kept until it grows.

import { IMPORT_MODULE } from "@kestrel/stdlib/abi";
import {
  CAPTURE_BYTES,
  CAPTURE_NAME,
  CAPTURE_NAME_LENGTH,
  CAPTURE_VALUE,
  CAPTURE_VALUE_LENGTH,
  CAPTURES_COUNT,
  CAPTURES_FIRST,
  DEPTH_EXPORT,
  EVENT_HANDLE,
  FUEL_EXPORT,
  HOST_FUNCTIONS,
  MOST_CAPTURE_BYTES,
  MOST_CAPTURES,
  NO_MEMORY,
} from "@kestrel/stdlib/host-api";
import { type WasmModule, wasm } from "../wasm.js";
import { type Captures, ForeignFault, type ForeignHost, type ForeignInstance, type Limits } from "./foreign-host.js";

const HOST_CALL_FUEL = 16;
const MATCH_BYTES_SHIFT = 2;
const COPY_BYTES_SHIFT = 3;

const CONTEXT = 0;

type Entry = (event: number, context: number) => unknown;

interface Counter {
  value: number;
}

function isCounter(exported: unknown): exported is Counter {
  return exported instanceof wasm.Global && typeof exported.value === "number";
}

/** What the host's functions share. It is filled once the module is instantiated; no import can be called before. */
interface State {
  memory: { readonly buffer: ArrayBuffer };
  fuel: Counter;
  bytes: Uint8Array;
  /** When the first pattern of this evaluation was matched; 0 before. */
  began: number;
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Instantiates a module. Throws ForeignFault where it has not the exports that eqlc sees to, so that no module runs uncounted that was
 * changed since.
 */
export function createWasmInstance(module: WasmModule, host: ForeignHost, limits: Limits): ForeignInstance {
  const state: State = {
    memory: { buffer: new ArrayBuffer(0) },
    fuel: { value: 0 },
    bytes: new Uint8Array(0),
    began: 0,
  };
  const imports = bindHost(host, state, limits);
  const exports = instantiate(module, imports);
  const memory = exports.memory;
  const fuel = exports[FUEL_EXPORT];
  const depth = exports[DEPTH_EXPORT];
  if (!(memory instanceof wasm.Memory) || !isCounter(fuel) || !isCounter(depth)) {
    throw new ForeignFault("error", "the module has no memory, or nothing that counts its steps and its depth");
  }
  state.memory = memory;
  state.fuel = fuel;
  if (memory.buffer.byteLength > limits.memoryBytes) {
    throw new ForeignFault("memory", `the module begins with ${memory.buffer.byteLength} bytes of memory`);
  }
  const init = entryOf(exports, "pred_init");
  const evaluate = entryOf(exports, "pred_eval");
  const capture = entryOf(exports, "pred_capture");
  if (evaluate === null) throw new ForeignFault("error", "the module has no pred_eval");

  const call = (entry: Entry, first: number): number => {
    state.fuel.value = limits.fuel;
    state.began = 0;
    let result: unknown;
    try {
      result = entry(first, CONTEXT);
    } catch (error) {
      throw faultOf(error, state.fuel.value, depth.value);
    }
    if (typeof result !== "number") throw new ForeignFault("type", "an entry of the module did not return an i32");
    return result;
  };

  return {
    init() {
      if (init === null) return;
      const result = call(init, CONTEXT);
      if (result !== 0) throw new ForeignFault("init", `pred_init returned ${result}`);
    },
    evaluate: () => call(evaluate, EVENT_HANDLE) !== 0,
    capture: () => (capture === null ? [] : readCaptures(state, call(capture, EVENT_HANDLE))),
  };
}

function instantiate(
  module: WasmModule,
  imports: Readonly<Record<string, HostCall>>,
): Readonly<Record<string, unknown>> {
  try {
    return new wasm.Instance(module, { [IMPORT_MODULE]: imports }).exports;
  } catch (error) {
    // A start function is refused when the module is built; data that does not fit its memory is found here.
    throw new ForeignFault("error", `the module cannot be instantiated: ${messageOf(error)}`);
  }
}

function entryOf(exports: Readonly<Record<string, unknown>>, name: string): Entry | null {
  const found = exports[name];
  return typeof found === "function" ? (found as Entry) : null;
}

/** What ended a call: the host's own fault, a limit, the engine's stack, or another trap. */
function faultOf(error: unknown, fuel: number, depth: number): ForeignFault {
  if (error instanceof ForeignFault) return error;
  if (fuel === NO_MEMORY) return new ForeignFault("memory", "the module wanted more memory than it may have");
  if (fuel < 0) return new ForeignFault("fuel", "the module used up its fuel");
  // The engine's own error for calls that are nested too deeply, which is a net; every other trap is a RuntimeError.
  if (depth < 0 || error instanceof RangeError) return new ForeignFault("depth", "the module called itself too deeply");
  return new ForeignFault("error", messageOf(error));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

type HostCall = (...args: never[]) => number | bigint;

/** The functions of HOST_FUNCTIONS by name, as the module imports them. */
function bindHost(host: ForeignHost, state: State, { milliseconds }: Limits): Readonly<Record<string, HostCall>> {
  const bound: Readonly<Record<string, HostCall>> = {
    event_get_i64(event: number, field: number) {
      begin(state, event);
      return host.integer(field, 0) ?? 0n;
    },
    // The engine takes the low 64 bits of what is returned, whatever its sign.
    event_get_u64(event: number, field: number) {
      begin(state, event);
      return host.integer(field, 0) ?? 0n;
    },
    event_get_str(event: number, field: number, address: number, length: number) {
      return copyText(state, host, event, field, 0, address, length);
    },
    re_match(id: number, address: number, length: number) {
      charge(state, HOST_CALL_FUEL);
      return host.regex(id, textAt(state, address, length, milliseconds)) ? 1 : 0;
    },
    glob_match(id: number, address: number, length: number) {
      charge(state, HOST_CALL_FUEL);
      return host.glob(id, textAt(state, address, length, milliseconds)) ? 1 : 0;
    },
    alert_emit(event: number) {
      begin(state, event);
      host.emit();
      return 0;
    },
    event_has(event: number, field: number) {
      begin(state, event);
      return host.count(field) > 0 ? 1 : 0;
    },
    event_get_bool(event: number, field: number) {
      begin(state, event);
      return host.boolean(field, 0) === true ? 1 : 0;
    },
    event_get_f64(event: number, field: number) {
      begin(state, event);
      return host.double(field, 0) ?? 0;
    },
    capture_field(field: number) {
      charge(state, HOST_CALL_FUEL);
      host.capture(field);
      return 0;
    },
    event_count(event: number, field: number) {
      begin(state, event);
      return host.count(field);
    },
    event_get_str_at(event: number, field: number, index: number, address: number, length: number) {
      return copyText(state, host, event, field, index >>> 0, address, length);
    },
    event_get_i64_at(event: number, field: number, index: number) {
      begin(state, event);
      return host.integer(field, index >>> 0) ?? 0n;
    },
  };
  for (const { name } of HOST_FUNCTIONS) if (bound[name] === undefined) throw new Error(`${name} is not bound`);
  return bound;
}

function begin(state: State, event: number): void {
  charge(state, HOST_CALL_FUEL);
  checkEvent(event);
}

function checkEvent(event: number): void {
  if (event !== EVENT_HANDLE) throw new ForeignFault("host", `there is no event ${event}`);
}

/** The global stays below 0 where that stops the module, as where the module stops itself. */
function charge({ fuel }: State, cost: number): void {
  const left = fuel.value - cost;
  fuel.value = left;
  if (left < 0) throw new ForeignFault("fuel", "the module used up its fuel");
}

/** The memory as bytes. Growing it leaves a view of no bytes behind; to ask the memory for its buffer takes longer than to read a text. */
function bytesOf(state: State): Uint8Array {
  if (state.bytes.length === 0) state.bytes = new Uint8Array(state.memory.buffer);
  return state.bytes;
}

/** Addresses and lengths come as signed numbers and are not. */
function checkRange(state: State, address: number, length: number): void {
  const start = address >>> 0;
  if (start + (length >>> 0) > bytesOf(state).length) {
    throw new ForeignFault("host", `the memory has no ${length >>> 0} bytes at the address ${start}`);
  }
}

/** The bytes of the memory from an address on. */
function rangeOf(state: State, address: number, length: number): Uint8Array {
  checkRange(state, address, length);
  const start = address >>> 0;
  return bytesOf(state).subarray(start, start + (length >>> 0));
}

function textAt(state: State, address: number, length: number, milliseconds: number): Uint8Array {
  const now = performance.now();
  if (state.began === 0) state.began = now;
  else if (now - state.began > milliseconds) {
    throw new ForeignFault("time", `the module took more than ${milliseconds} ms`);
  }
  const text = rangeOf(state, address, length);
  charge(state, text.length >> MATCH_BYTES_SHIFT);
  return text;
}

/**
 * Writes as many whole characters of a text as there is room for, and returns their bytes. It is paid for at once when it is known how long it is, for what a
 * global of the module is asked and told is most of what a call costs.
 */
function copyText(
  state: State,
  host: ForeignHost,
  event: number,
  field: number,
  index: number,
  address: number,
  length: number,
): number {
  checkEvent(event);
  checkRange(state, address, length);
  const written = host.copyText(field, index, bytesOf(state), address >>> 0, length >>> 0);
  charge(state, HOST_CALL_FUEL + (written >> COPY_BYTES_SHIFT));
  return written;
}

/** The record that pred_capture returned the address of; its layout stands in stdlib/src/host-api.ts. A text that is not UTF-8 is mended with U+FFFD. */
function readCaptures(state: State, address: number): Captures {
  if (address === 0) return [];
  const count = viewOf(state, address, CAPTURES_FIRST).getUint32(CAPTURES_COUNT, true);
  if (count > MOST_CAPTURES) {
    throw new ForeignFault("host", `pred_capture gave ${count} captures, and at most ${MOST_CAPTURES} are allowed`);
  }
  const records = viewOf(state, (address >>> 0) + CAPTURES_FIRST, count * CAPTURE_BYTES);
  let left = MOST_CAPTURE_BYTES;
  const textOf = (from: number, length: number): string => {
    const text = rangeOf(state, records.getUint32(from, true), records.getUint32(length, true));
    left -= text.length;
    if (left < 0) throw new ForeignFault("host", `pred_capture gave more than ${MOST_CAPTURE_BYTES} bytes`);
    return utf8.decode(text);
  };
  return Array.from({ length: count }, (_, index) => {
    const at = index * CAPTURE_BYTES;
    return [
      textOf(at + CAPTURE_NAME, at + CAPTURE_NAME_LENGTH),
      textOf(at + CAPTURE_VALUE, at + CAPTURE_VALUE_LENGTH),
    ] as const;
  });
}

function viewOf(state: State, address: number, bytes: number): DataView {
  const { buffer, byteOffset, byteLength } = rangeOf(state, address, bytes);
  return new DataView(buffer, byteOffset, byteLength);
}

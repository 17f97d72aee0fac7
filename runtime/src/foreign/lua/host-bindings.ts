// The Host API of a script: the global table `kestrel`. The functions are those of stdlib/src/host-api.ts; a test holds the two
// together.
//
// INVARIANT: nothing is made per event but the values that a script asks for.

import { EVENT_HANDLE } from "@kestrel/stdlib/host-api";
import { ForeignFault, type ForeignHost } from "../foreign-host.js";
import {
  argument,
  integerAt,
  push,
  pushBoolean,
  pushBytes,
  pushInteger,
  pushNil,
  pushSmall,
  raise,
  raiseArgument,
  textOf,
  typeName,
} from "./arguments.js";
import {
  BOOLEAN,
  type Fengari,
  FLOAT,
  INTEGER,
  type LuaState,
  type LuaTable,
  type LuaValue,
  NIL,
  TABLE,
  TEXT,
  WIDE,
} from "./fengari.js";
import { readNumeral, toInteger } from "./int64.js";
import { type Library, makeTable, setField } from "./library.js";
import { copyBytes, type TString } from "./lua-text.js";
import { charge, chargeBytes, stop } from "./meter.js";

/** A call of the host costs about as much as so many instructions. */
const HOST_CALL = 4;

/** Integers beyond 32 bits are floats where a script wants an id, and no id is one. */
function idAt(L: LuaState, name: string, index: number): number {
  const value = argument(L, index);
  if (value?.type === INTEGER) return value.value as number;
  return raiseArgument(L, name, index, `integer expected, got ${typeName(value)}`);
}

function checkEvent(L: LuaState, name: string): void {
  charge(HOST_CALL);
  const value = argument(L, 1);
  if (value?.type !== INTEGER || value.value !== EVENT_HANDLE)
    stop(new ForeignFault("host", `${name} asks for an event that is not the one at hand`));
}

export function hostBindings(host: ForeignHost): Library {
  const text = (L: LuaState, bytes: Uint8Array | null): number =>
    // The host's bytes are good until the event ends.
    bytes === null ? pushNil(L) : pushBytes(L, copyBytes(bytes));

  const integer = (name: string, hasIndex: boolean) => (L: LuaState) => {
    checkEvent(L, name);
    const value = host.integer(idAt(L, name, 2), hasIndex ? idAt(L, name, 3) : 0);
    return value === null ? pushNil(L) : pushInteger(L, value);
  };

  const pattern = (name: string, matches: (id: number, text: Uint8Array) => boolean) => (L: LuaState) => {
    const id = idAt(L, name, 1);
    const subject = textOf(L, argument(L, 2));
    if (subject === null) return raiseArgument(L, name, 2, `string expected, got ${typeName(argument(L, 2))}`);
    // An automaton takes some nanoseconds a byte.
    charge(HOST_CALL + (subject.length >>> 3));
    return pushBoolean(L, matches(id, subject));
  };

  return {
    event_get_i64: integer("event_get_i64", false),
    event_get_u64: integer("event_get_u64", false),
    event_get_i64_at: integer("event_get_i64_at", true),
    event_get_str: (L) => {
      checkEvent(L, "event_get_str");
      return text(L, host.text(idAt(L, "event_get_str", 2), 0));
    },
    event_get_str_at: (L) => {
      checkEvent(L, "event_get_str_at");
      return text(L, host.text(idAt(L, "event_get_str_at", 2), idAt(L, "event_get_str_at", 3)));
    },
    event_get_bool: (L) => {
      checkEvent(L, "event_get_bool");
      const value = host.boolean(idAt(L, "event_get_bool", 2), 0);
      return value === null ? pushNil(L) : pushBoolean(L, value);
    },
    event_get_f64: (L) => {
      checkEvent(L, "event_get_f64");
      const value = host.double(idAt(L, "event_get_f64", 2), 0);
      return value === null ? pushNil(L) : push(L, FLOAT, value);
    },
    event_has: (L) => {
      checkEvent(L, "event_has");
      return pushBoolean(L, host.count(idAt(L, "event_has", 2)) > 0);
    },
    event_count: (L) => {
      checkEvent(L, "event_count");
      return pushSmall(L, host.count(idAt(L, "event_count", 2)));
    },
    re_match: pattern("re_match", (id, subject) => host.regex(id, subject)),
    glob_match: pattern("glob_match", (id, subject) => host.glob(id, subject)),
    alert_emit: (L) => {
      checkEvent(L, "alert_emit");
      host.emit();
      return pushSmall(L, 0);
    },
    capture_field: (L) => {
      charge(HOST_CALL);
      host.capture(idAt(L, "capture_field", 1));
      return pushSmall(L, 0);
    },
  };
}

/** What a script has beside the Host API. */
export function extras(fengari: Fengari): Library {
  const { lvm, lobject } = fengari;
  return {
    equal: (L) => {
      const [a, b] = [argument(L, 1), argument(L, 2)];
      if (a === undefined || b === undefined) return raise(L, "kestrel.equal takes two values");
      return pushBoolean(L, lvm.luaV_equalobj(L, a, b) !== 0);
    },
    int64: (L) => {
      const value = argument(L, 1);
      if (value !== undefined && (value.type === INTEGER || value.type === WIDE || value.type === FLOAT)) {
        const integer = toInteger(value);
        return integer === null ? pushNil(L) : pushInteger(L, integer);
      }
      if (value?.type !== TEXT) return pushInteger(L, integerAt(L, "int64", 1));
      chargeBytes((value.value as TString).realstring.length);
      const read = new lobject.TValue(NIL, null);
      if (readNumeral((value.value as TString).realstring, read, lobject.luaO_str2num) === 0) return pushNil(L);
      const integer = toInteger(read as LuaValue);
      return integer === null || read.type === FLOAT ? pushNil(L) : pushInteger(L, integer);
    },
  };
}

/** The table `kestrel`, with ids by name of the fields that the package declares. */
export function makeHostTable(
  fengari: Fengari,
  L: LuaState,
  host: ForeignHost,
  fields: ReadonlyMap<string, number>,
): LuaTable {
  const table = makeTable(fengari, L, { ...hostBindings(host), ...extras(fengari) });
  const ids = makeTable(fengari, L, {});
  for (const [name, id] of fields) setField(fengari, L, ids, name, INTEGER, id);
  // A name that is misspelled would be nil, and a rule that never matches.
  const unknown = makeTable(fengari, L, {
    __index: (L) => {
      const name = textOf(L, argument(L, 2));
      return raise(
        L,
        `kestrel.fields has no "${name === null ? "?" : Buffer.from(name.subarray(0, 80)).toString("utf8")}"`,
      );
    },
  });
  setField(fengari, L, unknown, "__metatable", BOOLEAN, false);
  ids.metatable = unknown;
  setField(fengari, L, table, "fields", TABLE, ids);
  return table;
}

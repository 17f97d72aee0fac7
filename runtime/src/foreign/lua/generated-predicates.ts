// Predicates that eqlc has made of rules → instances. All of a package share one state and the library in front of them: a state of
// its own for each of a thousand would take a gigabyte. They keep nothing from event to event, so nothing passes from one to
// another. A fault ends the state; the next evaluation opens another.
//
// What the functions of `kestrel` mean here stands at the beginning of stdlib/lua/language.lua.

import { GENERATED_MILLISECONDS } from "@kestrel/stdlib/host-api";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import { ForeignFault, type ForeignInstance, type GeneratedHost, type Limits } from "../foreign-host.js";
import {
  argument,
  integerAt,
  numberAt,
  placeAt,
  push,
  pushBoolean,
  pushInteger,
  pushNil,
  pushSmall,
  pushText,
  raise,
  textAt,
  typeName,
  useFengari,
} from "./arguments.js";
import {
  BOOLEAN,
  type Fengari,
  FLOAT,
  type LuaState,
  type LuaTable,
  type LuaValue,
  NIL,
  TABLE,
  TEXT,
} from "./fengari.js";
import { extras } from "./host-bindings.js";
import { setWide } from "./int64.js";
import { createJsonTables, type JsonTables } from "./json-tables.js";
import { type Library, makeTable, setField } from "./library.js";
import { loadFengari } from "./load-fengari.js";
import { blessText, copyBytes } from "./lua-text.js";
import { charge, chargeBytes } from "./meter.js";
import { openScripts, type ScriptState } from "./script-state.js";

/** A call of the host costs about as much as so many instructions. */
const HOST_CALL = 4;

/** Makes instances of a package's predicates, each of its own source. */
export type MakePredicate = (
  source: Uint8Array,
  name: string,
) => (host: GeneratedHost, limits: Limits) => ForeignInstance;

/** Loads the interpreter. `library` is what is loaded in front of the predicates. */
export async function loadGenerated(library: Uint8Array): Promise<MakePredicate> {
  const fengari = await loadFengari();
  useFengari(fengari);
  let open: ScriptState | null = null;
  let opened = 0;
  let current: GeneratedHost | null = null;
  const host = (): GeneratedHost => {
    if (current === null) throw new ForeignFault("host", "the event is asked for outside of an evaluation");
    return current;
  };

  function stateFor({ fuel, memoryBytes }: Limits): ScriptState {
    if (open !== null) return open;
    opened++;
    const limits = { fuel, memoryBytes, milliseconds: GENERATED_MILLISECONDS };
    const state = openScripts(fengari, limits, (L) => makeTableOf(fengari, L, host));
    state.run(library, "language.lua");
    open = state;
    return state;
  }

  return (source, name) => (own, limits) => {
    let evaluate: LuaValue | null = null;
    let loadedIn = 0;

    /** Runs a step; after a fault the state is not used again. */
    function within<Result>(step: (state: ScriptState) => Result): Result {
      try {
        current = own;
        return step(stateFor(limits));
      } catch (error) {
        if (error instanceof ForeignFault) open = null;
        throw error;
      } finally {
        current = null;
      }
    }

    function load(state: ScriptState): LuaValue {
      if (evaluate !== null && loadedIn === opened) return evaluate;
      state.run(source, name);
      evaluate = state.global("pred_eval");
      loadedIn = opened;
      return evaluate ?? state.fail("error", "the script has no function pred_eval");
    }

    return {
      init: () => within(load),
      evaluate: () =>
        within((state) => {
          const result = state.call(load(state), false);
          if (result.type !== BOOLEAN) state.fail("type", `pred_eval returned a ${typeName(result)}, not a boolean`);
          return result.value as boolean;
        }),
      capture: () => [],
    };
  };
}

function makeTableOf(fengari: Fengari, L: LuaState, host: () => GeneratedHost): LuaTable {
  const nothing = makeTable(fengari, L, {});
  const json = createJsonTables(fengari, L, nothing);
  const table = makeTable(fengari, L, {
    ...extras(fengari),
    ...readingFunctions(fengari, host, json),
    ...VALUE_FUNCTIONS,
    pattern: (L) => {
      const text = textAt(L, "pattern", 2);
      charge(HOST_CALL + (text.length >>> 3));
      return pushBoolean(L, host().regex(placeAt(L, "pattern", 1), text));
    },
    flag: (L) => pushBoolean(L, host().flag(placeAt(L, "flag", 1))),
    gave_up: (L) => {
      host().gaveUp();
      return pushNil(L);
    },
  });
  setField(fengari, L, table, "null", TABLE, nothing);
  return table;
}

/** What reads the event. */
function readingFunctions(fengari: Fengari, host: () => GeneratedHost, json: JsonTables): Library {
  const { ltable, lobject } = fengari;

  function valueAt(field: number, index: number): LuaValue {
    const own = host();
    const made = new lobject.TValue(NIL, null);
    switch (own.typeOf(field)) {
      case "long":
      case "date":
        setWide(made, own.integer(field, index) ?? 0n);
        return made;
      case "double":
        return new lobject.TValue(FLOAT, own.double(field, index) ?? 0);
      case "boolean":
        return new lobject.TValue(BOOLEAN, own.boolean(field, index) ?? false);
      case "object":
        return new lobject.TValue(BOOLEAN, true);
      default:
        return new lobject.TValue(TEXT, blessText(copyBytes(own.text(field, index) ?? new Uint8Array(0))));
    }
  }

  function sequence(L: LuaState, field: number, make: (index: number) => LuaValue): number {
    const count = host().count(field);
    charge(HOST_CALL + count);
    const table = ltable.luaH_new(L);
    for (let index = 0; index < count; index++) ltable.luaH_setint(table, index + 1, make(index));
    return push(L, TABLE, table);
  }

  return {
    values: (L) => {
      const field = placeAt(L, "values", 1);
      return sequence(L, field, (index) => valueAt(field, index));
    },
    json: (L) => {
      const field = placeAt(L, "json", 1);
      return sequence(L, field, (index) => {
        const text = host().text(field, index) ?? new Uint8Array(0);
        chargeBytes(text.length << 3);
        return json.read(text);
      });
    },
  };
}

const VALUE_FUNCTIONS: Library = {
  fold: (L) => {
    const bytes = textAt(L, "fold", 1);
    charge(HOST_CALL + (bytes.length >>> 4));
    return pushText(L, foldString(Buffer.from(bytes).toString("utf8")));
  },
  points: (L) => {
    const bytes = textAt(L, "points", 1);
    charge(HOST_CALL + (bytes.length >>> 5));
    let count = 0;
    for (const byte of bytes) if ((byte & 0xc0) !== 0x80) count++;
    return pushSmall(L, count);
  },
  units: (L) => {
    const bytes = textAt(L, "units", 1);
    charge(HOST_CALL + (bytes.length >>> 5));
    let count = 0;
    // A code point of four bytes takes two units.
    for (const byte of bytes) if ((byte & 0xc0) !== 0x80) count += byte >= 0xf0 ? 2 : 1;
    return pushSmall(L, count);
  },
  float: (L) => push(L, FLOAT, Number(Buffer.from(textAt(L, "float", 1)).toString("latin1"))),
  calculate: (L) => {
    const op = Buffer.from(textAt(L, "calculate", 1)).toString("latin1");
    const result = calculate(L, op, integerAt(L, "calculate", 2), integerAt(L, "calculate", 3));
    return result === null || result !== BigInt.asIntN(64, result) ? pushNil(L) : pushInteger(L, result);
  },
  double: (L) => {
    const value = argument(L, 1);
    return push(L, FLOAT, value?.type === FLOAT ? value.value : Number(integerAt(L, "double", 1)));
  },
  show: (L) => pushText(L, String(numberAt(L, "show", 1))),
};

function calculate(L: LuaState, op: string, a: bigint, b: bigint): bigint | null {
  switch (op) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return b === 0n ? null : a / b;
    case "%":
      return b === 0n ? null : a % b;
    default:
      return raise(L, "kestrel.calculate knows + - * / %");
  }
}

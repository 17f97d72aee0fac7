// The source of a script → a predicate with its own state, behind the Host API. A state shares nothing with another but code.

import { LONGEST_SCRIPT, MOST_CAPTURE_BYTES, MOST_CAPTURES } from "@kestrel/stdlib/host-api";
import {
  type Captures,
  type FaultKind,
  ForeignFault,
  type ForeignHost,
  type ForeignInstance,
  type Limits,
} from "../foreign-host.js";
import { textOf, typeName, useFengari } from "./arguments.js";
import {
  BOOLEAN,
  type Fengari,
  FLOAT,
  INTEGER,
  type LuaState,
  type LuaTable,
  NIL,
  TABLE,
  TEXT,
  WIDE,
} from "./fengari.js";
import { makeHostTable } from "./host-bindings.js";
import { loadFengari } from "./load-fengari.js";
import type { TString } from "./lua-text.js";
import { openScripts } from "./script-state.js";

export interface LuaBindings {
  /** `kestrel.fields`: the ids of the fields that the package declares, by name. */
  readonly fields?: ReadonlyMap<string, number>;
}

/**
 * Makes an instance of a script: reads it and runs its main chunk, with the limits of one evaluation.
 *
 * @param chunkName What messages call the script.
 * @throws ForeignFault
 */
export type CreateLuaInstance = (
  source: Uint8Array,
  chunkName: string,
  host: ForeignHost,
  limits: Limits,
  extra?: LuaBindings,
) => ForeignInstance;

/** Loads the interpreter, once. Nothing of it is loaded without a call of this. */
export async function loadLua(): Promise<CreateLuaInstance> {
  const fengari = await loadFengari();
  useFengari(fengari);
  return (source, chunkName, host, limits, extra = {}) =>
    createInstance(fengari, source, chunkName, host, limits, extra);
}

function createInstance(
  fengari: Fengari,
  source: Uint8Array,
  chunkName: string,
  host: ForeignHost,
  limits: Limits,
  { fields = new Map() }: LuaBindings,
): ForeignInstance {
  if (source.length > LONGEST_SCRIPT) throw new ForeignFault("memory", `a script of more than ${LONGEST_SCRIPT} bytes`);
  const scripts = openScripts(fengari, limits, (L) => makeHostTable(fengari, L, host, fields));
  const { L, global, call, fail } = scripts;
  scripts.run(source, chunkName);
  const evaluateFunction = global("pred_eval");
  if (evaluateFunction === null) return fail("error", "the script has no function pred_eval");
  const initFunction = global("pred_init");
  const captureFunction = global("pred_capture");

  return {
    init() {
      if (initFunction === null) return;
      const result = call(initFunction, false);
      if (result.type === NIL) return;
      if (result.type !== INTEGER && result.type !== FLOAT && result.type !== WIDE)
        fail("type", `pred_init returned a ${typeName(result)}, not a number`);
      if (result.value !== 0) fail("init", `pred_init returned ${result.value}`);
    },
    evaluate() {
      const result = call(evaluateFunction, true);
      if (result.type !== BOOLEAN) fail("type", `pred_eval returned a ${typeName(result)}, not a boolean`);
      return result.value as boolean;
    },
    capture() {
      if (captureFunction === null) return [];
      const result = call(captureFunction, true);
      if (result.type !== TABLE) fail("type", `pred_capture returned a ${typeName(result)}, not a table`);
      return capturesOf(L, result.value as LuaTable, fail);
    },
  };
}

/** What pred_capture returned, sorted by name. */
function capturesOf(L: LuaState, table: LuaTable, fail: (kind: FaultKind, message: string) => never): Captures {
  if (table.strong.size > MOST_CAPTURES) fail("type", `pred_capture returned more than ${MOST_CAPTURES} captures`);
  const captures: [name: string, value: string][] = [];
  let left = MOST_CAPTURE_BYTES;
  for (const { key, value } of table.strong.values()) {
    if (key.type !== TEXT) return fail("type", `pred_capture returned a name that is a ${typeName(key)}`);
    const name = (key.value as TString).realstring;
    const text = value.type === BOOLEAN ? Buffer.from(String(value.value)) : textOf(L, value);
    if (text === null) return fail("type", `pred_capture returned a value that is a ${typeName(value)}`);
    // One text of megabytes may stand under every name: the state holds it once, and the alert 64 times.
    left -= name.length + text.length;
    if (left < 0) return fail("host", `pred_capture gave more than ${MOST_CAPTURE_BYTES} bytes`);
    captures.push([Buffer.from(name).toString("utf8"), Buffer.from(text).toString("utf8")]);
  }
  return captures.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

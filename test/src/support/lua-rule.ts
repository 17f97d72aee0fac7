// Scripts on a host that has one event, made by hand.

import {
  ForeignFault,
  type ForeignHost,
  type ForeignInstance,
  type Limits,
} from "@kestrel/runtime/foreign/foreign-host";
import { type CreateLuaInstance, loadLua } from "@kestrel/runtime/foreign/lua/lua-instance";
import { FOREIGN_FUEL, FOREIGN_MEMORY_BYTES } from "@kestrel/stdlib/host-api";
import { copying } from "./copying.js";

/** So long that only fuel, memory and depth end a script, however busy the machine is. */
export const LIMITS: Limits = { fuel: FOREIGN_FUEL, memoryBytes: FOREIGN_MEMORY_BYTES, milliseconds: 60_000 };

export type FieldValue = string | bigint | number | boolean | Uint8Array;

/** An event, by field id, and what a script has done with the host. */
export interface FakeHost extends ForeignHost {
  readonly event: Map<number, readonly FieldValue[]>;
  readonly calls: string[];
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The highest field and pattern that the package of the fake host has. */
export const LAST_ID = 9;

export function createFakeHost(event: Readonly<Record<number, readonly FieldValue[]>> = {}): FakeHost {
  const values = new Map(Object.entries(event).map(([id, list]) => [Number(id), list]));
  const calls: string[] = [];
  const checked = (what: string, id: number): number => {
    if (id < 0 || id > LAST_ID) throw new ForeignFault("host", `no ${what} ${id}`);
    return id;
  };
  const value = (field: number, index: number): FieldValue | undefined => values.get(checked("field", field))?.[index];
  const match = (what: string, id: number, text: Uint8Array): boolean => {
    calls.push(`${what} ${checked("pattern", id)} ${Buffer.from(text).toString("utf8")}`);
    return text.length > id;
  };
  const text = (field: number, index: number): Uint8Array | null => {
    const found = value(field, index);
    return typeof found === "string" ? utf8(found) : found instanceof Uint8Array ? found : null;
  };
  return {
    event: values,
    calls,
    count: (field) => values.get(checked("field", field))?.length ?? 0,
    text,
    copyText: copying(text),
    integer: (field, index) => {
      const found = value(field, index);
      return typeof found === "bigint" ? found : null;
    },
    double: (field, index) => {
      const found = value(field, index);
      return typeof found === "number" || typeof found === "bigint" ? Number(found) : null;
    },
    boolean: (field, index) => {
      const found = value(field, index);
      return typeof found === "boolean" ? found : null;
    },
    regex: (id, text) => match("regex", id, text),
    glob: (id, text) => match("glob", id, text),
    emit: () => calls.push("emit"),
    capture: (field) => calls.push(`capture ${checked("field", field)}`),
  };
}

let loaded: CreateLuaInstance | null = null;

/** Before the tests of a file. */
export async function prepareLua(): Promise<void> {
  loaded = await loadLua();
}

export function createScript(
  source: string | Uint8Array,
  host: ForeignHost = createFakeHost(),
  limits: Limits = LIMITS,
  fields: ReadonlyMap<string, number> = new Map(),
): ForeignInstance {
  if (loaded === null) throw new Error("prepareLua has not run");
  return loaded(typeof source === "string" ? utf8(source) : source, "predicate.lua", host, limits, { fields });
}

/** What an expression of Lua gives, as `tostring` spells it. */
export function evaluateLua(expression: string, before = ""): string {
  const script = `${before}
    function pred_eval() return true end
    function pred_capture() return { value = tostring(${expression}) } end`;
  return createScript(script).capture()[0]?.[1] ?? "";
}

/** The fault that ends a script, wherever it comes. */
export function faultOf(source: string | Uint8Array, host?: ForeignHost, limits?: Limits): ForeignFault {
  try {
    const instance = createScript(source, host, limits);
    instance.init();
    instance.evaluate();
    instance.capture();
  } catch (error) {
    if (error instanceof ForeignFault) return error;
    throw error;
  }
  throw new Error("the script came to its end");
}

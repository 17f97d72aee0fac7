// Generated Lua without the module: the sandbox, with values as the reference interpreter decodes them and patterns as JavaScript
// matches them.

import { languageText } from "@kestrel/compiler/backend/lua/language";
import type { LuaPredicate } from "@kestrel/compiler/backend/lua/lower-to-lua";
import type { Reading } from "@kestrel/compiler/ir/reading";
import type { ForeignInstance, GeneratedHost } from "@kestrel/runtime/foreign/foreign-host";
import { loadGenerated } from "@kestrel/runtime/foreign/lua/generated-predicates";
import { GENERATED_FUEL, GENERATED_MEMORY_BYTES, GENERATED_MILLISECONDS } from "@kestrel/stdlib/host-api";
import { fieldValues, type ReferenceType } from "../reference/flatten.js";
import type { RefEvent, ReferenceOptions } from "../reference/interpret.js";
import type { Json } from "../reference/read-json.js";
import type { Value } from "../reference/values.js";
import { type Matcher, matcherOf } from "./lua-patterns.js";

/** What a predicate is asked about. */
export interface Asked {
  readonly event: RefEvent;
  /** Of the stages of a sequence, by number; null for one that has no event. */
  readonly stages?: readonly (RefEvent | null)[];
  /** Of lineage queries, by number. */
  readonly flags?: readonly boolean[];
}

export interface LuaPack {
  /** Throws ForeignFault when the code fails. */
  holds(predicate: number, asked: Asked): boolean;
  /** How many questions gave up. */
  gaveUp(): number;
}

const LIMITS = { fuel: GENERATED_FUEL, memoryBytes: GENERATED_MEMORY_BYTES, milliseconds: GENERATED_MILLISECONDS };

/** Loads generated predicates into one state. */
export async function openLua(predicates: readonly LuaPredicate[], options: ReferenceOptions): Promise<LuaPack> {
  const utf8 = new TextEncoder();
  const make = await loadGenerated(utf8.encode(languageText()));
  let asked: Asked | null = null;
  let gaveUp = 0;

  function hostOf({ readings, patterns }: LuaPredicate): GeneratedHost {
    const matchers: Matcher[] = [];
    const values = (field: number): readonly (Value | Uint8Array)[] => {
      const reading = readings[field];
      if (reading === undefined || reading.root.kind === "element") throw new Error(`there is no reading ${field}`);
      if (asked === null) throw new Error("no event is at hand");
      if (reading.as !== "raw") return typedValues(reading, asked, options);
      return jsonValues(reading, asked).map((value) => utf8.encode(jsonText(value)));
    };
    const at = (field: number, index: number): Value | Uint8Array => values(field)[index] ?? null;
    return {
      count: (field) => values(field).length,
      typeOf: (field) => readings[field]?.as ?? "object",
      text(field, index) {
        const value = at(field, index);
        if (value instanceof Uint8Array) return value;
        const isText = value !== null && typeof value === "object" && (value.type === "ip" || value.type === "version");
        return typeof value === "string" ? utf8.encode(value) : isText ? utf8.encode(value.text) : null;
      },
      // Only modules ask for copies.
      copyText: () => 0,
      integer(field, index) {
        const value = at(field, index);
        if (typeof value === "bigint") return value;
        return value !== null && typeof value === "object" && "nanoseconds" in value ? value.nanoseconds : null;
      },
      double(field, index) {
        const value = at(field, index);
        return typeof value === "number" ? value : null;
      },
      boolean(field, index) {
        const value = at(field, index);
        return typeof value === "boolean" ? value : null;
      },
      regex(id, text) {
        const pattern = patterns[id];
        if (pattern === undefined) throw new Error(`there is no pattern ${id}`);
        const matcher = matchers[id] ?? matcherOf(pattern);
        matchers[id] = matcher;
        return matcher(Buffer.from(text).toString("utf8"));
      },
      glob: () => false,
      flag: (query) => asked?.flags?.[query] ?? false,
      gaveUp() {
        gaveUp++;
      },
      emit: () => undefined,
      capture: () => undefined,
    };
  }

  const instances = predicates.map((predicate): ForeignInstance => {
    const instance = make(utf8.encode(predicate.text), predicate.name)(hostOf(predicate), LIMITS);
    instance.init();
    return instance;
  });
  return {
    holds(id, about) {
      const instance = instances[id];
      if (instance === undefined) throw new Error(`there is no predicate ${id}`);
      asked = about;
      return instance.evaluate();
    },
    gaveUp: () => gaveUp,
  };
}

function eventOf({ root }: Reading, { event, stages }: Asked): RefEvent | null {
  return root.kind === "stage" ? (stages?.[root.stage] ?? null) : event;
}

function typedValues(reading: Reading, asked: Asked, options: ReferenceOptions): readonly Value[] {
  const event = eventOf(reading, asked);
  if (event === null || reading.as === "raw") return [];
  const isTime = reading.name === (options.timestampField ?? "@timestamp") && reading.as === "date";
  const type: ReferenceType = isTime ? { timestamp: options.timestampUnit ?? "auto" } : reading.as;
  return fieldValues(event.flat, reading.name, type).values;
}

/** What stands at the reading's name, wherever its dots part it; or under the one key that is its name. */
function jsonValues(reading: Reading, asked: Asked): readonly Json[] {
  const json = eventOf(reading, asked)?.json;
  if (json === undefined) return [];
  if (reading.whole)
    return json.kind === "object" ? json.entries.flatMap(([key, value]) => (key === reading.name ? [value] : [])) : [];
  const found: Json[] = [];
  const walk = (value: Json, path: string | null): void => {
    if (path === reading.name) found.push(value);
    else if (value.kind === "array") for (const item of value.items) walk(item, path);
    else if (value.kind === "object") {
      for (const [key, child] of value.entries) walk(child, path === null ? key : `${path}.${key}`);
    }
  };
  walk(json, null);
  return found;
}

function jsonText(value: Json): string {
  switch (value.kind) {
    case "null":
      return "null";
    case "boolean":
      return String(value.value);
    case "string":
      return JSON.stringify(value.value);
    case "number":
      return value.text;
    case "array":
      return `[${value.items.map(jsonText).join(", ")}]`;
    case "object":
      return `{${value.entries.map(([key, member]) => `${JSON.stringify(key)}: ${jsonText(member)}`).join(", ")}}`;
  }
}

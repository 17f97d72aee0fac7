// A seed -> one line of NDJSON for the endgame dialect: a few names, any of which may hold any JSON value, though each mostly
// holds the kind it is named for; arrays, objects, arrays of objects, keys with dots, keys that stand twice.

import { ADDRESSES, LONGS, TEXTS } from "./pool.js";
import type { Random } from "./random.js";

export type Kind = "text" | "number" | "boolean" | "list" | "object";

/** The names of fields, and what they mostly hold. */
export const ENDGAME_FIELDS: Readonly<Record<string, Kind>> = {
  name: "text",
  path: "text",
  user: "text",
  address: "text",
  subtype: "text",
  num: "number",
  size: "number",
  pid: "number",
  opcode: "number",
  flag: "boolean",
  list: "list",
  objs: "list",
  obj: "object",
  "a.b": "text",
};

export const ENDGAME_TYPES: readonly string[] = ["process", "file", "network"];
export const WORDS: readonly string[] = ["create", "Create", "terminate", "a", "true"];

export function generateEndgameEvent(random: Random): string {
  const entries: string[] = [];
  const put = (name: string, text: string): void => {
    entries.push(`${quote(random, name)}:${random.pick(["", "", " "])}${text}`);
  };
  if (random.chance(0.95)) put("event_type", random.chance(0.97) ? JSON.stringify(random.pick(ENDGAME_TYPES)) : "1");
  for (const [name, kind] of Object.entries(ENDGAME_FIELDS)) {
    if (!random.chance(0.7)) continue;
    put(name, fieldText(random, name, kind));
    // The first of two is the one that counts.
    if (random.chance(0.03)) put(name, fieldText(random, name, kind));
  }
  const order = random.chance(0.5) ? entries : [...entries].reverse();
  return `{${order.join(random.pick([",", ", "]))}}`;
}

function fieldText(random: Random, name: string, kind: Kind): string {
  if (random.chance(0.12)) return anyText(random, 1);
  if (name === "address") return JSON.stringify(random.pick(ADDRESSES));
  if (name === "subtype") return JSON.stringify(random.pick(WORDS));
  if (name === "objs") return listText(random, () => objectText(random, 1));
  return valueText(random, kind, 2);
}

function valueText(random: Random, kind: Kind, depth: number): string {
  switch (kind) {
    case "text":
      return quote(random, random.pick(TEXTS));
    case "number":
      return numberText(random);
    case "boolean":
      return random.pick(["true", "false"]);
    case "list":
      return listText(random, () => (depth > 0 ? anyText(random, depth - 1) : scalarText(random)));
    case "object":
      return objectText(random, depth);
  }
}

function objectText(random: Random, depth: number): string {
  const entries: string[] = [];
  const put = (rate: number, name: string, make: () => string): void => {
    if (random.chance(rate)) entries.push(`${quote(random, name)}: ${make()}`);
  };
  put(0.6, "name", () => valueText(random, "text", 0));
  put(0.6, "num", () => numberText(random));
  put(0.3, "flag", () => scalarText(random));
  put(0.4, "list", () => listText(random, () => (depth > 0 ? anyText(random, depth - 1) : scalarText(random))));
  if (depth > 0) put(0.3, "obj", () => objectText(random, depth - 1));
  return `{${entries.join(", ")}}`;
}

function listText(random: Random, item: () => string): string {
  return `[${Array.from({ length: random.below(4) }, item).join(random.pick([",", ", "]))}]`;
}

function anyText(random: Random, depth: number): string {
  return random.weighted<() => string>([
    [8, () => scalarText(random)],
    [depth > 0 ? 1 : 0, () => listText(random, () => anyText(random, depth - 1))],
    [depth > 0 ? 1 : 0, () => objectText(random, depth - 1)],
  ])();
}

function scalarText(random: Random): string {
  return random.weighted<() => string>([
    [4, () => quote(random, random.pick(TEXTS))],
    [4, () => numberText(random)],
    [1, () => random.pick(["true", "false"])],
    [1, () => "null"],
  ])();
}

function numberText(random: Random): string {
  return random.weighted<() => string>([
    [6, () => String(random.pick(LONGS))],
    [4, () => String(random.below(5))],
    [2, () => random.pick(["0.5", "1.5", "-7.25", "1.0", "2.0", "-0.0", "1e3", "0.1", "4.9e-324", "1e308"])],
    [0.5, () => random.pick(["9223372036854775808", "-9223372036854775809", "1e19", "12345678901234567890123", "-0"])],
  ])();
}

/** Now and then a letter is written as an escape. */
function quote(random: Random, text: string): string {
  const quoted = JSON.stringify(text);
  if (!random.chance(0.05)) return quoted;
  return quoted.replace(/[a-z](?=[^\\]*"$)/, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`);
}

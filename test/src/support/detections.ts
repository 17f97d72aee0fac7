// What the reference interpreter and the runtime find -> texts that are equal when the detections of a rule are: their
// events, their join keys and their order. `3 5 by text "a"` is a sequence of the events 3 and 5, -1 a missing event.

import type { Query } from "@kestrel/compiler/syntax/ast";
import { fold } from "../reference/fold.js";
import type { Result } from "../reference/interpret.js";
import { type Json, readJson } from "../reference/read-json.js";
import type { Found } from "./run-pack.js";

/** What a detector over lines that it may sort gives for a query, in the order in which it gives it. */
export function expectedDetections(query: Query, result: Result): readonly string[] {
  if (result.kind === "events") return result.events.map(({ ordinal }) => String(ordinal));
  const { body } = query;
  const sequences = [...result.sequences];
  if (body.kind === "sequence" && body.terms.at(-1)?.missing === true) {
    // What waits for the end of its maxspan is told then; of two that end at once the one that was complete first.
    const began = ({ events }: (typeof sequences)[number]): bigint => events.find((event) => event !== null)?.ts ?? 0n;
    sequences.sort((a, b) => (began(a) < began(b) ? -1 : began(a) > began(b) ? 1 : 0));
  }
  return sequences.map(({ events, identity }) => writtenRow(events, identity));
}

/** A row of a result over a whole file, as both sides write it. */
export function writtenRow(
  events: readonly ({ readonly ordinal: number } | null)[],
  identity: readonly string[],
): string {
  return written(
    events.map((event) => event?.ordinal ?? -1),
    identity,
  );
}

/** The same of what was found for the rule with this index. */
export function foundDetections(found: Found, rule: number, dialect: Query["dialect"]): readonly string[] {
  return (found.byRule[rule] ?? []).map((ordinals, at) =>
    written(ordinals, identityOfKey(found.keysByRule[rule]?.[at] ?? "", dialect)),
  );
}

/** The events alone. */
export function eventsOf(detection: string): string {
  return detection.split(" by ")[0] ?? "";
}

/** A key string of the runtime -> its parts in the words of the reference. */
export function identityOfKey(key: string, dialect: Query["dialect"]): readonly string[] {
  if (key === "") return [];
  return key.split("\n").map((part) => {
    if (part.startsWith("d")) return `date ${part.slice(1)}`;
    return identityOfJson(readJson(part), dialect);
  });
}

/** In endgame texts that differ only in case are one key, and each side may write it in its way. */
function identityOfJson(json: Json, dialect: Query["dialect"]): string {
  switch (json.kind) {
    case "null":
      return "null";
    case "boolean":
      return `boolean ${json.value}`;
    case "number":
      return `number ${json.text}`;
    case "string":
      return `text ${JSON.stringify(dialect === "endgame" ? fold(json.value) : json.value)}`;
    case "array":
      return `[${json.items.map((item) => identityOfJson(item, dialect)).join(", ")}]`;
    case "object":
      throw new TypeError("an object is no part of a join key");
  }
}

function written(ordinals: readonly number[], identity: readonly string[]): string {
  return ordinals.join(" ") + (identity.length === 0 ? "" : ` by ${identity.join(", ")}`);
}

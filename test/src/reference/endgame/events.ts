// An event as the endgame dialect sees it: the JSON object of its line, unread by any schema.

import { parseDate } from "../dates.js";
import { BEFORE_EVERYTHING, type RefEvent, type ReferenceOptions } from "../events.js";
import { type Data, type Dict, dataOf, isDict } from "./values.js";

export interface EndgameEvent {
  readonly source: RefEvent;
  /** Nanoseconds since 1970. */
  readonly ts: bigint;
  /** Whether `ts` is its own. */
  readonly timed: boolean;
  readonly category: string | null;
  readonly data: Dict;
}

/** Between 1601, where a FILETIME starts, and 1970, in steps of 100 ns. */
const FILETIME_OF_1970 = 116_444_736_000_000_000n;

/** In the order of arrival. An event without a readable time takes that of the timed one before it. */
export function endgameEvents(sources: readonly RefEvent[], options: ReferenceOptions): EndgameEvent[] {
  let last = BEFORE_EVERYTHING;
  const arrived = [...sources].sort((a, b) => a.ordinal - b.ordinal);
  return arrived.map((source) => {
    const data = dataOf(source.json);
    if (!isDict(data)) throw new SyntaxError("An event must be a JSON object");
    const own = timeOf(member(data, options.timestampField ?? "@timestamp"), options.timestampUnit ?? "milliseconds");
    last = own ?? last;
    const category = member(data, options.categoryField ?? "event_type");
    return { source, ts: last, timed: own !== null, category: typeof category === "string" ? category : null, data };
  });
}

/** A field that is named with dots: the key of that name, else what the dots lead to. */
function member(data: Dict, name: string): Data {
  if (data.has(name)) return data.get(name) ?? null;
  let value: Data = data;
  for (const part of name.split(".")) value = isDict(value) ? (value.get(part) ?? null) : null;
  return value;
}

function timeOf(value: Data, unit: "milliseconds" | "filetime"): bigint | null {
  if (typeof value === "string") return parseDate(value);
  if (typeof value === "number") return BigInt(Math.trunc(value * 1e6));
  if (typeof value !== "bigint") return null;
  return unit === "filetime" ? (value - FILETIME_OF_1970) * 100n : value * 1_000_000n;
}

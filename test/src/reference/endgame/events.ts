// An event as the endgame dialect sees it: the JSON object of its line, unread by any schema.

import type { RefEvent, ReferenceOptions } from "../events.js";
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

/** In the order of arrival, at the times that readEvents gave them. */
export function endgameEvents(sources: readonly RefEvent[], options: ReferenceOptions): EndgameEvent[] {
  const arrived = [...sources].sort((a, b) => a.ordinal - b.ordinal);
  return arrived.map((source) => {
    const data = dataOf(source.json);
    if (!isDict(data)) throw new SyntaxError("An event must be a JSON object");
    const category = member(data, options.categoryField ?? "event_type");
    const { ts, timed } = source;
    return { source, ts, timed, category: typeof category === "string" ? category : null, data };
  });
}

/** A field that is named with dots: the key of that name, else what the dots lead to. */
function member(data: Dict, name: string): Data {
  if (data.has(name)) return data.get(name) ?? null;
  let value: Data = data;
  for (const part of name.split(".")) value = isDict(value) ? (value.get(part) ?? null) : null;
  return value;
}

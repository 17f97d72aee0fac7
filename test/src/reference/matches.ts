// `category where condition` over one event.

import type { EventQuery } from "@kestrel/compiler/syntax/ast";
import { holds } from "./evaluate.js";
import type { RefEvent, ReferenceOptions } from "./events.js";

/** Throws Unsupported, or Error when a field or function does not exist. */
export function matches(query: EventQuery, event: RefEvent, options: ReferenceOptions): boolean {
  if (query.category !== null && !event.categories.includes(query.category)) return false;
  return holds(query.condition, event, options.schema);
}

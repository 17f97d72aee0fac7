// The reference interpreter: a parsed query of the elastic dialect and a list of events -> what the query means on them.
// It is slow and obvious on purpose, shares no code with the compiler but the parser, and defines what is right.

import type { Query } from "@kestrel/compiler/syntax/ast";
import { Unsupported } from "./evaluate.js";
import { type RefEvent, type ReferenceOptions, sortEvents } from "./events.js";
import { keyTexts } from "./keys.js";
import { matches } from "./matches.js";
import { applyPipes } from "./pipes.js";
import { runSample } from "./sample.js";
import { type KeyedEvents, runSequence } from "./sequence.js";

export { constantValue, Unsupported } from "./evaluate.js";
export { type RefEvent, type ReferenceOptions, readEvent, readEvents, sortEvents } from "./events.js";
export { matches } from "./matches.js";

export type Result =
  | { readonly kind: "events"; readonly events: readonly RefEvent[] }
  | {
      /** Of a sequence in the order of completion, of a sample in the order of keys. */
      readonly kind: "sequences";
      readonly sequences: readonly {
        /** null for a missing optional key. */
        readonly key: readonly (string | null)[];
        /** null in the slot of a missing event. */
        readonly events: readonly (RefEvent | null)[];
      }[];
    };

/**
 * Interprets a query over all of `events`, which are put in order first. Throws Unsupported for what the interpreter leaves
 * out, and Error when a field or function does not exist or the query is not valid.
 */
export function interpret(query: Query, events: readonly RefEvent[], options: ReferenceOptions): Result {
  if (query.dialect !== "elastic") throw new Unsupported("Only the elastic dialect is interpreted");
  const ordered = sortEvents(events);
  const { body } = query;
  switch (body.kind) {
    case "event": {
      const found = ordered.filter((event) => matches(body, event, options));
      return { kind: "events", events: applyPipes(found, query.pipes) };
    }
    case "sequence":
      return shown(applyPipes(runSequence(body, ordered, options), query.pipes));
    case "sample":
      return shown(applyPipes(runSample(body, ordered, options), query.pipes));
    case "join":
      throw new Unsupported("join is not part of the elastic dialect");
  }
}

function shown(found: readonly KeyedEvents[]): Result {
  return { kind: "sequences", sequences: found.map(({ key, events }) => ({ key: keyTexts(key), events })) };
}

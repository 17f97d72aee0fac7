// The reference interpreter: a parsed query and a list of events -> what the query means on them, in the query's dialect.
// It is slow and obvious on purpose, shares no code with the compiler but the parser, and defines what is right.

import type { Query } from "@kestrel/compiler/syntax/ast";
import { checkConditions } from "./check-conditions.js";
import { interpretEndgame } from "./endgame/interpret.js";
import { Unsupported } from "./evaluate.js";
import { type RefEvent, type ReferenceOptions, sortEvents } from "./events.js";
import { identity, keyTexts } from "./keys.js";
import { selectEvents } from "./matches.js";
import { applyPipes } from "./pipes.js";
import { runSample } from "./sample.js";
import { type KeyedEvents, runSequence } from "./sequence.js";

export { constantValue, Unsupported } from "./evaluate.js";
export {
  BEFORE_EVERYTHING,
  type RefEvent,
  type ReferenceOptions,
  readEvent,
  readEvents,
  sortEvents,
} from "./events.js";
export { matches } from "./matches.js";

export type Result =
  | {
      readonly kind: "events";
      /** Without what a pipe has counted, which is no event. */
      readonly events: readonly RefEvent[];
      readonly counted?: Counted;
    }
  | {
      /** Of a sequence in the order of completion, of a sample over a whole file in the order of keys. */
      readonly kind: "sequences";
      readonly sequences: readonly {
        /** null for a missing optional key. */
        readonly key: readonly (string | null)[];
        /** One text for each part of the key, equal for equal values only: `text "a"`, `number 1`, `null`. */
        readonly identity: readonly string[];
        /** null in the slot of a missing event. */
        readonly events: readonly (RefEvent | null)[];
      }[];
      readonly counted?: Counted;
    };

/** After a pipe that counts: for each row of the result its first event as JSON, or null where nothing was counted. */
export type Counted = readonly (string | null)[];

/**
 * Interprets a query over all of `events`; elastic puts them in order first, endgame takes them as they arrived. Throws
 * Unsupported for what the interpreter leaves out, and Error when a field or function does not exist or the query is not
 * valid.
 */
export function interpret(query: Query, events: readonly RefEvent[], options: ReferenceOptions): Result {
  if (query.dialect === "endgame") return shownEndgame(query, events, options);
  checkConditions(query.body, options.schema);
  const ordered = sortEvents(events);
  const { body } = query;
  switch (body.kind) {
    case "event": {
      return { kind: "events", events: applyPipes(selectEvents(body, ordered, options), query.pipes) };
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
  return {
    kind: "sequences",
    sequences: found.map(({ key, events }) => ({ key: keyTexts(key), identity: key.values.map(identity), events })),
  };
}

function shownEndgame(query: Query, events: readonly RefEvent[], options: ReferenceOptions): Result {
  const { several, rows } = interpretEndgame(query, events, options);
  const counts = rows.some(({ counted }) => counted !== null);
  const counted = counts ? { counted: rows.map((row) => row.counted) } : {};
  const matched = rows.filter((row) => row.events.length > 0);
  if (several) return { kind: "sequences", sequences: matched, ...counted };
  return { kind: "events", events: matched.flatMap((row) => row.events.filter((event) => event !== null)), ...counted };
}

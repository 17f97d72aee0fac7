// The reference interpreter of the endgame dialect: a parsed query and a stream of events -> what the query means on them.

import type { Expr, Query } from "@kestrel/compiler/syntax/ast";
import { type RefEvent, type ReferenceOptions, readEvent } from "../events.js";
import { checkExpression, checkQuery } from "./check.js";
import { evaluate } from "./evaluate.js";
import { type EndgameEvent, endgameEvents } from "./events.js";
import { format } from "./functions.js";
import { answerLineage, matches } from "./lineage.js";
import { applyPipes, type Row } from "./pipes.js";
import { type Found, runJoin, runSample, runSequence } from "./stages.js";
import { type Data, identity, isDict, isList } from "./values.js";

export type { Data } from "./values.js";

export interface EndgameResult {
  /** The query is a sequence, join or sample. */
  readonly several: boolean;
  readonly rows: readonly {
    /** Empty for event queries and for what a pipe has counted. */
    readonly key: readonly (string | null)[];
    /** One text for each part of the key, equal for equal values only. */
    readonly identity: readonly string[];
    /** What was matched; empty for what a pipe has counted. null is the slot of a missing event. */
    readonly events: readonly (RefEvent | null)[];
    /** The first event as JSON, where a pipe has counted or added to it; else null. */
    readonly counted: string | null;
  }[];
}

/** Events are taken in the order of their arrival. Throws Error when the query is not valid. */
export function interpretEndgame(query: Query, sources: readonly RefEvent[], options: ReferenceOptions): EndgameResult {
  checkQuery(query);
  const events = endgameEvents(sources, options);
  const { body } = query;
  const several = body.kind !== "event";
  const rows = applyPipes(
    findMatches(query, events, options).map(
      (match): Row<Found> => ({
        match,
        events: match.events.map((event) => event?.data ?? new Map()),
        counted: false,
      }),
    ),
    query.pipes,
    several,
  );
  return {
    several,
    rows: rows.map(({ match, counted, events: [first = null] }) => ({
      key: (match?.key ?? []).map(format),
      identity: (match?.key ?? []).map(identity),
      events: (match?.events ?? []).map((event) => event?.source ?? null),
      counted: counted ? toJson(first) : null,
    })),
  };
}

function findMatches(query: Query, events: readonly EndgameEvent[], options: ReferenceOptions): readonly Found[] {
  const { body } = query;
  const answers = answerLineage(query, events);
  switch (body.kind) {
    case "event":
      return events
        .filter((event) => matches(body, event, answers.get(event) ?? new Map()))
        .map((event) => ({ key: [], events: [event] }));
    case "sequence":
      return runSequence(body, { events, answers });
    case "join":
      return runJoin(body, { events, answers });
    case "sample":
      return runSample(body, { events, answers }, options);
  }
}

/** The value of an expression over one event, which may be empty. Throws Error when it is not valid. */
export function evaluateEndgame(expression: Expr, line = "{}"): Data {
  checkExpression(expression);
  const options: ReferenceOptions = { schema: { fields: new Map() } };
  const [event] = endgameEvents([readEvent(line, options)], options);
  return evaluate(expression, {
    event: event?.data ?? new Map(),
    events: null,
    variables: new Map(),
    related: () => false,
  });
}

/** JSON, with a point or an exponent in every float. */
export function toJson(value: Data): string {
  if (isDict(value))
    return `{${[...value].map(([key, inner]) => `${JSON.stringify(key)}:${toJson(inner)}`).join(",")}}`;
  if (isList(value)) return `[${value.map(toJson).join(",")}]`;
  return typeof value === "string" ? JSON.stringify(value) : (format(value) ?? "null");
}

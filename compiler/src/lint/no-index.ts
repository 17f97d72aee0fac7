// W0507: the witness index skips a rule on events that lack what it needs. A rule for `any` category that needs nothing to be there is
// tried on every event.

import { type Lint, warning } from "./lint-input.js";

export const noIndex: Lint = {
  code: "W0507",
  run({ query: { body }, planned }) {
    const { predicates, eventRules, programs, index } = planned;
    // Only the predicates of event rules and terms count: the feed of a process tree is no term, and a late test never
    // runs for an event that has not met its early half.
    const own = new Set(eventRules.flatMap((rules, id) => (rules.length > 0 ? [id] : [])));
    for (const { stages, until } of programs) {
      for (const { predicate } of until === null ? stages : [...stages, until]) own.add(predicate);
    }
    // A condition that holds for every event, or for none, leaves nothing to narrow.
    const open = index?.always.some(
      ({ predicate }) => own.has(predicate) && predicates[predicate]?.circuit.kind !== "constant",
    );
    if (open !== true) return [];
    const span =
      body.kind === "event" ? body.span : { start: body.span.start, end: body.span.start + body.kind.length };
    const what = body.kind === "event" ? "the rule" : "a term of the rule";
    const help = 'name a category, or ask for a value that must be there, such as `event.action == "…"`';
    return [
      warning("W0507", span, `${what} is tried on every event, because it asks for nothing that must be there`, help),
    ];
  },
};

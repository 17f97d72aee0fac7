// W0506: without a maxspan the stages of a sequence may lie any time apart, so unrelated events join up, and a partial match
// is only forgotten when its place is needed.

import { type Lint, warning } from "./lint-input.js";

export const noMaxspan: Lint = {
  code: "W0506",
  run({ query: { body } }) {
    if (body.kind !== "sequence" || body.maxspan !== null) return [];
    // One term, once, is an event query.
    if (body.terms.length === 1 && body.terms[0]?.runs === 1) return [];
    const { start } = body.span;
    const span = { start, end: start + "sequence".length };
    const help = "say how long it may take, such as `with maxspan=5m` behind the join keys";
    return [warning("W0506", span, "the sequence has no maxspan: its events may lie years apart", help)];
  },
};

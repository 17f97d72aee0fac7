// The list of lints, and how they are run. One lint is one file; docs/diagnostics.md explains each with an example.

import type { Problem } from "../diagnostics/diagnostic.js";
import { alwaysNull } from "./always-null.js";
import type { Lint, LintInput } from "./lint-input.js";
import { neverMatches } from "./never-matches.js";
import { neverTrue } from "./never-true.js";
import { noIndex } from "./no-index.js";
import { noMaxspan } from "./no-maxspan.js";
import { pipesInStream } from "./stream-pipes.js";
import { unlistedField } from "./unlisted-field.js";
import { wildcardInEquality } from "./wildcard-in-equality.js";

export const LINTS: readonly Lint[] = [
  neverTrue, // W0503: a condition, or a part of one, that nothing can meet
  alwaysNull, // W0504: an optional field that is in no schema, an order against null
  wildcardInEquality, // W0505: `==` and `in` with a `*` that is no wildcard there
  noMaxspan, // W0506: a sequence that may take years
  noIndex, // W0507: nothing narrows the rule
  pipesInStream, // W0501: a pipe that a package leaves out
  unlistedField, // W0510: a name that only its namespace vouches for
];

/** Warnings that only concern rules which run for ever, and not a query that is asked once. */
export const FOR_PACKAGES: ReadonlySet<string> = new Set(["W0501", "W0506", "W0507"]);

/** Runs the lints over a rule that has no errors. */
export function lintRule(input: LintInput, lints: readonly Lint[] = LINTS): Problem[] {
  const found = lints.flatMap((lint) => lint.run(input));
  return [...found, ...neverMatches(input, found)].sort((a, b) => a.span.start - b.span.start);
}

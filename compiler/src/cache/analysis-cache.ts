// What the front makes of a rule's text, kept in a store.
//
// SOUND: the name of an entry is the digest of all that `analyseText` (front.ts) reads: of the rule its query, dialect, event fields and whether
// it names its source; the options, schema included, but for the profile, which the front does not look at; and the compiler. A rule that uses hand-written code is not kept, because that code
// would take part as well. Where a rule stands, its name and what it suppresses are added afterwards, so that a rule that moves in its file
// is found again.

import { createHash } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import type { CompileOptions } from "../compile-options.js";
import type { Analysis, AnalysisCache } from "../front.js";
import type { Rule } from "../rule/rule.js";
import { compilerDigest } from "./compiler-digest.js";
import type { Store } from "./store.js";

/** The analyses that `compiler`, by its digest, made with these options. */
export function createAnalysisCache(
  store: Store,
  options: CompileOptions,
  compiler: string = compilerDigest(),
): AnalysisCache {
  const prefix = createHash("sha256")
    .update(JSON.stringify(["analysis", compiler, contentOf(options)]))
    .digest();
  const nameOf = ({ query, dialect, eventFields: { category, timestamp, tiebreaker }, namesSource }: Rule): string =>
    createHash("sha256")
      .update(prefix)
      .update(JSON.stringify([dialect, category, timestamp, tiebreaker, namesSource, query]))
      .digest("hex");
  return {
    get(rule) {
      if (rule.uses.size > 0) return null;
      const content = store.get(nameOf(rule));
      return content === null ? null : (deserialize(content) as Analysis);
    },
    put(rule, analysis) {
      if (rule.uses.size > 0) return;
      const { query } = analysis;
      const kept: Analysis = { ...analysis, query: query && { dialect: query.dialect, span: query.span } };
      store.put(nameOf(rule), serialize(kept));
    },
  };
}

/** All options but the profile; a new one takes part without being named here. */
function contentOf({ schema, profile: _, ...others }: CompileOptions): unknown {
  const named = Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1));
  return [[...schema.fields.values()].map(({ id, name, type }) => [name, id, type]), schema.open ?? null, named];
}

// A rule -> the name of its query: the digest of everything that what is made of it depends on.
//
// SOUND: that is, of the rule its query, dialect, event fields and whether it names its source; the options, schema included, but for the
// profile, which only steers what becomes of all queries together; and the compiler. Of a rule that uses hand-written code it would be that code
// as well: such a rule has no name. Where a rule stands, what it is called and what it suppresses is no part of it, so that a rule that
// moves in its file is found again.

import { createHash } from "node:crypto";
import type { CompileOptions } from "../compile-options.js";
import type { Rule } from "../rule/rule.js";

/** 32 bytes, or null for a rule that has no name. */
export type QueryNames = (rule: Rule) => Buffer | null;

/** The names of queries that `compiler`, by its digest, compiles with these options. */
export function createQueryNames(options: CompileOptions, compiler: string): QueryNames {
  const prefix = createHash("sha256")
    .update(JSON.stringify(["query", compiler, contentOf(options)]))
    .digest();
  const names = new WeakMap<Rule, Buffer>();
  return (rule) => {
    if (rule.uses.size > 0) return null;
    const known = names.get(rule);
    if (known !== undefined) return known;
    const { query, dialect, eventFields, namesSource } = rule;
    const { category, timestamp, tiebreaker } = eventFields;
    const name = createHash("sha256")
      .update(prefix)
      .update(JSON.stringify([dialect, category, timestamp, tiebreaker, namesSource, query]))
      .digest();
    names.set(rule, name);
    return name;
  };
}

/** All options but the profile; a new one takes part without being named here. */
function contentOf({ schema, profile: _, ...others }: CompileOptions): unknown {
  const named = Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1));
  return [[...schema.fields.values()].map(({ id, name, type }) => [name, id, type]), schema.open ?? null, named];
}

// A rule -> the name of its query: the digest of everything that what is made of it depends on.
//
// SOUND: that is, of the rule its query, dialect, event fields and whether it names its source; the hand-written code that it uses, under the names that it gives it; the options,
// schema included, but for the profile, which only steers what becomes of all queries together; and the compiler. Where a rule stands, what it is called and what
// it suppresses is no part of it, so that a rule that moves in its file is found again.

import { createHash } from "node:crypto";
import type { CompileOptions } from "../compile-options.js";
import type { Foreign } from "../ir/foreign.js";
import type { Rule } from "../rule/rule.js";

/** 32 bytes; null for a rule that uses code which is not among `packages`, hand-written ones by id. */
export type QueryNames = (rule: Rule, packages?: ReadonlyMap<string, Foreign>) => Buffer | null;

/** The names of queries that `compiler`, by its digest, compiles with these options. */
export function createQueryNames(options: CompileOptions, compiler: string): QueryNames {
  const prefix = digestOf(["query", compiler, contentOf(options)]).toString("hex");
  const names = new WeakMap<Rule, Buffer>();
  const ownName = (rule: Rule): Buffer => {
    const known = names.get(rule);
    if (known !== undefined) return known;
    const { query, dialect, eventFields, namesSource } = rule;
    const { category, timestamp, tiebreaker } = eventFields;
    const name = digestOf([prefix, dialect, category, timestamp, tiebreaker, namesSource, query]);
    names.set(rule, name);
    return name;
  };
  return (rule, packages) => {
    const own = ownName(rule);
    if (rule.uses.size === 0) return own;
    const uses: unknown[] = [];
    for (const [name, id] of rule.uses) {
      const code = packages?.get(id);
      if (code === undefined) return null;
      uses.push([name, contentOfCode(code)]);
    }
    return digestOf([own.toString("hex"), uses]);
  };
}

/** All options but the profile; a new one takes part without being named here. */
function contentOf({ schema, profile: _, ...others }: CompileOptions): unknown {
  const named = Object.entries(others).sort(([a], [b]) => (a < b ? -1 : 1));
  return [[...schema.fields.values()].map(({ id, name, type }) => [name, id, type]), schema.open ?? null, named];
}

function contentOfCode({ code, ...others }: Foreign): unknown {
  return [createHash("sha256").update(code).digest("hex"), others];
}

function digestOf(content: unknown): Buffer {
  return createHash("sha256").update(JSON.stringify(content)).digest();
}

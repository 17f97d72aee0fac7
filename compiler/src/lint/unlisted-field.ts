// W0510: below an open namespace such as `winlog.event_data` every name is accepted, because no list could be complete. A
// misspelt one would then never match, so a name that is not listed is at least mentioned, with the listed one that it may be.

import { openNamespaceOf, suggest } from "@kestrel/stdlib/schema/schema";
import type { Span } from "../syntax/ast.js";
import { type Lint, warning } from "./lint-input.js";

export const unlistedField: Lint = {
  code: "W0510",
  run({ bound, schema }) {
    const first = new Map<string, Span>();
    for (const [expr, typed] of bound) {
      if (typed.kind !== "field" || expr.kind !== "field" || typed.reading.root.kind === "element") continue;
      const { name } = typed.reading;
      if (!schema.fields.has(name) && !first.has(name)) first.set(name, expr.span);
    }
    return [...first].flatMap(([name, span]) => {
      const namespace = openNamespaceOf(schema, name);
      if (namespace === null) return [];
      // A short name is near to many that it has nothing to do with.
      const alike = name.slice(0, namespace.length + 3);
      const [near] = suggest(schema, name, 1).filter((known) => known.startsWith(alike));
      const message = `\`${name}\` is not a listed field; \`${namespace}\` takes any name, and it is read as text`;
      return [warning("W0510", span, message, near === undefined ? undefined : `did you mean \`${near}\`?`)];
    });
  },
};

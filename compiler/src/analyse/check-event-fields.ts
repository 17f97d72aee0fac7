// The event fields that a rule asks for (`event_category_override`, `timestamp_field`, `tiebreaker_field`) -> what of it cannot be
// had. The category is looked up for each rule on its own. The order of events is one for the whole package, so a rule that
// needs another would silently be judged in the wrong one.

import { lookup, suggest } from "@kestrel/stdlib/schema/schema";
import type { CompileOptions } from "../compile-options.js";
import type { RuleProblem } from "../diagnostics/sink.js";
import type { Dialect } from "../rule/query-text.js";
import type { EventFields } from "../rule/rule.js";
import type { Query } from "../syntax/ast.js";

/** What the categories of a rule are compared with that names no field of its own. */
export function packCategoryField(dialect: Dialect, options: CompileOptions): string {
  return dialect === "elastic" ? options.categoryField : options.endgameCategoryField;
}

export function checkEventFields(fields: EventFields, query: Query, options: CompileOptions): RuleProblem[] {
  return [...checkCategory(fields.category, query, options), ...checkOrder(fields, query, options)];
}

function checkCategory(name: string | null, { dialect }: Query, { schema }: CompileOptions): RuleProblem[] {
  // The endgame dialect reads what stands at a path, whatever the schema says.
  if (name === null || dialect === "endgame") return [];
  const known = lookup(schema, name);
  if (known?.type === "keyword") return [];
  if (known !== null) {
    const message = `key \`event_category_override\`: \`${name}\` is a ${known.type}, but a category is a keyword`;
    return [{ code: "E0303", severity: "error", message, span: null }];
  }
  const near = suggest(schema, name);
  return [
    {
      code: "E0301",
      severity: "error",
      message: `key \`event_category_override\`: unknown field \`${name}\``,
      span: null,
      ...(near.length === 0 ? {} : { help: `did you mean ${near.map((one) => `\`${one}\``).join(" or ")}?` }),
    },
  ];
}

/** Events alone need no order; what joins or counts them does. */
function checkOrder({ timestamp, tiebreaker }: EventFields, query: Query, options: CompileOptions): RuleProblem[] {
  if (query.body.kind === "event" && query.pipes.length === 0) return [];
  return [
    ...otherOrder("timestamp", timestamp, options.timestampField),
    ...otherOrder("tiebreaker", tiebreaker, options.tiebreakerField),
  ];
}

function otherOrder(which: "timestamp" | "tiebreaker", wanted: string | null, kept: string | null): RuleProblem[] {
  if (wanted === null || wanted === kept) return [];
  const has = kept === null ? "has no such field" : `is ordered by \`${kept}\``;
  return [
    {
      code: "E0311",
      severity: "error",
      message: `key \`${which}_field\`: the rule needs events in the order of \`${wanted}\`, and the package ${has}`,
      span: null,
      help: `build the rule into a package of its own with \`--${which}-field ${wanted}\``,
    },
  ];
}

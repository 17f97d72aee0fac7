// Field references -> readings: of the event at hand, of an earlier stage's event (`a.process.name`), or of the element that
// a variable stands for (`$entry.symbol_info`).

import { lookup, suggest } from "@kestrel/stdlib/schema/schema";
import { typeOf } from "../ir/expression.js";
import { atStage, inElement, type Reading, readField, readName } from "../ir/reading.js";
import type { FieldRef } from "../syntax/ast.js";
import { type BindContext, NULL, report, type Variable } from "./bind-context.js";
import type { Typed } from "./typed.js";

export function bindField(ref: FieldRef, context: BindContext): Typed {
  if (hasIndex(ref, context)) return NULL;
  if (ref.variable) return bindVariable(ref, context);
  const stage = stageOf(ref, context);
  if (stage === "refused") return NULL;
  const name = (stage === null ? ref.path : ref.path.slice(1)).join(".");
  const field = lookup(context.schema, name);
  if (field !== null) {
    const reading = readField(field);
    return { kind: "field", reading: stage === null ? reading : atStage(reading, stage) };
  }
  if (!ref.optional) reportUnknown(ref, name, context);
  return NULL;
}

/** An array to search: what stands at the path, whatever the schema says of it. Null when it cannot be there. */
export function bindArray(
  ref: FieldRef,
  context: BindContext,
): { readonly reading: Reading; readonly name: string } | null {
  if (hasIndex(ref, context)) return null;
  if (ref.variable) {
    const found = findVariable(ref, context);
    if (found === null) return null;
    const path = ref.path.slice(1).join(".");
    return { reading: inElement(readName(path, "raw"), found.depth), name: join(found.variable.array, path) };
  }
  const stage = stageOf(ref, context);
  if (stage === "refused") return null;
  const name = (stage === null ? ref.path : ref.path.slice(1)).join(".");
  const known = lookup(context.schema, name);
  if (known === null && !isPrefix(name, context)) {
    if (!ref.optional) reportUnknown(ref, name, context);
    return null;
  }
  const reading = readName(name, "raw", known?.id);
  return { reading: stage === null ? reading : atStage(reading, stage), name };
}

/** What a field is read as where the schema does not say. */
export type Use = "keyword" | "double" | "long" | "boolean" | "date" | "object";

/** A field whose type is still open, read as what it is used for; anything else as it is. */
export function settle(typed: Typed, use: Use, context: BindContext): Typed {
  return isOpen(typed, context) && typed.kind === "field"
    ? { kind: "field", reading: { ...typed.reading, as: use } }
    : typed;
}

/** The sides of a comparison: a field whose type is open is read as the type of the other side. */
export function settleBoth(left: Typed, right: Typed, context: BindContext): readonly [Typed, Typed] {
  return [settle(left, useBeside(right, context), context), settle(right, useBeside(left, context), context)];
}

/** The subject of `in`: a text when one stands in the list, else a number when one does. */
export function settleSubject(subject: Typed, values: readonly Typed[], context: BindContext): Typed {
  const uses = values.filter(({ kind }) => kind !== "null").map((value) => useBeside(value, context));
  return settle(
    subject,
    (["keyword", "double"] as const).find((use) => uses.includes(use)) ?? uses[0] ?? "object",
    context,
  );
}

function useBeside(other: Typed, context: BindContext): Use {
  const type = isOpen(other, context) ? null : typeOf(other);
  return type === null || type === "string" ? "keyword" : type === "long" ? "double" : type;
}

function isOpen(typed: Typed, context: BindContext): boolean {
  return typed.kind === "field" && context.untyped.has(typed.reading);
}

function bindVariable(ref: FieldRef, context: BindContext): Typed {
  const found = findVariable(ref, context);
  if (found === null) return NULL;
  const name = ref.path.slice(1).join(".");
  const known = lookup(context.schema, join(found.variable.array, name));
  // The schema says nothing of elements that are no objects, in an array of objects: in `$v == 1`, the 1 decides how
  // the element itself is read.
  if (known !== null && (name !== "" || known.type !== "object")) {
    return { kind: "field", reading: inElement(readName(name, known.type, known.id), found.depth) };
  }
  const reading = inElement(readName(name, "keyword"), found.depth);
  context.untyped.add(reading);
  return { kind: "field", reading };
}

function findVariable(
  ref: FieldRef,
  context: BindContext,
): { readonly variable: Variable; readonly depth: number } | null {
  const name = ref.path[0];
  for (let depth = context.variables.length - 1; depth >= 0; depth--) {
    const variable = context.variables[depth];
    if (variable !== undefined && variable.name === name) return { variable, depth };
  }
  report(context, "E0310", ref.span, `the variable ${name} is not defined here`);
  return null;
}

function join(array: string, name: string): string {
  return name === "" ? array : `${array}.${name}`;
}

/** The stage whose event the reference names, null when it names none. */
function stageOf(ref: FieldRef, context: BindContext): number | null | "refused" {
  const [first] = ref.path;
  if (typeof first !== "string" || ref.path.length < 2 || !context.aliases.has(first)) return null;
  const stage = context.aliases.get(first) ?? null;
  if (stage !== null && context.noAliases === null) return stage;
  const why = context.noAliases ?? "it is the name of this term or of a later one";
  report(context, "E0310", ref.span, `the alias \`${first}\` cannot be used here: ${why}`);
  return "refused";
}

function hasIndex(ref: FieldRef, context: BindContext): boolean {
  if (!ref.path.some((part) => typeof part === "number")) return false;
  const help = "a comparison already looks at every value of the field";
  report(context, "E0204", ref.span, "array indexes belong to the endgame dialect", help);
  return true;
}

function isPrefix(name: string, context: BindContext): boolean {
  for (const known of context.schema.fields.keys()) if (known.startsWith(`${name}.`)) return true;
  return false;
}

function reportUnknown(ref: FieldRef, name: string, context: BindContext): void {
  const near = suggest(context.schema, name);
  const help =
    near.length > 0
      ? `did you mean ${near.map((n) => `\`${n}\``).join(" or ")}?`
      : `write \`?${name}\` if the field may be absent`;
  const [nearest] = near;
  // In `a.process.nmae` the fix keeps the name `a` of the earlier term.
  const alias = name === ref.path.join(".") ? "" : `${ref.path[0]}.`;
  report(context, "E0301", ref.span, `unknown field \`${name}\``, {
    help,
    ...(nearest === undefined
      ? {}
      : { fix: { title: `use ${nearest}`, span: ref.span, replacement: alias + nearest } }),
  });
}

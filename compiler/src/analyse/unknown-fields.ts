// Fields that a query names and the schema lacks -> those that are taken all the same, each with a type, and what is said of it.
//
// No list has the fields of every shipper. Elasticsearch knows them from its mapping; here the rule's own use of a field says what
// it is read as: beside a text a keyword, beside a number a double, in `cidrMatch` an address, alone a boolean. What is one slip
// away from a listed field is taken for the slip.

import { editDistance, lookup, suggest } from "@kestrel/stdlib/schema/schema";
import type { Field, FieldType, Schema } from "@kestrel/stdlib/schema/types";
import type { Problem } from "../diagnostics/diagnostic.js";
import { findElastic } from "../functions/catalogue.js";
import type { Expr, FieldRef, Query, Span } from "../syntax/ast.js";
import { leftSpine, operandsOf } from "../syntax/walk.js";

/** Whether unknown fields are errors, or warnings; or warnings unless they look misspelt. */
export type UnknownFields = "error" | "warn" | "warn-unless-near";

/** Where a field is used in two ways, the first of these that it is used as. */
const STRONGEST: readonly FieldType[] = ["ip", "keyword", "version", "date", "long", "double", "boolean", "object"];

interface Found {
  readonly name: string;
  readonly span: Span;
  readonly uses: Set<FieldType>;
}

/** The schema with the unknown fields that the query may have, and a warning for each of them. */
export function takeUnknownFields(
  query: Query,
  schema: Schema,
  mode: UnknownFields,
): { readonly schema: Schema; readonly problems: readonly Problem[] } {
  if (mode === "error" || query.dialect === "endgame") return { schema, problems: [] };
  // Most rules take none, and copying thousands of fields takes longer than reading a rule.
  let fields: Map<string, Field> | null = null;
  const problems: Problem[] = [];
  for (const { name, span, uses } of findUnknown(query, schema)) {
    if (mode === "warn-unless-near" && slipFor(schema, name) !== null) continue;
    const type = STRONGEST.find((one) => uses.has(one)) ?? "keyword";
    fields ??= new Map(schema.fields);
    fields.set(name, { id: 0, name, type });
    const [near] = suggest(schema, name, 1);
    problems.push({
      code: "W0512",
      severity: "warning",
      message: `\`${name}\` is not a listed field; from its use it is taken for ${WORDS[type]}`,
      span,
      help: `${near === undefined ? "" : `did you mean \`${near}\`? If not, `}\`--schema\` says what it is`,
    });
  }
  return { schema: fields === null ? schema : { ...schema, fields }, problems };
}

const WORDS: Readonly<Record<FieldType, string>> = {
  keyword: "a keyword",
  ip: "an ip",
  version: "a version",
  long: "a long",
  double: "a double",
  boolean: "a boolean",
  date: "a date",
  object: "an object",
};

/** Parts this short are near to too many: `host.ip` is no slip for `host.id`. */
const SHORTEST_SLIP = 4;
const LONG_PART = 8;

/** The listed field of which `name` is a misspelling: one part is a slip away, or its case or separators are others. */
export function slipFor(schema: Schema, name: string): string | null {
  const parts = name.toLowerCase().split(".");
  const plain = squash(name);
  for (const known of schema.fields.keys()) {
    if (Math.abs(known.length - name.length) > 2) continue;
    if (squash(known) === plain) return known;
    const others = known.toLowerCase().split(".");
    if (others.length !== parts.length) continue;
    const differing = parts.flatMap((part, at) => (part === others[at] ? [] : [at]));
    const [at, ...more] = differing;
    if (at !== undefined && more.length === 0 && isSlip(parts[at] ?? "", others[at] ?? "")) return known;
  }
  return null;
}

function isSlip(part: string, known: string): boolean {
  // Letters that changed places are a slip at any length.
  if ([...part].sort().join("") === [...known].sort().join("")) return editDistance(part, known, 1) <= 1;
  const shorter = Math.min(part.length, known.length);
  if (shorter < SHORTEST_SLIP) return false;
  const bound = shorter < LONG_PART ? 1 : 2;
  return editDistance(part, known, bound) <= bound;
}

function squash(name: string): string {
  return name.toLowerCase().replace(/[._-]/g, "");
}

/** The fields of the query that the schema lacks, with all their uses; in the order of the text. */
function findUnknown(query: Query, schema: Schema): Found[] {
  const found = new Map<string, Found>();
  const { body } = query;
  const terms = body.kind === "event" ? [] : body.terms;
  const until = body.kind === "event" || body.kind === "sample" || body.until === null ? [] : [body.until];
  const aliases = new Set(terms.flatMap(({ alias }) => (alias === null ? [] : [alias.name])));
  const note = (expr: Expr, use: FieldType): void => {
    if (expr.kind !== "field" || expr.variable) return;
    const name = nameOf(expr, aliases);
    if (name === null || lookup(schema, name) !== null || holdsFields(schema, name)) return;
    const one = found.get(name) ?? { name, span: expr.span, uses: new Set() };
    one.uses.add(use);
    found.set(name, one);
  };
  const typeBeside = (expr: Expr): FieldType => typeOf(expr, schema, aliases);
  const walk = (root: Expr): void => {
    const pending: Expr[] = [root];
    note(root, "boolean");
    for (let expr = pending.pop(); expr !== undefined; expr = pending.pop()) {
      if (expr.kind === "binary") {
        const { base, links } = leftSpine(expr);
        pending.push(base, ...links.map(({ right }) => right));
        for (const { op, left, right } of links) {
          if (op === "and" || op === "or") {
            note(left, "boolean");
            note(right, "boolean");
          } else if (["+", "-", "*", "/", "%"].includes(op)) {
            note(left, "double");
            note(right, "double");
          } else {
            note(left, typeBeside(right));
            note(right, typeBeside(left));
          }
        }
        continue;
      }
      pending.push(...operandsOf(expr));
      if (expr.kind === "unary") note(expr.operand, expr.op === "not" ? "boolean" : "double");
      if (expr.kind === "match") for (const value of expr.values) note(expr.subject, typeBeside(value));
      if (expr.kind === "lineage") note(expr.query.condition, "boolean");
      if (expr.kind === "call") noteArguments(expr.name, expr.args, note);
    }
  };
  if (body.kind === "event") walk(body.condition);
  else for (const key of body.by) note(key, "keyword");
  for (const { query: asked, by } of [...terms, ...until]) {
    walk(asked.condition);
    for (const key of by) note(key, "keyword");
  }
  return [...found.values()].sort((a, b) => a.span.start - b.span.start);
}

/** An object that only its members are listed of; it can be searched and compared with null as it is. */
function holdsFields(schema: Schema, name: string): boolean {
  for (const known of schema.fields.keys()) if (known.startsWith(`${name}.`)) return true;
  return false;
}

function nameOf({ path }: FieldRef, aliases: ReadonlySet<string>): string | null {
  if (path.some((part) => typeof part === "number")) return null;
  return (path.length > 1 && aliases.has(String(path[0])) ? path.slice(1) : path).join(".");
}

function noteArguments(name: string, args: readonly Expr[], note: (expr: Expr, use: FieldType) => void): void {
  const form = findElastic(name)?.elastic;
  if (form === undefined) return;
  const kinds = [...form.required, ...(form.optional ?? [])];
  for (const [index, arg] of args.entries()) {
    switch (kinds[index] ?? form.rest) {
      case "number":
        note(arg, "double");
        break;
      case "whole":
        note(arg, "long");
        break;
      case "boolean":
      case "condition":
        note(arg, "boolean");
        break;
      case "array":
        note(arg, "object");
        break;
      default:
        note(arg, index === 0 && name.toLowerCase() === "cidrmatch" ? "ip" : "keyword");
    }
  }
}

/** What a field beside the expression is read as. */
function typeOf(expr: Expr, schema: Schema, aliases: ReadonlySet<string>): FieldType {
  switch (expr.kind) {
    case "literal":
      switch (expr.type) {
        case "integer":
        case "float":
          return "double";
        case "boolean":
          return "boolean";
        case "null":
          return "object";
        default:
          return "keyword";
      }
    case "field": {
      const name = expr.variable ? null : nameOf(expr, aliases);
      const type = name === null ? "keyword" : (lookup(schema, name)?.type ?? "keyword");
      return type === "long" ? "double" : type;
    }
    case "unary":
      return expr.op === "not" ? "boolean" : "double";
    case "binary":
      return ["+", "-", "*", "/", "%"].includes(expr.op) ? "double" : "boolean";
    case "call": {
      const result = findElastic(expr.name)?.elastic.result;
      return result === "long" || result === "double" ? "double" : result === "boolean" ? "boolean" : "keyword";
    }
    default:
      return "boolean";
  }
}

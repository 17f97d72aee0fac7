// Functions and pipes that only the other dialect has: what stands in their place, as a fix where the edit is mechanical. The
// advice on functions is the catalogue's.

import { type ForeignName, findForeign } from "../functions/catalogue.js";
import type { Call, Expr, FieldRef, Span } from "./ast.js";
import { foreign, type Reading, unread } from "./checks.js";
import { quoteRaw } from "./strings.js";
import { leftSpine, operandsOf } from "./walk.js";

type Written = Pick<Call, "name" | "nameSpan" | "args" | "span">;

/** What to write for the whole call; null when that takes more than an edit. */
type Edit = (call: Written, reading: Reading) => string | null;

const EDITS: Readonly<Record<ForeignName, Edit>> = {
  arrayContains: ({ args: [array, ...values] }, reading) =>
    array === undefined || values.length === 0 ? null : `${slice(reading, array)} in~ (${list(reading, values)})`,
  arrayCount: () => null,
  arraySearch: ({ args: [array, variable, condition] }, reading) =>
    array === undefined || condition === undefined || !isName(variable)
      ? null
      : searchOf(slice(reading, array), String(variable.path[0]), condition, reading),
  _arraysearch: endgameSearch,
  match: matchWhole,
  matchLite: matchWhole,
  safe: ({ args: [only] }, reading) => (only === undefined ? null : `(${slice(reading, only)})`),
};

/** Reports a call of a function that belongs to the other dialect. */
export function checkForeignCall(reading: Reading, call: Written): void {
  const found = findForeign(call.name, reading.dialect);
  if (found === null) return;
  const edit: Edit = EDITS[found.name as ForeignName];
  const instead = edit(call, reading);
  const fix =
    instead === null
      ? undefined
      : {
          title: `Write \`${reading.dialect === "endgame" ? "arraySearch" : shorten(instead)}\``,
          span: call.span,
          replacement: instead,
        };
  unread(reading, call.nameSpan);
  foreign(reading, call.nameSpan, `The function \`${call.name}\``, found.instead, fix);
}

const ENDGAME_PIPES: Readonly<Record<string, string>> = {
  count: "A rule alerts on every match; `eqlc query` counts with `--format json` and a tool of your choice.",
  filter: "Put the condition into the query, behind an `and`.",
  sort: "Matches come in the order of their events.",
  unique: "A rule alerts on every match: a sequence with `by` joins events, but nothing thins them out.",
  unique_count: "A rule alerts on every match: a sequence with `by` joins events, but nothing thins them out.",
};

/** Reports a pipe that belongs to endgame. */
export function checkForeignPipe(reading: Reading, name: string, span: Span): void {
  if (reading.dialect === "endgame" || !Object.hasOwn(ENDGAME_PIPES, name)) return;
  unread(reading, span);
  foreign(reading, span, `The pipe \`${name}\``, ENDGAME_PIPES[name] ?? "");
}

function endgameSearch({ args: [array, variable, condition] }: Written, reading: Reading): string | null {
  const plain = variable?.kind === "field" && variable.variable ? String(variable.path[0]).slice(1) : null;
  const inner = condition === undefined || plain === null ? null : renamed(reading, condition, `$${plain}`, plain);
  return array === undefined || inner === null ? null : `arraySearch(${slice(reading, array)}, ${plain}, ${inner})`;
}

/** `match` is anchored at the start only; `regex` matches the whole value. */
function matchWhole({ args: [value, pattern, ...more] }: Written, reading: Reading): string | null {
  if (value === undefined || more.length > 0 || pattern?.kind !== "literal" || pattern.type !== "string") return null;
  const raw = quoteRaw(`(${pattern.value}).*`, "elastic");
  return raw === null ? null : `${slice(reading, value)} regex~ ${raw}`;
}

function searchOf(array: string, name: string, condition: Expr, reading: Reading): string | null {
  if (name.startsWith("$")) return `_arraysearch(${array}, ${name}, ${slice(reading, condition)})`;
  const inner = renamed(reading, condition, name, `$${name}`);
  return inner === null ? null : `_arraysearch(${array}, $${name}, ${inner})`;
}

function slice({ text }: Reading, { span }: Expr): string {
  return text.slice(span.start, span.end);
}

function list(reading: Reading, values: readonly Expr[]): string {
  return values.map((value) => slice(reading, value)).join(", ");
}

function isName(expr: Expr | undefined): expr is FieldRef {
  return expr?.kind === "field" && expr.path.length === 1 && typeof expr.path[0] === "string" && !expr.optional;
}

/**
 * The text of a condition with the variable `from` called `to` wherever the tree uses it, so that a text which merely looks
 * like it stays as it is; null where a use is not written there, because a macro brought it.
 */
function renamed({ text }: Reading, condition: Expr, from: string, to: string): string | null {
  const starts: number[] = [];
  const pending: Expr[] = [condition];
  for (let expr = pending.pop(); expr !== undefined; expr = pending.pop()) {
    if (expr.kind === "field" && expr.path[0] === from) starts.push(expr.span.start + (expr.optional ? 1 : 0));
    if (expr.kind === "binary") {
      const { base, links } = leftSpine(expr);
      pending.push(base, ...links.map((link) => link.right));
    } else {
      pending.push(...operandsOf(expr));
    }
  }
  if (starts.some((start) => !text.startsWith(from, start))) return null;
  let written = "";
  let at = condition.span.start;
  for (const start of starts.sort((a, b) => a - b)) {
    written += text.slice(at, start) + to;
    at = start + from.length;
  }
  return written + text.slice(at, condition.span.end);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

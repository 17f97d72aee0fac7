// Pattern texts of the endgame dialect -> the wildcards and regular expressions that are lowered. Both match case-folded
// text; line ends are characters like any other.

import { parseRegex, type RegexNode } from "../../patterns/regex-parse.js";
import type { GlobSegment, Wildcard } from "../../patterns/wildcard.js";

/** A wildcard in which only `*` is special. */
export function parseStars(text: string): Wildcard {
  const segments = text.split("*");
  if (segments.length === 1) return { kind: "exact", text };
  const parts = segments.filter((segment) => segment !== "");
  const anchoredStart = !text.startsWith("*");
  const anchoredEnd = !text.endsWith("*");
  const [only] = parts;
  if (only === undefined) return { kind: "any" };
  if (parts.length === 1) {
    if (anchoredStart) return { kind: "prefix", text: only };
    return { kind: anchoredEnd ? "suffix" : "contains", text: only };
  }
  const segmentsOf = parts.map((part): GlobSegment => [{ kind: "text", text: part }]);
  return { kind: "glob", parts: segmentsOf, anchoredStart, anchoredEnd };
}

export type ParsedMatch =
  | { readonly ok: true; readonly nodes: readonly RegexNode[] }
  | { readonly ok: false; readonly message: string };

const NOWHERE = { start: 0, end: 0 };
const ANYTHING: RegexNode = {
  kind: "repeat",
  item: { kind: "any", span: NOWHERE },
  min: 0,
  max: null,
  span: NOWHERE,
};

/**
 * A pattern of `match`: it has to match from the start of the text, but need not reach its end. Each top-level alternative
 * gives one tree that accepts whole texts.
 */
export function parseMatch(pattern: string): ParsedMatch {
  const nodes: RegexNode[] = [];
  const flagged = pattern.startsWith("(?i)");
  for (const alternative of splitAlternatives(flagged ? pattern.slice(4) : pattern)) {
    const start = alternative.startsWith("^") ? 1 : 0;
    const toEnd = endsInDollar(alternative, start);
    const body = translate(alternative.slice(start, toEnd ? -1 : undefined));
    if (endsInDollar(body, 0)) return { ok: false, message: "`$` may only stand at the end of an alternative" };
    // The marks that parseRegex takes at the start were taken off; in a group, more of them are errors.
    const parsed = parseRegex(body.startsWith("^") || body.startsWith("(?i)") ? `(?:${body})` : body);
    if (!parsed.ok) return { ok: false, message: parsed.problem.message };
    const { node } = parsed.regex;
    nodes.push(toEnd ? node : { kind: "concat", items: [node, ANYTHING], span: NOWHERE });
  }
  return { ok: true, nodes };
}

/** Splits at each `|` that stands in no group and no class. */
function splitAlternatives(pattern: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let inClass = false;
  let start = 0;
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern.charAt(i);
    if (c === "\\") i++;
    else if (inClass) inClass = c !== "]";
    else if (c === "[") inClass = true;
    else if (c === "(") depth++;
    else if (c === ")") depth--;
    else if (c === "|" && depth === 0) {
      parts.push(pattern.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(pattern.slice(start));
  return parts;
}

function endsInDollar(text: string, from: number): boolean {
  if (text.length <= from || !text.endsWith("$")) return false;
  let slashes = 0;
  while (text.charAt(text.length - 2 - slashes) === "\\" && text.length - 2 - slashes >= from) slashes++;
  return slashes % 2 === 0;
}

/** Writes Python's forms in those that parseRegex knows: quotes are plain, groups may have names, `\v` is a character. */
function translate(text: string): string {
  const named = /\(\?P<[A-Za-z_][A-Za-z0-9_]*>/y;
  let out = "";
  let inClass = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === "\\") {
      const next = text.charAt(i + 1);
      out += next === "v" ? "\\x0b" : next === "a" ? "\\x07" : c + next;
      i++;
    } else if (inClass) {
      if (c === "]") inClass = false;
      out += c;
    } else if (c === "[") {
      inClass = true;
      out += c;
    } else if (c === '"') out += '\\"';
    else if (c === "(") {
      named.lastIndex = i;
      const group = named.exec(text);
      out += group === null ? c : "(?:";
      if (group !== null) i += group[0].length - 1;
    } else out += c;
  }
  return out;
}

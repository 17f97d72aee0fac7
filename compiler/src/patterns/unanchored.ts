// A regular expression -> the one that matches a whole text where the first matches somewhere in it.
//
// `regex` of the language compares whole values, and its parser drops `^` at the start and `$` at the end, since they say nothing
// there. Here they do: what stands before a pattern is any text, unless it begins with `^`. As in every syntax of regular expressions
// they belong to their own alternative: `^a|b` finds a "b" anywhere.

import type { RegexPattern } from "./patterns.js";
import type { RegexNode } from "./regex-parse.js";

/** The pattern under the same text, its tree widened. */
export function unanchored(pattern: RegexPattern): RegexPattern {
  const { text, tree } = pattern;
  const head = text.startsWith("(?i)") ? 4 : 0;
  const begins = text.startsWith("^", head);
  const first = head + (begins ? 1 : 0);
  const ends = endsAnchored(text, first);
  // The alternatives of a group that is the whole pattern start behind its bracket.
  const isOwn = tree.kind === "alternate" && tree.span.start === first;
  const alternatives = isOwn ? tree.items : [tree];
  const widened = alternatives.map((item, index) =>
    widen(item, begins && index === 0, ends && index === alternatives.length - 1),
  );
  const [only] = widened;
  const whole: RegexNode =
    only !== undefined && widened.length === 1 ? only : { kind: "alternate", items: widened, span: tree.span };
  return { ...pattern, tree: whole };
}

/** Whether the `$` at the end is one: it is not when a backslash escapes it. */
function endsAnchored(text: string, first: number): boolean {
  if (text.length <= first || !text.endsWith("$")) return false;
  const slashes = /\\*$/.exec(text.slice(first, -1))?.[0].length ?? 0;
  return slashes % 2 === 0;
}

function widen(node: RegexNode, begins: boolean, ends: boolean): RegexNode {
  const { span } = node;
  const anything: RegexNode = { kind: "repeat", item: { kind: "any", span }, min: 0, max: null, span };
  return {
    kind: "concat",
    items: [...(begins ? [] : [anything]), node, ...(ends ? [] : [anything])],
    span,
  };
}

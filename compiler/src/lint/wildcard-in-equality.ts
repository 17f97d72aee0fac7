// W0505: in the elastic dialect `==`, `!=` and `in` compare texts as they are, so `*` and `?` stand for themselves. A value that
// begins or ends with `*`, or has one between path separators, was most probably meant as a pattern.

import type { Problem } from "../diagnostics/diagnostic.js";
import type { Expr, Literal } from "../syntax/ast.js";
import { type Lint, type LintInput, warning } from "./lint-input.js";

export const wildcardInEquality: Lint = {
  code: "W0505",
  run(input) {
    if (input.query.dialect === "endgame") return [];
    const found: Problem[] = [];
    for (const expr of input.bound.keys()) {
      if (expr.kind === "binary" && (expr.op === "==" || expr.op === "!=")) {
        const [subject, value] = expr.right.kind === "literal" ? [expr.left, expr.right] : [expr.right, expr.left];
        if (!isPattern(value) || !isPathLike(subject, input)) continue;
        const fix =
          expr.op === "==" && value === expr.right
            ? { title: "Write `like`", span: expr.opSpan, replacement: "like" }
            : undefined;
        const help = expr.op === "==" ? "write `like`, or `:` to ignore case" : "write `not … like`, or `not … :`";
        found.push(warning("W0505", value.span, messageOf(expr.op), help, fix));
      } else if (expr.kind === "match" && (expr.op === "in" || expr.op === "in~")) {
        const pattern = expr.values.find(isPattern);
        if (pattern === undefined || !isPathLike(expr.subject, input)) continue;
        const like = expr.op === "in" ? "like" : "like~";
        const fix = expr.negated ? undefined : { title: `Write \`${like}\``, span: expr.opSpan, replacement: like };
        const help = expr.negated ? `write \`not … ${like} (…)\`` : `write \`${like}\``;
        found.push(warning("W0505", pattern.span, messageOf(expr.op), help, fix));
      }
    }
    return found;
  },
};

function messageOf(op: string): string {
  return `\`${op}\` compares the text as it is, so the wildcard in it stands for itself`;
}

/** Command lines hold stars of their own (`chmod *`), and one star alone is a value of many fields. */
function isPathLike(subject: Expr, { bound }: LintInput): boolean {
  const typed = bound.get(subject);
  return (
    typed?.kind === "field" &&
    typed.reading.as === "keyword" &&
    !/(?:args|command_line|CommandLine)$/.test(typed.reading.name)
  );
}

function isPattern(value: Expr): value is Extract<Literal, { type: "string" }> {
  if (value.kind !== "literal" || value.type !== "string") return false;
  const text = value.value;
  if (/^[*?]*$/.test(text)) return false;
  return text.startsWith("*") || text.endsWith("*") || /[\\/]\*|\*[\\/]/.test(text) || /^\?:[\\/]/.test(text);
}

// Expression AST -> typed expression over the schema, reporting everything that does not fit on the way.
// A node that cannot be typed is reported once and becomes null, so that its siblings are still checked.

import { showLiteral } from "../functions/number-text.js";
import { COMPARISONS } from "../ir/comparison.js";
import { type Domain, nullOf, readingsOf, typeOf } from "../ir/expression.js";
import type { ValueType } from "../ir/reading.js";
import { parseAddress, parseCidr } from "../patterns/cidr.js";
import { type GlobPattern, globOf, type Patterns, type RegexPattern, regexOf } from "../patterns/patterns.js";
import { globFits } from "../patterns/wildcard.js";
import type { Binary, ComparisonOp, Expr, Match, Span } from "../syntax/ast.js";
import { bindArithmetic } from "./bind-arithmetic.js";
import { type Binder, bindCall } from "./bind-call.js";
import { type BindContext, describeType, NULL, report } from "./bind-context.js";
import { bindField, settle, settleBoth, settleSubject } from "./bind-field.js";
import { parseDate } from "./dates.js";
import { readTruthTest } from "./truth-test.js";
import { readsEvents, type Typed } from "./typed.js";

/** What the binding of calls asks of this file, which it cannot import because it is imported here. */
const BINDER: Binder = { bind, bindCondition };

const I64_MIN = -(2n ** 63n);
const I64_MAX = 2n ** 63n - 1n;
const NS_PER_MS = 1_000_000n;

/** Types a condition; anything but a boolean (or null) is reported. */
export function bindCondition(expr: Expr, context: BindContext): Typed {
  const typed = bind(expr, context);
  const type = typeOf(settle(typed, "boolean", context));
  if (type !== null && type !== "boolean") {
    return report(
      context,
      "E0305",
      expr.span,
      `a condition must be true or false, but this is a ${describeType(type)}`,
      expr.kind === "field" ? "compare the field with something, or test that it exists with `!= null`" : undefined,
    );
  }
  return settle(typed, "boolean", context);
}

/** The query in the brackets is about other events, so the aliases and variables around it mean nothing inside. */
function bindLineage(expr: Extract<Expr, { kind: "lineage" }>, context: BindContext): Typed {
  const inner: BindContext = {
    ...context,
    aliases: new Map(),
    noAliases: "the query of a lineage test stands alone",
    variables: [],
  };
  const condition = bindCondition(expr.query.condition, inner);
  return {
    kind: "lineage",
    relation: expr.relation,
    query: {
      dialect: "elastic",
      category: expr.query.category,
      condition,
      keys: [],
      missing: false,
      fork: false,
      span: expr.query.span,
    },
  };
}

/**
 * In `a + b + c` each sum is an operand of the next, so a long one is deep. The parser limits the depth of brackets
 * only.
 */
const DEEPEST = 500;

export function bind(expr: Expr, context: BindContext): Typed {
  if (context.depth >= DEEPEST) {
    // Both operands of the innermost operator come here: the first has been reported.
    if (context.problems.at(-1)?.code === "E0402") return NULL;
    return report(context, "E0402", expr.span, `the expression is more than ${DEEPEST} operators deep`);
  }
  context.depth++;
  const typed = bindNode(expr, context);
  context.depth--;
  context.bound.set(expr, typed);
  if (typed !== NULL && !context.spans.has(typed)) context.spans.set(typed, expr.span);
  return typed;
}

function bindNode(expr: Expr, context: BindContext): Typed {
  switch (expr.kind) {
    case "literal":
      switch (expr.type) {
        case "string":
          return { kind: "string", value: expr.value };
        case "integer":
          return number(expr.value);
        case "float":
          return { kind: "double", value: expr.value };
        case "boolean":
          return { kind: "boolean", value: expr.value };
        case "null":
          return NULL;
      }
      break;
    case "field":
      return bindField(expr, context);
    case "call":
      return bindCall(expr, BINDER, context);
    case "error":
      for (const part of expr.read) bind(part, context);
      return NULL;
    case "unary":
      return expr.op === "not" ? bindNot(expr.operand, context) : bindSign(expr.op, expr.operand, context);
    case "binary":
      return bindBinary(expr, context);
    case "match":
      return bindMatch(expr, context);
    case "lineage":
      return bindLineage(expr, context);
  }
}

function number(value: bigint): Typed {
  return value >= I64_MIN && value <= I64_MAX ? { kind: "long", value } : { kind: "double", value: Number(value) };
}

function bindNot(operand: Expr, context: BindContext): Typed {
  return { kind: "not", operand: bindCondition(operand, context) };
}

function bindSign(op: "+" | "-", operand: Expr, context: BindContext): Typed {
  const typed = bind(operand, context);
  if (typed.kind === "long" && op === "-") return number(-typed.value);
  if (typed.kind === "double" && op === "-") {
    // 9223372036854775808 is beyond i64 alone, but its negation is not.
    return operand.kind === "literal" && operand.type === "integer"
      ? number(-operand.value)
      : { kind: "double", value: -typed.value };
  }
  const type = typeOf(typed);
  if (type === null) return typed;
  if (type !== "long" && type !== "double") {
    return report(context, "E0303", operand.span, `\`${op}\` needs a number, but this is a ${describeType(type)}`);
  }
  if (op === "+") return typed;
  const zero: Typed = type === "long" ? { kind: "long", value: 0n } : { kind: "double", value: -0 };
  return { kind: "arithmetic", op: "-", type, left: zero, right: typed };
}

function bindBinary(expr: Binary, context: BindContext): Typed {
  switch (expr.op) {
    case "and":
    case "or":
      return { kind: expr.op, operands: chain(expr, expr.op).map((operand) => bindCondition(operand, context)) };
    case "+":
    case "-":
    case "*":
    case "/":
    case "%":
      return bindArithmetic(
        expr.op,
        { typed: bind(expr.left, context), span: expr.left.span },
        { typed: bind(expr.right, context), span: expr.right.span },
        context,
      );
    default: {
      const test = readTruthTest(expr);
      if (test !== null)
        return test.negated ? bindNot(test.condition, context) : bindCondition(test.condition, context);
      return compare(expr.op, bind(expr.left, context), bind(expr.right, context), expr, context);
    }
  }
}

/** The operands of a left-leaning chain of one operator; a loop, because chains can be very long. */
function chain(expr: Binary, op: "and" | "or"): Expr[] {
  const operands: Expr[] = [];
  let node: Expr = expr;
  while (node.kind === "binary" && node.op === op) {
    operands.push(node.right);
    node = node.left;
  }
  operands.push(node);
  return operands.reverse();
}

type Place = { readonly left: Expr; readonly right: Expr; readonly span: Span };

function compare(op: ComparisonOp, left: Typed, right: Typed, place: Place, context: BindContext): Typed {
  if (op === "!=") return { kind: "not", operand: compare("==", left, right, place, context) };
  if (left.kind === "null" || right.kind === "null") {
    // `x == null` asks whether x is missing. A side that is always null but names a field, as a missing optional one,
    // does not ask that: the comparison is null.
    const constant = [left, right].find((side) => side.kind === "null" && readingsOf(side).length === 0);
    if (op !== "==" || constant === undefined) return nullOf(left, right);
    return { kind: "is-null", operand: settle(constant === left ? right : left, "object", context) };
  }
  const equated = equate(op, left, right, place, context);
  return op === "==" ? withFixed(equated) : equated;
}

/**
 * The comparison with those sides marked that read no event and yet may be null, such as `1 / 0`; a literal never is.
 */
function withFixed(equated: Typed): Typed {
  const sides: Typed =
    equated.kind === "match"
      ? {
          kind: "compare",
          op: "==",
          domain: "string",
          left: equated.subject,
          right: { kind: "string", value: equated.patterns.exact[0] ?? "" },
        }
      : equated;
  if (sides.kind !== "compare") return equated;
  const [left, right] = [isFixed(sides.left), isFixed(sides.right)];
  return left || right ? { ...sides, fixed: left && right ? "both" : left ? "left" : "right" } : equated;
}

function isFixed(t: Typed): boolean {
  return !isConstant(t) && !readsEvents(t);
}

/** Comparison of two operands that are not null as such, brought to a common domain. */
function equate(op: Exclude<ComparisonOp, "!=">, left: Typed, right: Typed, place: Place, context: BindContext): Typed {
  const [settledLeft, settledRight] = settleBoth(left, right, context);
  if (settledLeft !== left || settledRight !== right) return equate(op, settledLeft, settledRight, place, context);
  if (isConstant(left) && !isConstant(right)) {
    return equate(
      COMPARISONS[op].mirrored,
      right,
      left,
      { left: place.right, right: place.left, span: place.span },
      context,
    );
  }
  if (left.kind === "field" && left.reading.as === "object") {
    return report(
      context,
      "E0303",
      place.left.span,
      `\`${left.reading.name}\` is an object and can only be compared with null`,
    );
  }
  if (right.kind === "string" && op === "==" && left.kind === "field" && left.reading.as === "ip") {
    return addressEquals(left, right.value, place, context);
  }
  const adapted = isConstant(right) ? adapt(left, right, op) : right;
  if (adapted === "to-number") {
    const numeric: Typed = { kind: "call", name: "toNumber", fold: false, args: [left] };
    return { kind: "compare", op, domain: "double", left: numeric, right: toDouble(right) };
  }
  const common = adapted === null ? null : domainOf(left, adapted);
  // Addresses are ordered as text.
  const domain = common === "address" && op !== "==" ? "string" : common;
  if (adapted === null || domain === null) {
    const [a, b] = [describeType(typeOf(left)), describeType(typeOf(right))];
    return report(context, "E0303", place.span, `a ${a} cannot be compared with a ${b}`);
  }
  if (domain === "boolean" && op !== "==") {
    return report(context, "E0303", place.span, `booleans have no order, so \`${op}\` makes no sense here`);
  }
  if (domain === "string" && op === "==" && adapted.kind === "string") {
    return { kind: "match", subject: left, patterns: { fold: false, exact: [adapted.value], globs: [], regexes: [] } };
  }
  return { kind: "compare", op, domain, left, right: adapted };
}

function toDouble(constant: Typed): Typed {
  return constant.kind === "long" ? { kind: "double", value: Number(constant.value) } : constant;
}

function isConstant(t: Typed): boolean {
  return t.kind === "string" || t.kind === "long" || t.kind === "double" || t.kind === "boolean" || t.kind === "date";
}

/** The constant in the type of what it is compared with; null when it has no such form. */
function adapt(subject: Typed, constant: Typed, op: ComparisonOp): Typed | "to-number" | null {
  const type = typeOf(subject);
  switch (type) {
    case "string":
      if (constant.kind === "long" || constant.kind === "double") {
        if (op !== "==") return "to-number";
        return { kind: "string", value: numberText(constant) };
      }
      return constant.kind === "boolean" ? { kind: "string", value: String(constant.value) } : constant;
    case "long":
    case "double":
      return constant.kind === "string" ? numberOf(constant.value) : constant;
    case "boolean":
      if (constant.kind !== "string") return constant;
      return constant.value === "true" || constant.value === "false"
        ? { kind: "boolean", value: constant.value === "true" }
        : null;
    case "date":
      if (constant.kind === "string") {
        const nanoseconds = parseDate(constant.value);
        return nanoseconds === null ? null : { kind: "date", nanoseconds };
      }
      if (constant.kind !== "long") return constant.kind === "date" ? constant : null;
      return { kind: "date", nanoseconds: constant.value * NS_PER_MS };
    case null:
      return null;
  }
}

function numberText(constant: Typed): string {
  return constant.kind === "long" || constant.kind === "double" ? showLiteral(constant.value) : "";
}

function numberOf(text: string): Typed | null {
  if (!/^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return null;
  return /^[+-]?\d+$/.test(text) ? number(BigInt(text.replace("+", ""))) : { kind: "double", value: Number(text) };
}

function domainOf(left: Typed, right: Typed): Domain | null {
  const a = typeOf(left);
  const b = typeOf(right);
  if (a === null || b === null) return null;
  if (a === b) {
    if (a !== "string") return a;
    const types = [left, right].flatMap((t) => (t.kind === "field" ? [t.reading.as] : []));
    if (types.includes("version")) return "version";
    return types.length === 2 && types.every((t) => t === "ip") ? "address" : "string";
  }
  const numeric = (t: ValueType): boolean => t === "long" || t === "double";
  return numeric(a) && numeric(b) ? "double" : null;
}

/** `field == "text"` on an ip field: by address value, a range when it holds a slash, the text itself when it is neither. */
function addressEquals(field: Typed, text: string, place: Place, context: BindContext): Typed {
  if (text.includes("/") || parseAddress(text) !== null) {
    const range = parseCidr(text);
    if (range !== null) return { kind: "in-ranges", subject: field, ranges: [range] };
    return report(context, "E0309", place.right.span, `"${text}" is not an address range`);
  }
  return { kind: "match", subject: field, patterns: { fold: false, exact: [text], globs: [], regexes: [] } };
}

function bindMatch(expr: Match, context: BindContext): Typed {
  const bound = bind(expr.subject, context);
  const subject = expr.op === "in" || expr.op === "in~" ? bound : settle(bound, "keyword", context);
  const matched =
    expr.op === "in" || expr.op === "in~" ? bindIn(expr, subject, context) : bindPatterns(expr, subject, context);
  return expr.negated ? { kind: "not", operand: matched } : matched;
}

function bindIn(expr: Match, bound: Typed, context: BindContext): Typed {
  const fold = expr.op === "in~";
  const exact: string[] = [];
  const others: Typed[] = [];
  const values = expr.values.map((element) => ({ element, value: bind(element, context) }));
  const subject = settleSubject(
    bound,
    values.map(({ value }) => value),
    context,
  );
  for (const { element, value } of values) {
    const place = { left: expr.subject, right: element, span: element.span };
    if (value.kind === "null" || subject.kind === "null") {
      // `x in (null)` does not ask whether x is missing, as `x == null` does.
      others.push(nullOf(subject, value));
      continue;
    }
    const one = equate("==", subject, value, place, context);
    if (isConstant(value) && one.kind === "match" && one.patterns.exact.length === 1) exact.push(...one.patterns.exact);
    else if (one.kind === "match") others.push({ ...one, patterns: { ...one.patterns, fold } });
    else if (fold && one.kind === "compare" && typeOf(one.left) === "string") {
      // For `in~`, two versions or addresses are equal when their values are, or when their texts are but for case.
      if (one.domain !== "string") others.push(one);
      others.push({ ...one, domain: "string", left: folded(one.left), right: folded(one.right) });
    } else others.push(one);
  }
  const set: Typed[] =
    exact.length > 0 ? [{ kind: "match", subject, patterns: { fold, exact, globs: [], regexes: [] } }] : [];
  return disjunction([...set, ...others]);
}

function folded(t: Typed): Typed {
  return { kind: "call", name: "fold", fold: false, args: [t] };
}

function disjunction(operands: readonly Typed[]): Typed {
  const [only] = operands;
  return operands.length === 1 && only !== undefined ? only : { kind: "or", operands };
}

/** `:`, `like`, `like~`, `regex` and `regex~`. */
function bindPatterns(expr: Match, subject: Typed, context: BindContext): Typed {
  const type = typeOf(subject);
  const fold = expr.op === ":" || expr.op.endsWith("~");
  const regex = expr.op.startsWith("regex");
  const exact: string[] = [];
  const globs: GlobPattern[] = [];
  const regexes: RegexPattern[] = [];
  const others: Typed[] = [];
  const isAddress = subject.kind === "field" && subject.reading.as === "ip";
  for (const element of expr.values) {
    const value = bind(element, context);
    if (!isConstant(value)) {
      report(context, "E0303", element.span, `the right side of \`${expr.op}\` must be a constant`);
    } else if (type !== null && type !== "string") {
      // A number is no pattern: beside one, `:` and `like` compare.
      if (
        (expr.op !== ":" && (regex || value.kind === "string")) ||
        (value.kind === "string" && /[*?]/.test(value.value))
      ) {
        report(
          context,
          "E0303",
          expr.span,
          `\`${expr.op}\` matches text, but its left side is a ${describeType(type)}`,
        );
      } else
        others.push(equate("==", subject, value, { left: expr.subject, right: element, span: expr.span }, context));
    } else if (value.kind !== "string") {
      if (!regex) exact.push(value.kind === "boolean" ? String(value.value) : numberText(value));
      else report(context, "E0303", element.span, `\`${expr.op}\` needs a string here`);
    } else if (regex) {
      const pattern = bindRegex(value.value, element.span, context);
      if (pattern !== null) regexes.push(pattern);
    } else if (/[*?]/.test(value.value)) {
      const glob = globOf(value.value);
      if (globFits(glob.tree, fold)) globs.push(glob);
      else report(context, "E0402", element.span, "this wildcard pattern is too large");
    } else if (isAddress && expr.op === ":") {
      others.push(
        addressEquals(subject, value.value, { left: expr.subject, right: element, span: expr.span }, context),
      );
    } else exact.push(value.value);
  }
  if (type === null) {
    if (subject.kind === "field")
      report(
        context,
        "E0303",
        expr.subject.span,
        `\`${subject.reading.name}\` is an object and can only be compared with null`,
      );
    return nullOf(subject);
  }
  const patterns: Patterns = { fold, exact, globs, regexes };
  const any = exact.length + globs.length + regexes.length > 0;
  return disjunction([...(any ? [{ kind: "match", subject, patterns } as const] : []), ...others]);
}

function bindRegex(text: string, span: Span, context: BindContext): RegexPattern | null {
  const pattern = regexOf(text);
  if (!("message" in pattern)) return pattern;
  report(context, "E0309", span, `this regular expression cannot be read: ${pattern.message}`);
  return null;
}

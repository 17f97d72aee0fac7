// Function calls of the elastic dialect, docs/language.md#functions: arity and argument types are the catalogue's, and `BUILDERS` says
// what becomes of the functions that are more than a call.

import {
  didYouMean,
  type ElasticOwn,
  type FunctionName,
  findElastic,
  findForeign,
  strictOf,
  wrongArity,
} from "../functions/catalogue.js";
import type { ElasticKind } from "../functions/entry.js";
import { readNumber } from "../functions/number-text.js";
import { MOST_JOINED } from "../functions/texts.js";
import { nullOf, typeOf } from "../ir/expression.js";
import type { Foreign } from "../ir/foreign.js";
import { type Cidr, parseCidr } from "../patterns/cidr.js";
import { type GlobPattern, globOf } from "../patterns/patterns.js";
import type { Call, Expr } from "../syntax/ast.js";
import { bindArithmetic, type Operand } from "./bind-arithmetic.js";
import { type BindContext, describeType, NULL, report } from "./bind-context.js";
import { bindArray, settle } from "./bind-field.js";
import { nodeOf } from "./literals.js";
import type { Typed } from "./typed.js";

/** How expressions inside a call are typed. */
export interface Binder {
  bind(expr: Expr, context: BindContext): Typed;
  bindCondition(expr: Expr, context: BindContext): Typed;
}

/** What a call becomes whose arguments are typed; null for a call after all. Its own problems are reported. */
type Build = (call: Call, args: readonly Typed[], context: BindContext) => Typed | null;

const BUILDERS: Readonly<Record<ElasticOwn, Build> & Partial<Record<FunctionName, Build>>> = {
  cidrMatch: ranges,
  wildcard: wildcards,
  number: bindNumber,
  between: checkGreedy,
  concat: checkJoined,
};

/** Types a call. */
export function bindCall(call: Call, binder: Binder, context: BindContext): Typed {
  const code = context.predicates.get(call.name);
  if (code === null) return missingCode(call, binder, context);
  if (code !== undefined) return bindForeign(call, code, context);
  const found = findElastic(call.name);
  if (found === null) return unknownFunction(call, binder, context);
  const { name, elastic: form, operator } = found;
  if (call.insensitive && form.foldable !== true) {
    return report(context, "E0302", call.nameSpan, `\`${name}\` has no case-insensitive form`, "leave out the `~`");
  }
  const wanted = wrongArity(form, call.args.length);
  if (wanted !== null) {
    return report(
      context,
      "E0304",
      call.span,
      `\`${name}\` takes ${wanted} arguments, but ${call.args.length} are given`,
    );
  }
  if (form.becomes === "search") return bindSearch(call, binder, context);
  if (operator !== undefined) {
    const operands = call.args.map((arg) => ({ typed: binder.bind(arg, context), span: arg.span }));
    const [left, right] = operands as [Operand, Operand];
    return bindArithmetic(operator, left, right, context);
  }
  const kinds = [...form.required, ...(form.optional ?? [])];
  const args = call.args.map((arg, index) =>
    checkArgument(arg, binder.bind(arg, context), kinds[index] ?? form.rest ?? "any", name, context),
  );
  const builders: Readonly<Record<string, Build | undefined>> = BUILDERS;
  const built = builders[name]?.(call, args, context) ?? null;
  if (built !== null) return built;
  if (strictOf(form, args).some((arg) => arg.kind === "null")) return nullOf(...args);
  return { kind: "call", name: name as FunctionName, fold: call.insensitive, args };
}

function bindForeign(call: Call, code: Foreign, context: BindContext): Typed {
  const { name, nameSpan } = call;
  if (call.insensitive) {
    return report(context, "E0302", nameSpan, `\`${name}\` has no case-insensitive form`, "leave out the `~`");
  }
  if (call.args.length > 0) {
    return report(context, "E0304", call.span, `\`${name}\` is a predicate of a package, and takes no arguments`);
  }
  return { kind: "foreign", code };
}

/** What the name stands for is missing, and that has been said; there may be something to say of the arguments. */
function missingCode(call: Call, binder: Binder, context: BindContext): Typed {
  for (const arg of call.args) binder.bind(arg, context);
  return NULL;
}

function unknownFunction(call: Call, binder: Binder, context: BindContext): Typed {
  const { name, nameSpan } = call;
  const foreign = findForeign(name, "elastic");
  // In endgame's `arraySearch(a, x, …)`, `x` names an element: bound here, it would be reported as an unknown field.
  if (foreign?.endgame?.becomes !== "search") for (const arg of call.args) binder.bind(arg, context);
  if (foreign !== null) {
    return report(context, "E0204", nameSpan, `\`${name}\` belongs to the endgame dialect`, foreign.instead);
  }
  return report(context, "E0302", nameSpan, `unknown function \`${name}\``, didYouMean(name, "elastic"));
}

/** `_arraysearch(array, $v, condition)`: the variable is known inside the condition only. */
function bindSearch(call: Call, binder: Binder, context: BindContext): Typed {
  const [array, variable, condition] = call.args;
  if (array === undefined || variable === undefined || condition === undefined) return NULL;
  if (array.kind !== "field") {
    return report(context, "E0304", array.span, "the first argument of `_arraysearch` must be a field");
  }
  if (variable.kind !== "field" || !variable.variable || variable.path.length !== 1) {
    return report(
      context,
      "E0304",
      variable.span,
      "the second argument of `_arraysearch` must be a variable like `$v`",
    );
  }
  const found = bindArray(array, context);
  const depth = context.variables.length;
  context.variables.push({ name: String(variable.path[0]), array: found?.name ?? "" });
  const problems = context.problems.length;
  const typed = binder.bindCondition(condition, context);
  context.variables.pop();
  // There is no such array. That the fields of its elements are unknown too need not be reported for each of them.
  if (found === null) context.problems.length = problems;
  return found === null
    ? { kind: "boolean", value: false }
    : { kind: "search", array: found.reading, depth, condition: typed };
}

function checkArgument(arg: Expr, raw: Typed, kind: ElasticKind, name: string, context: BindContext): Typed {
  const number = kind === "number" || kind === "whole";
  const typed = settle(raw, number ? "long" : kind === "boolean" ? "boolean" : "keyword", context);
  const type = typeOf(typed);
  if (typed.kind === "field" && typed.reading.as === "object") {
    return report(context, "E0303", arg.span, `\`${typed.reading.name}\` is an object and has no value of its own`);
  }
  if (type === "date" && kind === "any") {
    return report(context, "E0303", arg.span, `\`${name}\` cannot turn a date into text`);
  }
  if (type === "double" && kind === "whole") {
    return report(context, "E0303", arg.span, `\`${name}\` needs a whole number here`);
  }
  const fits = type === null || kind === "any" || (number ? type === "long" || type === "double" : type === kind);
  if (fits) return typed;
  const needed = number ? "number" : kind;
  return report(context, "E0303", arg.span, `\`${name}\` needs a ${needed} here, but this is a ${describeType(type)}`);
}

function checkGreedy(call: Call, args: readonly Typed[], context: BindContext): Typed | null {
  const [place, greedy] = [call.args[3], args[3]];
  if (place === undefined || greedy?.kind === "boolean" || greedy?.kind === "null") return null;
  return report(context, "E0304", place.span, "the fourth argument of `between` must be true or false");
}

function checkJoined(call: Call, args: readonly Typed[], context: BindContext): Typed | null {
  if (args.length <= MOST_JOINED) return null;
  return report(context, "E0402", call.span, `\`concat\` joins at most ${MOST_JOINED} values`);
}

/** A constant text is read here, exactly. A field's text may hold a fraction unless a base other than 10 is given. */
function bindNumber(call: Call, args: readonly Typed[], context: BindContext): Typed {
  const [subject = NULL, given] = args;
  const place = call.args[1]?.span ?? call.span;
  if (given !== undefined && given.kind !== "null" && given.kind !== "long") {
    return report(context, "E0304", place, "the base of `number` must be a constant whole number");
  }
  const base = given?.kind === "long" ? Number(given.value) : null;
  if (base !== null && (base < 2 || base > 36)) {
    return report(context, "E0304", place, "the base of `number` must be from 2 to 36");
  }
  if (subject.kind === "null") return nullOf(...args);
  if (subject.kind === "string") {
    const value = readNumber(subject.value, base);
    return value === null ? { kind: "null" } : nodeOf(value);
  }
  return {
    kind: "call",
    name: base === null || base === 10 ? "number" : "numberInBase",
    fold: false,
    args: [subject, { kind: "long", value: BigInt(base ?? 0) }],
  };
}

function ranges(call: Call, args: readonly Typed[], context: BindContext): Typed {
  const found: Cidr[] = [];
  for (const [index, arg] of args.entries()) {
    const place = call.args[index];
    if (index === 0 || place === undefined) continue;
    const range = arg.kind === "string" ? parseCidr(arg.value) : null;
    if (range !== null) found.push(range);
    else if (arg.kind === "string")
      report(
        context,
        "E0309",
        place.span,
        `"${arg.value}" is not an address range`,
        "write it as 10.0.0.0/8 or fe80::/10",
      );
    else report(context, "E0304", place.span, "the ranges of `cidrMatch` must be constant strings");
  }
  const [subject = NULL] = args;
  return subject.kind === "null" ? nullOf(subject) : { kind: "in-ranges", subject, ranges: found };
}

function wildcards(call: Call, args: readonly Typed[], context: BindContext): Typed {
  const exact: string[] = [];
  const globs: GlobPattern[] = [];
  for (const [index, arg] of args.entries()) {
    if (index === 0) continue;
    if (arg.kind !== "string") {
      report(
        context,
        "E0304",
        call.args[index]?.span ?? call.span,
        "the patterns of `wildcard` must be constant strings",
      );
      continue;
    }
    const glob = globOf(arg.value);
    if (glob.tree.kind === "exact") exact.push(arg.value);
    else globs.push(glob);
  }
  const [subject = NULL] = args;
  return subject.kind === "null"
    ? nullOf(subject)
    : { kind: "match", subject, patterns: { fold: call.insensitive, exact, globs, regexes: [] } };
}

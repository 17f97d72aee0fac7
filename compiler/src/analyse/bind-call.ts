// Function calls: names, arity and argument types of EQL.md section 6, elastic dialect.

import { type FunctionName, nullOf, typeOf } from "../ir/expression.js";
import { type Cidr, parseCidr } from "../patterns/cidr.js";
import { type GlobPattern, globOf } from "../patterns/patterns.js";
import type { Call, Expr } from "../syntax/ast.js";
import { bindArithmetic, type Operand } from "./bind-arithmetic.js";
import { type BindContext, describeType, NULL, report } from "./bind-context.js";
import { bindArray, settle } from "./bind-field.js";
import { readNumber } from "./numbers.js";
import type { Typed } from "./typed.js";

type ArgumentKind = "string" | "number" | "boolean" | "any";

interface Signature {
  /** As the language reference spells it. */
  readonly name: string;
  readonly required: readonly ArgumentKind[];
  readonly optional: readonly ArgumentKind[];
  /** Kind of any further arguments; absent when there are none. */
  readonly rest?: ArgumentKind;
  /** Takes a `~`. */
  readonly foldable: boolean;
}

const SIGNATURES: readonly Signature[] = [
  { name: "add", required: ["number", "number"], optional: [], foldable: false },
  { name: "subtract", required: ["number", "number"], optional: [], foldable: false },
  { name: "multiply", required: ["number", "number"], optional: [], foldable: false },
  { name: "divide", required: ["number", "number"], optional: [], foldable: false },
  { name: "modulo", required: ["number", "number"], optional: [], foldable: false },
  { name: "between", required: ["string", "string", "string"], optional: ["boolean"], foldable: true },
  { name: "cidrMatch", required: ["string", "string"], optional: [], rest: "string", foldable: false },
  { name: "concat", required: ["any"], optional: [], rest: "any", foldable: false },
  { name: "endsWith", required: ["string", "string"], optional: [], foldable: true },
  { name: "indexOf", required: ["string", "string"], optional: ["number"], foldable: true },
  { name: "length", required: ["string"], optional: [], foldable: false },
  { name: "number", required: ["string"], optional: ["number"], foldable: false },
  { name: "startsWith", required: ["string", "string"], optional: [], foldable: true },
  { name: "string", required: ["any"], optional: [], foldable: false },
  { name: "stringContains", required: ["string", "string"], optional: [], foldable: true },
  { name: "substring", required: ["string", "number"], optional: ["number"], foldable: false },
  { name: "wildcard", required: ["string", "string"], optional: [], rest: "string", foldable: true },
];

const BY_NAME = new Map(SIGNATURES.map((signature) => [signature.name.toLowerCase(), signature]));

/** Functions of the endgame dialect, and what to write instead. */
const OF_ENDGAME: ReadonlyMap<string, string> = new Map([
  ["arraysearch", "write `_arraysearch(array, $v, condition)`"],
  ["arraycount", "`_arraysearch` tells whether there is at least one"],
  ["arraycontains", "a comparison already looks at every value of the field"],
  ["match", "write `field regex~ pattern`; it matches the whole value"],
  ["matchlite", "write `field regex~ pattern`; it matches the whole value"],
  ["safe", "no function fails at run time here"],
]);

const MOST_JOINED = 256;

const OPERATORS = { add: "+", subtract: "-", multiply: "*", divide: "/", modulo: "%" } as const;

/** How expressions inside a call are typed. */
export interface Binder {
  bind(expr: Expr, context: BindContext): Typed;
  bindCondition(expr: Expr, context: BindContext): Typed;
}

/** Types a call. */
export function bindCall(call: Call, binder: Binder, context: BindContext): Typed {
  if (call.name.toLowerCase() === "_arraysearch") return bindSearch(call, binder, context);
  const bind = (arg: Expr): Typed => binder.bind(arg, context);
  const signature = BY_NAME.get(call.name.toLowerCase());
  if (signature === undefined) {
    const instead = OF_ENDGAME.get(call.name.toLowerCase());
    // The name of an element is no field.
    if (!/^array(?:search|count)$/i.test(call.name)) for (const arg of call.args) bind(arg);
    if (instead !== undefined) {
      return report(context, "E0204", call.nameSpan, `\`${call.name}\` belongs to the endgame dialect`, instead);
    }
    const near = SIGNATURES.filter((s) => s.name.toLowerCase().startsWith(call.name.slice(0, 3).toLowerCase()));
    const help = near.length > 0 ? `did you mean ${near.map((s) => `\`${s.name}\``).join(" or ")}?` : undefined;
    return report(context, "E0302", call.nameSpan, `unknown function \`${call.name}\``, help);
  }
  if (call.insensitive && !signature.foldable) {
    return report(
      context,
      "E0302",
      call.nameSpan,
      `\`${signature.name}\` has no case-insensitive form`,
      "leave out the `~`",
    );
  }
  const { required, optional, rest } = signature;
  const most = rest === undefined ? required.length + optional.length : Number.POSITIVE_INFINITY;
  if (call.args.length < required.length || call.args.length > most) {
    const wanted =
      rest !== undefined
        ? `at least ${required.length}`
        : optional.length > 0
          ? `${required.length} to ${most}`
          : `${most}`;
    return report(
      context,
      "E0304",
      call.span,
      `\`${signature.name}\` takes ${wanted} arguments, but ${call.args.length} are given`,
    );
  }
  if (signature.name in OPERATORS) {
    const [left, right] = call.args.map((arg) => ({ typed: bind(arg), span: arg.span })) as [Operand, Operand];
    return bindArithmetic(OPERATORS[signature.name as keyof typeof OPERATORS], left, right, context);
  }
  const kinds = [...required, ...optional];
  const args = call.args.map((arg, index) =>
    checkArgument(arg, bind(arg), kinds[index] ?? rest ?? "any", signature, context),
  );
  return build(call, signature, args, context);
}

/** `_arraysearch(array, $v, condition)`: the variable is known inside the condition only. */
function bindSearch(call: Call, binder: Binder, context: BindContext): Typed {
  if (call.insensitive) return report(context, "E0302", call.nameSpan, "`_arraysearch` has no case-insensitive form");
  const [array, variable, condition] = call.args;
  if (array === undefined || variable === undefined || condition === undefined || call.args.length > 3) {
    return report(context, "E0304", call.span, `\`_arraysearch\` takes 3 arguments, but ${call.args.length} are given`);
  }
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
  // What is wrong about fields of an array that is not there says nothing.
  if (found === null) context.problems.length = problems;
  return found === null
    ? { kind: "boolean", value: false }
    : { kind: "search", array: found.reading, depth, condition: typed };
}

function checkArgument(arg: Expr, raw: Typed, kind: ArgumentKind, signature: Signature, context: BindContext): Typed {
  const typed = settle(raw, kind === "number" ? "long" : kind === "boolean" ? "boolean" : "keyword", context);
  const type = typeOf(typed);
  if (typed.kind === "field" && typed.reading.as === "object") {
    return report(context, "E0303", arg.span, `\`${typed.reading.name}\` is an object and has no value of its own`);
  }
  if (type === "date" && kind === "any") {
    return report(context, "E0303", arg.span, `\`${signature.name}\` cannot turn a date into text`);
  }
  const fits =
    type === null || kind === "any" || (kind === "number" ? type === "long" || type === "double" : type === kind);
  if (fits) return typed;
  return report(
    context,
    "E0303",
    arg.span,
    `\`${signature.name}\` needs a ${kind} here, but this is a ${describeType(type)}`,
  );
}

function build(call: Call, signature: Signature, args: readonly Typed[], context: BindContext): Typed {
  const [subject = NULL] = args;
  switch (signature.name) {
    case "cidrMatch":
      return ranges(call, args, context);
    case "wildcard":
      return wildcards(call, args, context);
    case "concat":
      // The optimiser writes joins into one another, and its stack has an end.
      if (args.length <= MOST_JOINED) break;
      return report(context, "E0402", call.span, `\`concat\` joins at most ${MOST_JOINED} values`);
    case "number":
      return bindNumber(call, args, context);
    case "between":
      if (call.args[3] !== undefined && args[3]?.kind !== "boolean" && args[3]?.kind !== "null") {
        return report(context, "E0304", call.args[3].span, "the fourth argument of `between` must be true or false");
      }
      break;
    case "indexOf":
    case "substring":
      for (const [index, arg] of args.entries()) {
        if (typeOf(arg) === "double") {
          return report(
            context,
            "E0303",
            call.args[index]?.span ?? call.span,
            `\`${signature.name}\` needs a whole number here`,
          );
        }
      }
      break;
  }
  if (subject.kind === "null" && signature.name !== "concat") return nullOf(...args);
  if (signature.name === "concat" && args.some((arg) => arg.kind === "null")) return nullOf(...args);
  return { kind: "call", name: signature.name as FunctionName, fold: call.insensitive, args };
}

/** Constants are read here, and exactly; of a field's texts only the value of a base other than 10 is known to be whole. */
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
  if (subject.kind === "string") return readNumber(subject.value, base);
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

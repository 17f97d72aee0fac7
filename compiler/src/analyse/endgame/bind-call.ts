// Function calls of the endgame dialect, docs/language.md#functions-of-endgame: arity and argument types are the catalogue's, and `BUILDERS` says
// what becomes of the functions that are more than a call.

import {
  type DynamicFunction,
  didYouMean,
  type EndgameOwn,
  findEndgame,
  findForeign,
  wrongArity,
} from "../../functions/catalogue.js";
import type { EndgameForm, EndgameKind } from "../../functions/entry.js";
import { MOST_JOINED } from "../../functions/texts.js";
import { type Cidr, parseCidr } from "../../patterns/cidr.js";
import { compileRegex } from "../../patterns/regex-compile.js";
import type { Call, Expr } from "../../syntax/ast.js";
import type { BoundValue } from "../typed.js";
import { parseMatch } from "./patterns.js";
import { type Bound, describeKind, FAILED, fail, type Kind, type Scope } from "./scope.js";

/** How expressions inside a call are bound, and what calls have in common with operators. */
export interface Binder {
  bindValue(expr: Expr, scope: Scope): Bound;
  bindCondition(expr: Expr, scope: Scope): BoundValue;
  arithmetic(op: "+" | "-" | "*" | "/" | "%", left: Expr, right: Expr, scope: Scope): Bound;
  wildcard(subject: BoundValue, literals: readonly StringLiteral[], scope: Scope): BoundValue;
}

type StringLiteral = Extract<Expr, { kind: "literal"; type: "string" }>;

function isText(expr: Expr | undefined): expr is StringLiteral {
  return expr?.kind === "literal" && expr.type === "string";
}

/** A call whose arguments are bound. */
interface Bindable {
  readonly call: Call;
  /** The first argument. */
  readonly subject: BoundValue;
  /** The arguments behind the first that are texts written out. */
  readonly literals: readonly StringLiteral[];
  readonly scope: Scope;
  readonly binder: Binder;
}

/** What a call becomes; its own problems are reported. */
type Build = (bindable: Bindable) => BoundValue;

const BUILDERS: Readonly<Record<EndgameOwn, Build>> = {
  safe: ({ subject }) => subject,
  wildcard: ({ subject, literals, scope, binder }) => binder.wildcard(subject, literals, scope),
  match: regex,
  matchLite: regex,
  cidrMatch: ({ subject, literals, scope }) => ({
    kind: "in-ranges",
    subject,
    ranges: literals.flatMap((literal) => rangeOf(literal, scope)),
  }),
};

export function bindCall(call: Call, scope: Scope, binder: Binder): Bound {
  const found = findEndgame(call.name);
  if (found === null) return unknownFunction(call, scope, binder);
  const { name, endgame: form, operator } = found;
  const wanted = wrongArity(form, call.args.length);
  if (wanted !== null) {
    return fail(scope, "E0304", call.span, `\`${name}\` takes ${wanted} arguments, but ${call.args.length} are given`);
  }
  const [first, second] = call.args;
  if (first === undefined) return fail(scope, "E0304", call.span, `\`${name}\` needs an argument`);
  if (operator !== undefined && second !== undefined) return binder.arithmetic(operator, first, second, scope);
  if (form.becomes === "search") return bindSearch(call, name, form, scope, binder);
  const swapped = form.patternFirst === true && call.args.length === 2 && isText(first) && !isText(second);
  const exprs = swapped ? [...call.args].reverse() : call.args;
  const kinds = [...form.required, ...(form.optional ?? [])];
  const args = exprs.map((arg, index) => bindArgument(arg, kinds[index] ?? form.rest ?? "any", name, scope, binder));
  const [subject] = args;
  if (subject === undefined) return FAILED;
  if (name === "concat" && args.length > MOST_JOINED) {
    return fail(scope, "E0402", call.span, `\`concat\` joins at most ${MOST_JOINED} values`);
  }
  const builders: Readonly<Record<string, Build | undefined>> = BUILDERS;
  const built = builders[name]?.({ call, subject, literals: exprs.slice(1).filter(isText), scope, binder });
  return { value: built ?? { kind: "call", name: name as DynamicFunction, args }, type: form.result };
}

function unknownFunction(call: Call, scope: Scope, binder: Binder): Bound {
  const { name, nameSpan } = call;
  const foreign = findForeign(name, "endgame");
  if (foreign !== null) {
    return fail(scope, "E0204", nameSpan, `\`${name}\` belongs to the elastic dialect`, foreign.instead);
  }
  for (const arg of call.args) binder.bindValue(arg, scope);
  return fail(scope, "E0302", nameSpan, `unknown function \`${name}\``, didYouMean(name, "endgame"));
}

/**
 * Whether a value of the kind will do. That a literal is written out, and a name is bare, is asked of the expression
 * elsewhere.
 */
function suits(kind: Kind, wanted: EndgameKind): boolean {
  if (kind === "unknown" || kind === "null") return true;
  switch (wanted) {
    case "any":
      return true;
    case "primitive":
      return kind !== "array";
    case "countable":
      return kind === "string" || kind === "array";
    case "literal":
      return kind === "string";
    case "name":
      return false;
    default:
      return kind === wanted;
  }
}

function bindArgument(arg: Expr, wanted: EndgameKind, name: string, scope: Scope, binder: Binder): BoundValue {
  const { value, type } = binder.bindValue(arg, scope);
  if (!suits(type, wanted)) {
    const article = wanted === "countable" ? "a string or an array" : wanted === "literal" ? "a string" : `a ${wanted}`;
    fail(scope, "E0303", arg.span, `\`${name}\` needs ${article} here, but this is ${describeKind(type)}`);
  } else if (wanted === "literal" && !isText(arg)) {
    fail(scope, "E0304", arg.span, `\`${name}\` needs a string written out here`);
  }
  return value;
}

function bindSearch(call: Call, name: string, { result }: EndgameForm, scope: Scope, binder: Binder): Bound {
  const [array, variable, condition] = call.args;
  if (array === undefined || variable === undefined || condition === undefined) return FAILED;
  const from = bindArgument(array, "array", name, scope, binder);
  const [bare] = variable.kind === "field" && variable.path.length === 1 && !variable.variable ? variable.path : [];
  if (typeof bare !== "string") {
    return fail(scope, "E0304", variable.span, `\`${name}\` needs a plain name for the element here`);
  }
  const inner = binder.bindCondition(condition, { ...scope, variables: [...scope.variables, bare] });
  const depth = scope.variables.length;
  const value = { kind: "search", count: result === "number", array: from, depth, condition: inner } as const;
  return { value, type: result };
}

function regex({ call, subject, literals, scope }: Bindable): BoundValue {
  const nodes = literals.flatMap(({ value, span }) => {
    const parsed = parseMatch(value);
    if (parsed.ok) return parsed.nodes;
    fail(scope, "E0309", span, `this regular expression cannot be read: ${parsed.message}`);
    return [];
  });
  const program = nodes.length > 0 ? compileRegex(nodes, true) : null;
  if (program?.kind === "too-large") fail(scope, "E0402", call.span, program.message);
  return { kind: "regex", subject, patterns: nodes };
}

function rangeOf({ value, span }: StringLiteral, scope: Scope): Cidr[] {
  const text = value.trim();
  const range = text.includes("/") ? parseCidr(text) : null;
  if (range !== null) return [range];
  const help = "write it as 10.0.0.0/8 or fe80::/10";
  fail(scope, "E0309", span, `"${value}" is not an address range`, help);
  return [];
}

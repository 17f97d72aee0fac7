// Function calls of the endgame dialect: names, arity and argument types of python-eql's signatures, EQL.md section 6.

import type { DynamicFunction } from "../../ir/dynamic-value.js";
import { type Cidr, parseCidr } from "../../patterns/cidr.js";
import { compileRegex } from "../../patterns/regex-compile.js";
import type { Call, Expr } from "../../syntax/ast.js";
import type { BoundValue } from "../typed.js";
import { parseMatch } from "./patterns.js";
import { type Bound, describeKind, fail, type Kind, type Scope } from "./scope.js";

/** How expressions inside a call are bound, and what calls have in common with operators. */
export interface Binder {
  bindValue(expr: Expr, scope: Scope): Bound;
  bindCondition(expr: Expr, scope: Scope): BoundValue;
  arithmetic(op: "+" | "-" | "*" | "/" | "%", left: Expr, right: Expr, scope: Scope): Bound;
  wildcard(subject: BoundValue, literals: readonly StringLiteral[], scope: Scope): BoundValue;
}

/** What an argument may be; `literal` is a string written out, `name` a bare name. */
type Wanted = "string" | "number" | "boolean" | "array" | "countable" | "primitive" | "any" | "literal" | "name";

interface Signature {
  readonly name: string;
  readonly required: readonly Wanted[];
  readonly optional?: readonly Wanted[];
  /** Kind of any further arguments. */
  readonly rest?: Wanted;
  readonly result: Kind;
}

const SIGNATURES: readonly Signature[] = [
  { name: "add", required: ["number", "number"], result: "number" },
  { name: "subtract", required: ["number", "number"], result: "number" },
  { name: "multiply", required: ["number", "number"], result: "number" },
  { name: "divide", required: ["number", "number"], result: "number" },
  { name: "modulo", required: ["number", "number"], result: "number" },
  { name: "arrayContains", required: ["array", "primitive"], rest: "primitive", result: "boolean" },
  { name: "arrayCount", required: ["array", "name", "boolean"], result: "number" },
  { name: "arraySearch", required: ["array", "name", "boolean"], result: "boolean" },
  { name: "between", required: ["string", "string", "string"], optional: ["boolean"], result: "string" },
  { name: "cidrMatch", required: ["string", "literal"], rest: "literal", result: "boolean" },
  { name: "concat", required: ["primitive"], rest: "primitive", result: "string" },
  { name: "endsWith", required: ["string", "string"], result: "boolean" },
  { name: "indexOf", required: ["string", "string"], optional: ["number"], result: "number" },
  { name: "length", required: ["countable"], result: "number" },
  { name: "match", required: ["string", "literal"], rest: "literal", result: "boolean" },
  { name: "matchLite", required: ["string", "literal"], rest: "literal", result: "boolean" },
  { name: "number", required: ["string"], optional: ["number"], result: "number" },
  { name: "safe", required: ["any"], result: "unknown" },
  { name: "startsWith", required: ["string", "string"], result: "boolean" },
  { name: "string", required: ["primitive"], result: "string" },
  { name: "stringContains", required: ["string", "string"], result: "boolean" },
  { name: "substring", required: ["string", "number"], optional: ["number"], result: "string" },
  { name: "wildcard", required: ["string", "literal"], rest: "literal", result: "boolean" },
];

const BY_NAME = new Map(SIGNATURES.map((signature) => [signature.name, signature]));

/** As many values as one `concat` may join: each is written into the next. */
const MOST_JOINED = 256;

const OPERATORS = { add: "+", subtract: "-", multiply: "*", divide: "/", modulo: "%" } as const;

type StringLiteral = Extract<Expr, { kind: "literal"; type: "string" }>;

function isText(expr: Expr | undefined): expr is StringLiteral {
  return expr?.kind === "literal" && expr.type === "string";
}

export function bindCall(call: Call, scope: Scope, binder: Binder): Bound {
  const signature = BY_NAME.get(call.name);
  if (signature === undefined) return unknownFunction(call, scope, binder);
  const { name, required, optional = [], rest } = signature;
  const most = rest === undefined ? required.length + optional.length : Number.POSITIVE_INFINITY;
  if (call.args.length < required.length || call.args.length > most) {
    const range = optional.length > 0 ? `${required.length} to ${most}` : `${required.length}`;
    const wanted = rest === undefined ? range : `at least ${required.length}`;
    return fail(scope, "E0304", call.span, `\`${name}\` takes ${wanted} arguments, but ${call.args.length} are given`);
  }
  const [first, second] = call.args;
  if (first === undefined) return fail(scope, "E0304", call.span, `\`${name}\` needs an argument`);
  if (name in OPERATORS && second !== undefined) {
    return binder.arithmetic(OPERATORS[name as keyof typeof OPERATORS], first, second, scope);
  }
  if (name === "arraySearch" || name === "arrayCount") return bindSearch(call, name, scope, binder);
  // In an older order of arguments the pattern stood first.
  const swapped = name.startsWith("match") && call.args.length === 2 && isText(first) && !isText(second);
  const exprs = swapped ? [...call.args].reverse() : call.args;
  const kinds = [...required, ...optional];
  const args = exprs.map((arg, index) => bindArgument(arg, kinds[index] ?? rest ?? "any", name, scope, binder));
  return build(call, exprs, args, signature, scope, binder);
}

function unknownFunction(call: Call, scope: Scope, binder: Binder): Bound {
  const { name, nameSpan } = call;
  if (name.toLowerCase() === "_arraysearch") {
    const help = "Write `arraySearch(array, name, condition)`.";
    return fail(scope, "E0204", nameSpan, `\`${name}\` belongs to the elastic dialect`, help);
  }
  for (const arg of call.args) binder.bindValue(arg, scope);
  const lower = name.toLowerCase();
  const same = SIGNATURES.filter((signature) => signature.name.toLowerCase() === lower);
  const near = SIGNATURES.filter((signature) => signature.name.toLowerCase().startsWith(lower.slice(0, 3)));
  const found = same.length > 0 ? same : near;
  const help = found.length > 0 ? `did you mean ${found.map((s) => `\`${s.name}\``).join(" or ")}?` : undefined;
  return fail(scope, "E0302", nameSpan, `unknown function \`${name}\``, help);
}

/** Whether a kind may stand where something is wanted; a literal and a name are looked for in the text instead. */
function suits(kind: Kind, wanted: Wanted): boolean {
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

function bindArgument(arg: Expr, wanted: Wanted, name: string, scope: Scope, binder: Binder): BoundValue {
  const { value, type } = binder.bindValue(arg, scope);
  if (!suits(type, wanted)) {
    const article = wanted === "countable" ? "a string or an array" : wanted === "literal" ? "a string" : `a ${wanted}`;
    fail(scope, "E0303", arg.span, `\`${name}\` needs ${article} here, but this is ${describeKind(type)}`);
  } else if (wanted === "literal" && !isText(arg)) {
    fail(scope, "E0304", arg.span, `\`${name}\` needs a string written out here`);
  }
  return value;
}

function bindSearch(call: Call, name: string, scope: Scope, binder: Binder): Bound {
  const [array, variable, condition] = call.args;
  if (array === undefined || variable === undefined || condition === undefined) {
    return fail(scope, "E0304", call.span, `\`${name}\` takes 3 arguments`);
  }
  const from = bindArgument(array, "array", name, scope, binder);
  const [bare] = variable.kind === "field" && variable.path.length === 1 && !variable.variable ? variable.path : [];
  if (typeof bare !== "string") {
    return fail(scope, "E0304", variable.span, `\`${name}\` needs a plain name for the element here`);
  }
  const inner = binder.bindCondition(condition, { ...scope, variables: [...scope.variables, bare] });
  const count = name === "arrayCount";
  const depth = scope.variables.length;
  return {
    value: { kind: "search", count, array: from, depth, condition: inner },
    type: count ? "number" : "boolean",
  };
}

function build(
  call: Call,
  exprs: readonly Expr[],
  args: readonly BoundValue[],
  { name, result }: Signature,
  scope: Scope,
  binder: Binder,
): Bound {
  const [subject] = args;
  if (subject === undefined) return fail(scope, "E0304", call.span, `\`${name}\` needs an argument`);
  const literals = exprs.slice(1).filter(isText);
  const bound = (value: BoundValue): Bound => ({ value, type: result });
  switch (name) {
    case "safe":
      return bound(subject);
    case "wildcard":
      return bound(binder.wildcard(subject, literals, scope));
    case "match":
    case "matchLite":
      return bound({ kind: "regex", subject, patterns: regexes(call, literals, scope) });
    case "cidrMatch":
      return bound({ kind: "in-ranges", subject, ranges: literals.flatMap((literal) => rangeOf(literal, scope)) });
    case "concat":
      if (args.length > MOST_JOINED) {
        return fail(scope, "E0402", call.span, `\`concat\` joins at most ${MOST_JOINED} values`);
      }
      break;
  }
  return bound({ kind: "call", name: name as DynamicFunction, args });
}

function regexes(call: Call, literals: readonly StringLiteral[], scope: Scope) {
  const nodes = literals.flatMap(({ value, span }) => {
    const parsed = parseMatch(value);
    if (parsed.ok) return parsed.nodes;
    fail(scope, "E0309", span, `this regular expression cannot be read: ${parsed.message}`);
    return [];
  });
  const program = nodes.length > 0 ? compileRegex(nodes, true) : null;
  if (program?.kind === "too-large") fail(scope, "E0402", call.span, program.message);
  return nodes;
}

function rangeOf({ value, span }: StringLiteral, scope: Scope): Cidr[] {
  const text = value.trim();
  const range = text.includes("/") ? parseCidr(text) : null;
  if (range !== null) return [range];
  const help = "write it as 10.0.0.0/8 or fe80::/10";
  fail(scope, "E0309", span, `"${value}" is not an address range`, help);
  return [];
}

// What is wrong with an endgame query before there is an event: types that clash, functions and pipes that do not exist or
// are given the wrong things, and stages that do not fit together. Fields may hold anything, and null fits everywhere.

import type { Expr, Join, Pipe, Query, Sample, Sequence } from "@kestrel/compiler/syntax/ast";
import { parseRange } from "../ip.js";
import { compilePrefix } from "./regex.js";

type Type = "boolean" | "number" | "string" | "null" | "array" | "unknown";
/** What an argument may be. `literal` wants a string constant, `name` a bare name. */
type Wanted = Exclude<Type, "null" | "unknown"> | "any" | "scalar" | "text or array" | "literal" | "name";

interface Signature {
  readonly args: readonly Wanted[];
  /** How many of `args` may be left out. */
  readonly optional?: number;
  /** What any number of further arguments may be. */
  readonly more?: Wanted;
  readonly result: Type;
}

const ARITHMETIC: Signature = { args: ["number", "number"], result: "number" };
const TEXT_TEST: Signature = { args: ["string", "string"], result: "boolean" };
const PATTERNS: Signature = { args: ["string", "literal"], more: "literal", result: "boolean" };

const SIGNATURES: Readonly<Record<string, Signature>> = {
  add: ARITHMETIC,
  subtract: ARITHMETIC,
  multiply: ARITHMETIC,
  divide: ARITHMETIC,
  modulo: ARITHMETIC,
  arrayContains: { args: ["array", "scalar"], more: "scalar", result: "boolean" },
  arrayCount: { args: ["array", "name", "boolean"], result: "number" },
  arraySearch: { args: ["array", "name", "boolean"], result: "boolean" },
  between: { args: ["string", "string", "string", "boolean"], optional: 1, result: "string" },
  cidrMatch: PATTERNS,
  concat: { args: ["scalar"], more: "scalar", result: "string" },
  endsWith: TEXT_TEST,
  startsWith: TEXT_TEST,
  stringContains: TEXT_TEST,
  indexOf: { args: ["string", "string", "number"], optional: 1, result: "number" },
  length: { args: ["text or array"], result: "number" },
  match: PATTERNS,
  matchLite: PATTERNS,
  wildcard: PATTERNS,
  number: { args: ["string", "number"], optional: 1, result: "number" },
  safe: { args: ["any"], result: "unknown" },
  string: { args: ["scalar"], result: "string" },
  substring: { args: ["string", "number", "number"], optional: 1, result: "string" },
};

/** Throws Error, saying what is wrong. */
export function checkQuery({ body, pipes }: Query): void {
  if (body.kind === "event") checkCondition(body.condition);
  else checkStages(body);
  const terms = body.kind === "event" ? 1 : body.terms.length;
  for (const pipe of pipes) checkPipe(pipe, terms);
}

/** Throws Error, saying what is wrong. */
export function checkExpression(expression: Expr): void {
  typeOf(expression);
}

function checkStages(body: Sequence | Join | Sample): void {
  const until = body.kind === "sample" || body.until === null ? [] : [body.until];
  const all = [...body.terms, ...until];
  for (const term of all) {
    checkCondition(term.query.condition);
    for (const key of [...body.by, ...term.by]) typeOf(key);
    if (term.by.length !== body.terms[0]?.by.length) throw new Error("The terms have different numbers of keys");
  }
  if (body.terms[0]?.fork === true || until.some((term) => term.fork)) throw new Error("The term cannot fork");
  if (body.kind !== "sequence" && body.terms.some((term) => term.fork)) throw new Error("Only a sequence can fork");
  if (body.kind === "sample" && body.by.length + (body.terms[0]?.by.length ?? 0) === 0)
    throw new Error("A sample must have a key");
}

function checkCondition(condition: Expr): void {
  expect(condition, "boolean", "the condition");
}

function checkPipe({ name, args }: Pipe, terms: number): void {
  for (const arg of args) {
    typeOf(arg);
    if (holdsLineage(arg)) throw new Error("A pipe cannot ask for lineage");
    if (terms > 1) checkIndexes(arg, terms);
  }
  switch (name) {
    case "head":
    case "tail": {
      const [count] = args;
      if (count === undefined && args.length === 0) return;
      if (args.length > 1 || count?.kind !== "literal" || count.type !== "integer" || count.value <= 0n)
        throw new Error(`${name} takes a whole number above 0`);
      return;
    }
    case "filter":
      if (args.length !== 1) throw new Error("filter takes one condition");
      for (const arg of args) expect(arg, "boolean", "the condition");
      return;
    case "sort":
    case "unique":
    case "unique_count":
    case "count":
      if (args.length === 0 && name !== "count") throw new Error(`${name} takes at least one key`);
      if (args.some(isConstant)) throw new Error(`A key of ${name} is constant`);
      return;
    default:
      throw new Error(`There is no pipe ${name}`);
  }
}

function typeOf(expression: Expr): Type {
  switch (expression.kind) {
    case "error":
      throw new Error("an error node is not evaluated");
    case "literal":
      return expression.type === "integer" || expression.type === "float" ? "number" : expression.type;
    case "field":
      return "unknown";
    case "lineage":
      checkCondition(expression.query.condition);
      return "boolean";
    case "unary":
      if (expression.op === "not") expect(expression.operand, "boolean", "not");
      else expect(expression.operand, "number", "a sign");
      return expression.op === "not" ? "boolean" : "number";
    case "match":
      for (const value of expression.values) checkAlike(typeOf(expression.subject), typeOf(value));
      return "boolean";
    case "call":
      return typeOfCall(expression.name, expression.args);
    case "binary":
      switch (expression.op) {
        case "and":
        case "or":
          expect(expression.left, "boolean", expression.op);
          expect(expression.right, "boolean", expression.op);
          return "boolean";
        case "+":
        case "-":
        case "*":
        case "/":
        case "%":
          expect(expression.left, "number", expression.op);
          expect(expression.right, "number", expression.op);
          return "number";
        default: {
          const sides = [typeOf(expression.left), typeOf(expression.right)] as const;
          checkAlike(...sides);
          if (expression.op !== "==" && expression.op !== "!=" && sides.includes("boolean"))
            throw new Error("Booleans have no order");
          return "boolean";
        }
      }
  }
}

function typeOfCall(name: string, args: readonly Expr[]): Type {
  const signature = Object.hasOwn(SIGNATURES, name) ? SIGNATURES[name] : undefined;
  if (signature === undefined) throw new Error(`There is no function ${name}`);
  const least = signature.args.length - (signature.optional ?? 0);
  const most = signature.more === undefined ? signature.args.length : Number.POSITIVE_INFINITY;
  if (args.length < least || args.length > most) throw new Error(`${name} takes another number of arguments`);
  const [first, second] = args;
  const matches = name === "match" || name === "matchLite";
  const swapped = matches && args.length === 2 && isText(first) && !isText(second);
  for (const [i, arg] of (swapped ? [...args].reverse() : args).entries()) {
    const wanted = signature.args[i] ?? signature.more ?? "any";
    expect(arg, wanted, name);
    if (wanted === "literal" && arg.kind === "literal" && arg.type === "string") {
      if (matches) compilePrefix(arg.value);
      if (name === "cidrMatch" && (!arg.value.includes("/") || parseRange(arg.value) === null))
        throw new Error(`${arg.value} is no address range`);
    }
  }
  return signature.result;
}

function expect(expression: Expr, wanted: Wanted, what: string): void {
  const type = wanted === "name" ? "unknown" : typeOf(expression);
  if (!fits(expression, type, wanted)) throw new Error(`${what} cannot take a ${type} here`);
}

function fits(expression: Expr, type: Type, wanted: Wanted): boolean {
  switch (wanted) {
    case "any":
      return true;
    case "literal":
      return isText(expression);
    case "name":
      return expression.kind === "field" && expression.path.length === 1;
    case "scalar":
      return type !== "array";
    case "text or array":
      return type === "unknown" || type === "null" || type === "string" || type === "array";
    default:
      return type === "unknown" || type === "null" || type === wanted;
  }
}

function checkAlike(a: Type, b: Type): void {
  const any = [a, b].some((type) => type === "unknown" || type === "null");
  if (!any && a !== b) throw new Error(`A ${a} cannot be compared with a ${b}`);
}

function isText(expression: Expr | undefined): boolean {
  return expression?.kind === "literal" && expression.type === "string";
}

function isConstant(expression: Expr): boolean {
  return expression.kind !== "field" && expression.kind !== "lineage" && parts(expression).every(isConstant);
}

function holdsLineage(expression: Expr): boolean {
  return expression.kind === "lineage" || parts(expression).some(holdsLineage);
}

/** `events[i].field` must name one of the terms. */
function checkIndexes(expression: Expr, terms: number): void {
  if (expression.kind === "field") {
    const [first, index, name] = expression.path;
    if (first === "events" && typeof index === "number" && typeof name === "string" && index >= terms)
      throw new Error(`There is no event ${index}`);
  }
  for (const part of parts(expression)) checkIndexes(part, terms);
}

function parts(expression: Expr): readonly Expr[] {
  switch (expression.kind) {
    case "error":
      throw new Error("an error node is not evaluated");
    case "literal":
    case "field":
    case "lineage":
      return [];
    case "unary":
      return [expression.operand];
    case "binary":
      return [expression.left, expression.right];
    case "match":
      return [expression.subject, ...expression.values];
    case "call":
      return expression.args;
  }
}

// The type in which a field of an array's element is read where the schema does not know it: that of what it is compared
// with, or what the function or operator around it takes.
//
// | the field stands                                        | it is read as                                             |
// |---------------------------------------------------------|-----------------------------------------------------------|
// | beside a comparison's other side                        | keyword, double, boolean or date, as the other side is    |
// | beside the literal null                                 | object: only its presence counts                          |
// | before `in`                                             | keyword when a text stands in the list, else double when  |
// |                                                         | a number does, else boolean                               |
// | in the list of `in`                                     | as the subject is                                         |
// | before `:` `like` `regex`                               | keyword                                                   |
// | in arithmetic, behind a sign                            | double                                                    |
// | as a position in indexOf or substring, or number's base | long                                                      |
// | as the fourth argument of between                       | boolean                                                   |
// | as any other argument                                   | keyword                                                   |
// | as a condition                                          | boolean                                                   |
//
// Two such fields beside each other are keywords.

import type { Call, Expr, FieldRef, Match } from "@kestrel/compiler/syntax/ast";
import type { FieldType } from "@kestrel/stdlib/schema/types";

/** The type of a field that the schema knows, null for others. */
export type KnownType = (field: FieldRef) => FieldType | null;

/** Calls `visit` for every field below an expression; not for those inside `_arraysearch`, which are no part of it. */
export function visitFields(
  expression: Expr,
  known: KnownType,
  visit: (field: FieldRef, wanted: FieldType) => void,
): void {
  const walk = (e: Expr, wanted: FieldType): void => {
    switch (e.kind) {
      case "literal":
      case "lineage":
        return;
      case "field":
        visit(e, wanted);
        return;
      case "call":
        if (isSearch(e)) return;
        for (const [place, arg] of e.args.entries()) walk(arg, argumentType(e, place));
        return;
      case "unary":
        walk(e.operand, e.op === "not" ? "boolean" : "double");
        return;
      case "binary":
        switch (e.op) {
          case "and":
          case "or":
            walk(e.left, "boolean");
            walk(e.right, "boolean");
            return;
          case "+":
          case "-":
          case "*":
          case "/":
          case "%":
            walk(e.left, "double");
            walk(e.right, "double");
            return;
          default:
            walk(e.left, typeBeside(e.right, known));
            walk(e.right, typeBeside(e.left, known));
            return;
        }
      case "match":
        walk(e.subject, subjectType(e, known));
        for (const value of e.values) walk(value, typeBeside(e.subject, known));
    }
  };
  walk(expression, "boolean");
}

export function isSearch(call: Call): boolean {
  return call.name.toLowerCase() === "_arraysearch";
}

function typeBeside(other: Expr, known: KnownType): FieldType {
  switch (other.kind) {
    case "error":
      throw new Error("an error node is not evaluated");
    case "literal":
      if (other.type === "null") return "object";
      if (other.type === "string") return "keyword";
      return other.type === "boolean" ? "boolean" : "double";
    case "field": {
      const type = known(other) ?? "keyword";
      if (type === "ip" || type === "version") return "keyword";
      return type === "long" ? "double" : type;
    }
    case "call":
      return resultType(other);
    case "unary":
      return other.op === "not" ? "boolean" : "double";
    case "binary":
      return ["+", "-", "*", "/", "%"].includes(other.op) ? "double" : "boolean";
    case "match":
    case "lineage":
      return "boolean";
  }
}

function subjectType(match: Match, known: KnownType): FieldType {
  if (match.op !== "in" && match.op !== "in~") return "keyword";
  const types = match.values.map((value) => typeBeside(value, known)).filter((type) => type !== "object");
  if (types.includes("keyword")) return "keyword";
  return types.includes("double") ? "double" : (types[0] ?? "object");
}

function resultType(call: Call): FieldType {
  switch (call.name.toLowerCase()) {
    case "add":
    case "subtract":
    case "multiply":
    case "divide":
    case "modulo":
    case "indexof":
    case "length":
    case "number":
      return "double";
    case "between":
    case "concat":
    case "string":
    case "substring":
      return "keyword";
    default:
      return "boolean";
  }
}

function argumentType(call: Call, place: number): FieldType {
  switch (call.name.toLowerCase()) {
    case "add":
    case "subtract":
    case "multiply":
    case "divide":
    case "modulo":
      return "double";
    case "between":
      return place === 3 ? "boolean" : "keyword";
    case "indexof":
      return place === 2 ? "long" : "keyword";
    case "substring":
    case "number":
      return place > 0 ? "long" : "keyword";
    default:
      return "keyword";
  }
}

// Expressions of the elastic dialect -> Lua expressions, in which null is nil. Fields are parameters of the function around.

import { foldString } from "@kestrel/stdlib/text/case-folding";
import { type Expression, type NodeOf, typeOf } from "../../ir/expression.js";
import { readingKey } from "../../ir/reading.js";
import { type Block, deeper, tableOf } from "./block.js";
import { rangeText } from "./describe-atom.js";
import { ELASTIC_FUNCTIONS } from "./elastic-functions.js";
import { doubleLiteral, integerLiteral, textLiteral } from "./lua-text.js";
import { patternsConstant } from "./patterns-to-lua.js";

export interface Fields {
  /** What stands for each reading, by its key. */
  readonly names: ReadonlyMap<string, string>;
  /** The call that asks another atom. */
  readonly ask: (atom: number) => string;
}

export function expressionToLua(e: Expression, fields: Fields, outer: Block): string {
  return deeper(outer, (block) => write(e, fields, block));
}

function write(e: Expression, fields: Fields, block: Block): string {
  const code = (operand: Expression): string => expressionToLua(operand, fields, block);
  switch (e.kind) {
    case "null":
      return "nil";
    case "string":
      return textLiteral(e.value);
    case "long":
      return integerLiteral(e.value);
    case "date":
      return integerLiteral(e.nanoseconds);
    case "double":
      return doubleLiteral(e.value);
    case "boolean":
      return String(e.value);
    case "field": {
      const name = fields.names.get(readingKey(e.reading));
      if (name === undefined) throw new Error(`${e.reading.name} is not bound`);
      return name;
    }
    case "arithmetic": {
      const [left, right] = [e.left, e.right].map((side) =>
        e.type === "double" ? asDouble(side, code(side)) : code(side),
      );
      return `eql.calculate("${e.op}", ${left}, ${right})`;
    }
    case "compare":
      return comparison(e, code);
    case "is-null":
      return `(${code(e.operand)} == nil)`;
    case "not":
      return `eql.negate(${code(e.operand)})`;
    case "and":
    case "or":
      return `eql.${e.kind === "and" ? "all" : "any"}(${e.operands.length}, ${tableOf(e.operands.map(code))})`;
    case "match":
      return `eql.matches(${code(e.subject)}, ${patternsConstant(e.patterns, block.file, block.constants)})`;
    case "in-ranges": {
      const ranges = `eql.ranges ${tableOf(e.ranges.map((range) => textLiteral(rangeText(range))))}`;
      return `eql.in_ranges(${code(e.subject)}, ${block.constants.add("ranges", ranges)})`;
    }
    case "call":
      return ELASTIC_FUNCTIONS[e.name](e, (index) => {
        const arg = e.args[index];
        if (arg === undefined) return "nil";
        return e.fold && arg.kind === "string" ? textLiteral(foldString(arg.value)) : code(arg);
      });
    case "test":
      return fields.ask(e.atom);
  }
}

function asDouble(e: Expression, code: string): string {
  return typeOf(e) === "long" ? `eql.double(${code})` : code;
}

function comparison(e: NodeOf<"compare">, code: (operand: Expression) => string): string {
  const { op, domain } = e;
  const [left, right] = [e.left, e.right].map((side) =>
    domain === "double" ? asDouble(side, code(side)) : code(side),
  );
  if (domain === "version") {
    const order = `eql.version_order(${left}, ${right})`;
    if (e.fixed !== undefined) {
      const equal = "function(a, b) return eql.equal(eql.version_order(a, b), 0) end";
      return `eql.equal_or_absent(${left}, ${right}, "${e.fixed}", ${equal})`;
    }
    return ordered(op, order, "0");
  }
  const equal = domain === "address" ? "eql.addresses_equal" : "eql.equal";
  if (e.fixed !== undefined) return `eql.equal_or_absent(${left}, ${right}, "${e.fixed}", ${equal})`;
  return op === "==" ? `${equal}(${left}, ${right})` : ordered(op, left ?? "nil", right ?? "nil");
}

function ordered(op: NodeOf<"compare">["op"], left: string, right: string): string {
  switch (op) {
    case "==":
      return `eql.equal(${left}, ${right})`;
    case "<":
      return `eql.less(${left}, ${right})`;
    case "<=":
      return `eql.less_or_equal(${left}, ${right})`;
    case ">":
      return `eql.less(${right}, ${left})`;
    case ">=":
      return `eql.less_or_equal(${right}, ${left})`;
  }
}

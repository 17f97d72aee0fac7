// Values of the endgame dialect -> Lua expressions. A truth is true, false or nil; fields that a question reads are locals at its
// beginning.

import { foldString } from "@kestrel/stdlib/text/case-folding";
import { type Constant, type DynamicValue, isTruth, operandsOfDynamic, type Path } from "../../ir/dynamic-value.js";
import { type Reading, readingKey } from "../../ir/reading.js";
import type { Wildcard } from "../../patterns/wildcard.js";
import { foldWildcard } from "../../patterns/wildcard.js";
import { type Block, deeper, functionOf, tableOf } from "./block.js";
import { rangeText } from "./describe-atom.js";
import { ENDGAME_FUNCTIONS } from "./endgame-functions.js";
import { doubleLiteral, integerLiteral, textLiteral } from "./lua-text.js";
import { setOf } from "./patterns-to-lua.js";

/** What stands for each reading, by its key; readings that are none of them are read in place. */
export type Locals = ReadonlyMap<string, string>;

/** Whether a search stands in it. */
export function searches(value: DynamicValue): boolean {
  return value.kind === "search" || operandsOfDynamic(value).some(searches);
}

/** The code of the value as true, false or nil. */
export function truthToLua(value: DynamicValue, locals: Locals, block: Block): string {
  return isTruth(value) ? dynamicToLua(value, locals, block) : `eql.truth(${dynamicToLua(value, locals, block)})`;
}

export function dynamicToLua(value: DynamicValue, locals: Locals, outer: Block): string {
  return deeper(outer, (block) => write(value, locals, block));
}

function write(value: DynamicValue, locals: Locals, block: Block): string {
  const code = (operand: DynamicValue): string => dynamicToLua(operand, locals, block);
  const truth = (operand: DynamicValue): string => truthToLua(operand, locals, block);
  switch (value.kind) {
    case "constant":
      return constantLiteral(value.value);
    case "field":
      return fieldCode(value.reading, value.path, locals, block);
    case "element":
      return followed(elementName(value.depth), value.path);
    case "flag":
      return `kestrel.flag(${value.flag})`;
    case "and":
    case "or": {
      // What may take many steps is left alone where another operand decides.
      const operands = value.operands.map((operand) =>
        searches(operand) ? functionOf(block, [], (inner) => truthToLua(operand, locals, inner)) : truth(operand),
      );
      return `eql.${value.kind === "and" ? "all" : "any"}(${operands.length}, ${tableOf(operands)})`;
    }
    case "not":
      return `eql.negate(${truth(value.operand)})`;
    case "is-null":
      return `(${code(value.operand)} == nil)`;
    case "equal":
      return `eql.data_equal(${code(value.left)}, ${code(value.right)})`;
    case "order":
      return `eql.data_order("${value.op}", ${code(value.left)}, ${code(value.right)})`;
    case "member": {
      const texts = value.constants.filter((constant) => typeof constant === "string");
      const others = value.constants.filter((constant) => constant !== null && typeof constant !== "string");
      const items = [
        ...others.map(constantLiteral).filter((item) => item !== "nil"),
        `texts = ${setOf(texts.map(foldString))}`,
      ];
      return `eql.data_in(${code(value.subject)}, ${block.constants.add("constants", tableOf(items))})`;
    }
    case "wildcard": {
      const pattern = block.file.patternNumber({ kind: "globs", fold: true, globs: value.patterns.map(foldedGlob) });
      return `eql.data_matches(${code(value.subject)}, ${pattern})`;
    }
    case "regex": {
      const pattern = block.file.patternNumber({ kind: "regexes", fold: true, regexes: value.patterns });
      return `eql.data_matches(${code(value.subject)}, ${pattern})`;
    }
    case "in-ranges": {
      const ranges = `eql.ranges ${tableOf(value.ranges.map((range) => textLiteral(rangeText(range))))}`;
      return `eql.data_in_ranges(${code(value.subject)}, ${block.constants.add("ranges", ranges)})`;
    }
    case "arithmetic":
      return `eql.data_calculate("${value.op}", ${code(value.left)}, ${code(value.right)})`;
    case "call": {
      const at = (index: number): DynamicValue => value.args[index] ?? { kind: "constant", value: null };
      return ENDGAME_FUNCTIONS[value.name](
        value.args.length,
        (index) => code(at(index)),
        (index) => truth(at(index)),
      );
    }
    case "search": {
      const test = functionOf(block, [elementName(value.depth)], (inner) => truthToLua(value.condition, locals, inner));
      return `eql.${value.count ? "data_count" : "data_search"}(${code(value.array)}, ${test})`;
    }
  }
}

/** The parameter that is the element which a search of that depth is at. */
export function elementName(depth: number): string {
  return `element_${depth}`;
}

function fieldCode(reading: Reading, path: Path, locals: Locals, block: Block): string {
  const local = locals.get(readingKey(reading));
  if (local !== undefined) return followed(local, path);
  return `eql.field(${[block.file.readingNumber(reading), ...path.map(stepLiteral)].join(", ")})`;
}

function followed(code: string, path: Path): string {
  return path.length === 0 ? code : `eql.follow(${[code, ...path.map(stepLiteral)].join(", ")})`;
}

function stepLiteral(step: string | number): string {
  return typeof step === "string" ? textLiteral(step) : String(step);
}

function constantLiteral(constant: Constant): string {
  switch (typeof constant) {
    case "string":
      return textLiteral(constant);
    case "bigint":
      return integerLiteral(constant);
    case "number":
      return Number.isFinite(constant) ? doubleLiteral(constant) : "nil";
    case "boolean":
      return String(constant);
    default:
      return "nil";
  }
}

function foldedGlob(wildcard: Wildcard): Wildcard {
  return foldWildcard(wildcard);
}

// Atoms and circuits -> questions of a file, which answer true or false.
//
//   question[3] = function()
//     local process_name = kestrel.values(0) -- process.name as keyword
//     return eql.is_folded(process_name, "cmd.exe")
//   end
//
// A question about an element of an array takes the elements of the searches around it: function(element_0, element_1).

import { needsOf } from "../../ir/atom-readings.js";
import type { Circuit } from "../../ir/circuit.js";
import { readingsOfDynamic } from "../../ir/dynamic-value.js";
import { readingsOf } from "../../ir/expression.js";
import type { Atom, AtomId, AtomOf } from "../../ir/pack-ir.js";
import { type Reading, readingKey } from "../../ir/reading.js";
import { bodyOf, createBlock, tableOf } from "./block.js";
import { describeAtom, rangeText } from "./describe-atom.js";
import { elementName, searches, truthToLua } from "./dynamic-to-lua.js";
import { expressionToLua } from "./expression-to-lua.js";
import { addQuestion, type Constants, createConstants, type LuaFile } from "./lua-file.js";
import {
  comment,
  doubleLiteral,
  indented,
  integerLiteral,
  readingComment,
  readingNames,
  textLiteral,
} from "./lua-text.js";
import { patternsConstant, setOf } from "./patterns-to-lua.js";

/** Locals that one function can name; Lua has 200. */
const MOST_NAMED = 100;
/** Operands of one `and` or `or` beyond this stand in questions of their own: Lua's compiler takes quadratic time for long ones. */
const MOST_OPERANDS = 100;
const DEEPEST = 20;

export interface Questions {
  /** The call that answers an atom, or a circuit. */
  ask(atom: AtomId): string;
  circuit(circuit: Circuit): string;
}

/** `written` is an atom as its rule has it, for comments. */
export function createQuestions(file: LuaFile, atoms: readonly Atom[], written: (atom: AtomId) => string): Questions {
  const calls = new Map<AtomId, string>();

  /** The elements of which an atom may read: those of all searches around the deepest that it names. */
  function paramsOf(depths: Iterable<number>): readonly string[] {
    const deepest = Math.max(-1, ...depths);
    return Array.from({ length: deepest + 1 }, (_, depth) => elementName(depth));
  }

  function ask(id: AtomId): string {
    const known = calls.get(id);
    if (known !== undefined) return known;
    const atom = atoms[id];
    if (atom === undefined) throw new Error(`there is no atom ${id}`);
    if (atom.kind === "lineage") return `kestrel.flag(${atom.flag})`;
    const params = paramsOf(needsOf(atom, atoms).elements);
    const constants = createConstants();
    const body = answer(atom, constants);
    // What stands inside has its questions by now, so each question follows those that it asks.
    const number = file.takeQuestion();
    addQuestion(file, number, describeAtom(atom) ?? written(id), params, constants, body);
    const call = `question[${number}](${params.join(", ")})`;
    calls.set(id, call);
    return call;
  }

  /** The code of a reading's values. */
  function values(reading: Reading): string {
    const { root, name, as } = reading;
    if (root.kind !== "element") return `kestrel.${as === "raw" ? "json" : "values"}(${file.readingNumber(reading)})`;
    return `eql.read(${elementName(root.depth)}, ${textLiteral(name)}, "${as}")`;
  }

  function answer(atom: Atom, constants: Constants): string[] {
    switch (atom.kind) {
      case "computed":
        return computed(atom, constants);
      case "dynamic":
        return dynamic(atom, constants);
      case "search":
        return search(atom);
      case "lineage":
      case "foreign":
        throw new Error(`a ${atom.kind} atom is no question`);
      default: {
        const [name = "values"] = readingNames([atom.reading]);
        const declared = `local ${name} = ${values(atom.reading)} ${comment(readingComment(atom.reading))}`;
        return [declared, ...`return ${aboutValues(atom, name, constants)}`.split("\n")];
      }
    }
  }

  function aboutValues(
    atom: Exclude<Atom, { kind: "computed" | "dynamic" | "search" | "lineage" | "foreign" }>,
    name: string,
    constants: Constants,
  ): string {
    const some = (test: string): string => `eql.some(${name}, function(value) return ${test} end)`;
    switch (atom.kind) {
      case "exists":
        return `#${name} > 0`;
      case "boolean":
        return `eql.is(${name}, ${atom.value})`;
      case "set": {
        const [only, ...more] = atom.texts;
        if (only !== undefined && more.length === 0)
          return `eql.${atom.fold ? "is_folded" : "is"}(${name}, ${textLiteral(only)})`;
        return `eql.${atom.fold ? "is_one_folded" : "is_one_of"}(${name}, ${constants.add("texts", setOf(atom.texts))})`;
      }
      case "pattern":
        return some(`eql.matches(value, ${patternsConstant({ ...atom.patterns, exact: [] }, file, constants)})`);
      case "integer": {
        const constant = integerLiteral(atom.value);
        const wanted = constant.startsWith("kestrel.") ? constants.add("integer", constant) : constant;
        return some(`value ${atom.op} ${wanted}`);
      }
      case "double":
        return some(`${asDouble(atom.reading)} ${atom.op} ${doubleLiteral(atom.value)}`);
      case "integer-set": {
        const set = constants.add("integers", `eql.integers ${tableOf(atom.values.map(integerLiteral))}`);
        return some(`eql.is_integer_of(value, ${set})`);
      }
      case "double-set": {
        const entries = atom.values.map((value) => `[${doubleLiteral(value)}] = true`);
        return some(`${constants.add("doubles", tableOf(entries))}[${asDouble(atom.reading)}] == true`);
      }
      case "in-ranges": {
        const ranges = `eql.ranges ${tableOf(atom.ranges.map((range) => textLiteral(rangeText(range))))}`;
        return some(`eql.in_ranges(value, ${constants.add("ranges", ranges)})`);
      }
    }
  }

  function computed({ expression }: AtomOf<"computed">, constants: Constants): string[] {
    const readings = readingsOf(expression);
    const isNamed = readings.length <= MOST_NAMED;
    const params = isNamed ? readingNames(readings) : ["values"];
    const names = new Map(
      readings.map(
        (reading, at) => [readingKey(reading), isNamed ? (params[at] ?? "nil") : `values[${at + 1}]`] as const,
      ),
    );
    const block = createBlock(file, constants);
    const result = expressionToLua(expression, { names, ask: (atom) => ask(atom as AtomId) }, block);
    const body = bodyOf(block, result);
    // Without fields there is one combination of nothing.
    if (readings.length === 0) return bodyOf(block, `${result} == true`);
    const lists = readings.map((reading) => `${values(reading)}, ${comment(readingComment(reading))}`);
    return [
      `return eql.${isNamed ? "combine" : "combine_all"}({`,
      ...indented(lists),
      `}, function(${params.join(", ")})`,
      ...indented(body),
      "end)",
    ];
  }

  function dynamic({ value }: AtomOf<"dynamic">, constants: Constants): string[] {
    const readings = readingsOfDynamic(value).slice(0, MOST_NAMED);
    const names = readingNames(readings);
    const locals = new Map(readings.map((reading, at) => [readingKey(reading), names[at] ?? "nil"] as const));
    const declared = readings.map(
      (reading, at) =>
        `local ${names[at]} = eql.field(${file.readingNumber(reading)}) ${comment(readingComment(reading))}`,
    );
    const block = createBlock(file, constants);
    const truth = truthToLua(value, locals, block);
    if (!searches(value)) return [...declared, ...bodyOf(block, `${truth} == true`)];
    return [...declared, "return eql.within_steps(function()", ...indented(bodyOf(block, truth)), "end)"];
  }

  function search({ reading, depth, circuit: condition }: AtomOf<"search">): string[] {
    const { root, name } = reading;
    const elements =
      root.kind === "element"
        ? `eql.elements_below(${elementName(root.depth)}, ${textLiteral(name)})`
        : `eql.elements(kestrel.json(${file.readingNumber(reading)}))`;
    const test = circuit(condition, paramsOf([depth]));
    return [
      `local elements = ${elements} ${comment(readingComment(reading))}`,
      `return eql.${depth > 0 ? "search_inside" : "search"}(elements, function(${elementName(depth)})`,
      `  return ${test}`,
      "end)",
    ];
  }

  /** `around` are the elements that stand around the circuit. */
  function circuit(node: Circuit, around: readonly string[] = [], depth = 0): string {
    switch (node.kind) {
      case "constant":
        return String(node.value);
      case "atom":
        return ask(node.atom);
      case "not":
        return `not ${bracketed(node.operand, around, depth + 1)}`;
      case "and":
      case "or": {
        if (depth >= DEEPEST) return apart(node, around);
        const { kind, operands } = node;
        if (operands.length <= MOST_OPERANDS)
          return operands.map((operand) => bracketed(operand, around, depth + 1)).join(` ${kind} `);
        const parts: string[] = [];
        for (let from = 0; from < operands.length; from += MOST_OPERANDS)
          parts.push(apart({ kind, operands: operands.slice(from, from + MOST_OPERANDS) }, around));
        return parts.join(` ${kind} `);
      }
    }
  }

  function bracketed(node: Circuit, around: readonly string[], depth: number): string {
    const code = circuit(node, around, depth);
    return node.kind === "and" || node.kind === "or" ? `(${code})` : code;
  }

  /** A part of a circuit as a question of its own. */
  function apart(node: Circuit, around: readonly string[]): string {
    const code = circuit(node, around);
    const number = file.takeQuestion();
    addQuestion(file, number, "a part of a condition", around, createConstants(), [`return ${code}`]);
    return `question[${number}](${around.join(", ")})`;
  }

  return { ask, circuit };
}

function asDouble({ as }: Reading): string {
  return as === "long" ? "eql.double(value)" : "value";
}

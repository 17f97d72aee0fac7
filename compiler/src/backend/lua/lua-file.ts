// The file of one predicate while it is written: what it reads and matches by number, its questions, and the parts that a
// question keeps from event to event.

import type { PatternList } from "../../ir/foreign.js";
import { type Reading, readingKey } from "../../ir/reading.js";
import { comment, indented } from "./lua-text.js";

export interface LuaFile {
  readonly readings: Reading[];
  readonly patterns: PatternList[];
  /** Source, question by question. */
  readonly lines: string[];
  readingNumber(reading: Reading): number;
  patternNumber(pattern: PatternList): number;
  /** The number of the next question. */
  takeQuestion(): number;
}

export function createLuaFile(): LuaFile {
  const numbers = new Map<string, number>();
  const known = new Map<string, number>();
  const readings: Reading[] = [];
  const patterns: PatternList[] = [];
  let questions = 0;
  return {
    readings,
    patterns,
    lines: [],
    readingNumber(reading) {
      const key = readingKey(reading);
      const number = numbers.get(key) ?? readings.push(reading) - 1;
      numbers.set(key, number);
      return number;
    },
    patternNumber(pattern) {
      const key = JSON.stringify(pattern);
      const number = known.get(key) ?? patterns.push(pattern) - 1;
      known.set(key, number);
      return number;
    },
    takeQuestion: () => ++questions,
  };
}

/** Lua has at most 200 locals in a function; beyond these, constants stand in a table. */
const MOST_LOCALS = 100;

/** What a question keeps from event to event: sets of texts, ranges, patterns. */
export interface Constants {
  /** Lines of the declarations. */
  readonly lines: string[];
  /** Declares the value, and returns what to call it. */
  add(noun: string, value: string): string;
}

export function createConstants(): Constants {
  const lines: string[] = [];
  const names = new Map<string, string>();
  let count = 0;
  return {
    lines,
    add(noun, value) {
      const known = names.get(value);
      if (known !== undefined) return known;
      count++;
      if (count === MOST_LOCALS + 1) lines.push("local more = {}");
      const name = count > MOST_LOCALS ? `more[${count - MOST_LOCALS}]` : count === 1 ? noun : `${noun}_${count}`;
      names.set(value, name);
      lines.push(...`${count > MOST_LOCALS ? "" : "local "}${name} = ${value}`.split("\n"));
      return name;
    },
  };
}

/** Adds a question: a function whose body is given, below a comment that says it in words. */
export function addQuestion(
  file: LuaFile,
  number: number,
  says: string,
  params: readonly string[],
  constants: Constants,
  body: readonly string[],
): void {
  const code = [`question[${number}] = function(${params.join(", ")})`, ...indented(body), "end"];
  const { lines } = constants;
  file.lines.push(
    "",
    comment(`${number}: ${says}`),
    ...(lines.length === 0 ? code : ["do", ...indented([...lines, ...code]), "end"]),
  );
}

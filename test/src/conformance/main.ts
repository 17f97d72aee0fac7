// `npm run conformance -- DIR`: every case of every suite of a corpus, on the reference interpreter, on the compiler and on its Lua.
// Prints each failure and, last, how many cases passed and failed. Ends with code 1 when a case failed that is not held to
// be wrong, when one that is held to be wrong passes, or when too many are; with code 2 when it was called wrongly.

import { type Backend, messageOf } from "./backend.js";
import { KNOWN_WRONG, KNOWN_WRONG_LIMIT } from "./known-wrong.js";
import { referenceBackend } from "./reference.js";
import { type Outcome, runConformance } from "./run.js";
import { createWasmBackend } from "./wasm.js";

const BACKENDS: readonly Backend[] = [referenceBackend, createWasmBackend(true), createWasmBackend(false, "lua")];
const USAGE = "usage: npm run conformance -- DIR [--only SUITE|NAME|SUITE/NAME] [--backend reference|wasm|lua]";

interface Arguments {
  readonly directory: string;
  readonly only: string | null;
  readonly backends: readonly Backend[];
}

async function main(words: readonly string[]): Promise<number> {
  const given = readArguments(words);
  if (given === null) {
    console.error(USAGE);
    return 2;
  }
  let outcomes: readonly Outcome[];
  try {
    outcomes = await runConformance(given.directory, {
      backends: given.backends,
      ...(given.only === null ? {} : { only: given.only }),
      onOutcome: print,
    });
  } catch (error) {
    console.error(messageOf(error));
    return 2;
  }
  return summarise(outcomes, given.only === null);
}

function readArguments(words: readonly string[]): Arguments | null {
  let directory: string | null = null;
  let only: string | null = null;
  let backends = BACKENDS;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === "--only" || word === "--backend") {
      const value = words[++i];
      if (value === undefined) return null;
      if (word === "--only") only = value;
      else backends = BACKENDS.filter(({ name }) => name === value);
    } else if (directory === null && !word.startsWith("-")) directory = word;
    else return null;
  }
  return directory === null || backends.length === 0 ? null : { directory, only, backends };
}

function print({ case: { suite, name, check }, backend, verdict, failure }: Outcome): void {
  if (verdict === "failed" || verdict === "held wrong") {
    const proof = KNOWN_WRONG.find((entry) => entry.suite === suite && entry.name === name)?.proof;
    console.log(`${proof === undefined ? "FAIL" : "held wrong"} ${suite} ${name} [${backend}]`);
    if (proof !== undefined) console.log(`    because   ${proof}`);
    console.log(`    query     ${(check?.text ?? "").trim().replace(/\n/g, "\n              ")}`);
    console.log(`    expected  ${failure?.expected ?? ""}`);
    console.log(`    got       ${failure?.got ?? ""}`);
  } else if (verdict === "listed, passes") {
    console.log(`FAIL ${suite} ${name} [${backend}] passes, and so must not stand in the list of wrong cases`);
  }
}

function summarise(outcomes: readonly Outcome[], whole: boolean): number {
  const count = (...verdicts: readonly Outcome["verdict"][]): number =>
    outcomes.filter(({ verdict }) => verdicts.includes(verdict)).length;
  const cases = new Set(outcomes.map((outcome) => outcome.case));
  const held = new Set(outcomes.filter(({ verdict }) => verdict === "held wrong").map((outcome) => outcome.case));
  const tooMany = whole && held.size > cases.size * KNOWN_WRONG_LIMIT;
  if (tooMany) console.log(`FAIL ${held.size} of ${cases.size} cases are held to be wrong, which is too many`);
  console.log(`${cases.size} cases: ${held.size} held to be wrong; ${count("skipped")} runs skipped`);
  const passed = count("passed");
  const failed = count("failed", "listed, passes");
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 || passed === 0 || tooMany ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));

// Text cases for the sequence engine: test/cases/sequence/*.txt -> programs, events and the completions they must give.
//
//   # a comment
//   == the name of a case
//   sequence maxspan=10 A !B C*2 until U      one line a program, in index order; a letter is a predicate, `!` a missing
//   sample A B                                event, `*2` a run; times are milliseconds, with a fraction if need be
//   join A B until-first U                    `until-first` is until that acts before the stages
//   sequence A B/fork C~P0 !D~Q               a term that forks; one with the late test P, which reads the event of stage 0
//   late P 3:1 5                              the script of a late test: it holds for event 3 when the stages that it reads
//                                             have event 1 (several with a comma, `-` for one that is not there), and for
//                                             event 5 whatever it reads
//   options maxPerProgram=2                   optional: maxPerProgram, maxTotal, sampleWindow (milliseconds), order=arrival
//   events A@1 A.x,y+B.z@2.5 C.-@3/7 ^20      predicates that hold, each with its keys after a dot (none: the empty key;
//                                             `-`: a null key), `+` between them, the time after `@`, the tiebreaker after
//                                             `/`. `^20` advances time, `!end` finishes the stream. May be repeated
//   > 1 2                                     a completion: arrival numbers from 1, `-` for a missing event
//   > #1 x: 1 - 2                             with its program, when there are several, and its key, when it has one
//   counters evicted=1                        optional: counters at the end

import type { StageMatch, StreamEvent } from "@kestrel/runtime/event/stream-event";
import type { AskLate } from "@kestrel/runtime/sequence/state";
import type { LateTest, SequenceProgram, SequenceStage } from "@kestrel/stdlib/sequence-tables";

export type Step =
  | { readonly kind: "event"; readonly event: StreamEvent; readonly matches: readonly StageMatch[] }
  | { readonly kind: "advance"; readonly ts: bigint }
  | { readonly kind: "finish" };

export interface SequenceCase {
  readonly name: string;
  readonly programs: SequenceProgram[];
  readonly options: { maxPerProgram?: number; maxTotal?: number; sampleWindowNs?: bigint; order?: "time" | "arrival" };
  /** For each late test the events that it holds for, as they are written. */
  readonly lates: Map<number, Set<string>>;
  readonly steps: Step[];
  readonly expected: string[];
  readonly counters: Map<string, number>;
}

/** Reads a whole file of cases. Throws Error with the line number for a line it does not understand. */
export function parseCases(text: string): SequenceCase[] {
  const cases: SequenceCase[] = [];
  let ordinal = 0;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const words = line.split(/\s+/);
    const head = words.shift() ?? "";
    if (head === "==") {
      ordinal = 0;
      cases.push({
        name: words.join(" "),
        programs: [],
        options: {},
        lates: new Map(),
        steps: [],
        expected: [],
        counters: new Map(),
      });
      continue;
    }
    const current = cases.at(-1);
    if (current === undefined) throw new Error(`line ${index + 1}: no case has begun`);
    if (head === "sequence" || head === "sample" || head === "join") {
      current.programs.push(parseProgram(head, words, current.programs.length));
    } else if (head === "options") {
      for (const word of words) {
        const [name, value = ""] = word.split("=");
        if (name === "maxPerProgram" || name === "maxTotal") current.options[name] = Number(value);
        else if (name === "order" && value === "arrival") current.options.order = value;
        else if (name === "sampleWindow") current.options.sampleWindowNs = parseMillis(value);
        else throw new Error(`line ${index + 1}: no option ${name}`);
      }
    } else if (head === "events") {
      for (const word of words) {
        const step = parseStep(word, ordinal);
        if (step.kind === "event") ordinal++;
        current.steps.push(step);
      }
    } else if (head === "late") {
      const [letter = "", ...held] = words;
      current.lates.set(lateOf(letter), new Set(held));
    } else if (head === ">") {
      current.expected.push(words.join(" "));
    } else if (head === "counters") {
      for (const word of words) {
        const [name = "", value = ""] = word.split("=");
        current.counters.set(name, Number(value));
      }
    } else {
      throw new Error(`line ${index + 1}: \`${head}\` begins no line`);
    }
  }
  return cases;
}

/** The late tests of a case. Throws Error for one that has no script. */
export function scriptedTests({ lates }: Pick<SequenceCase, "lates">): AskLate {
  return ({ predicate }, event, others) => {
    const held = lates.get(predicate);
    if (held === undefined) throw new Error("a late test without a script");
    const read = others.map((other) => other?.ordinal ?? "-");
    return held.has(String(event.ordinal)) || held.has(`${event.ordinal}:${read.join()}`);
  };
}

/** A completion as a `>` line has it. */
export function showCompletion(
  programs: number,
  program: number,
  key: string,
  events: readonly (StreamEvent | null)[],
): string {
  const slots = events.map((event) => (event === null ? "-" : String(event.ordinal)));
  return [...(programs > 1 ? [`#${program}`] : []), ...(key === "" ? [] : [`${key}:`]), ...slots].join(" ");
}

/** Milliseconds, perhaps with a fraction, to nanoseconds. */
export function parseMillis(text: string): bigint {
  const [, sign = "", whole = "", fraction = ""] = /^(-?)(\d+)(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  if (whole === "") throw new Error(`\`${text}\` is not a time in milliseconds`);
  const magnitude = BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, "0"));
  return sign === "-" ? -magnitude : magnitude;
}

function parseProgram(kind: "sequence" | "sample" | "join", words: readonly string[], rule: number): SequenceProgram {
  const stages: SequenceStage[] = [];
  let maxspanNs: bigint | null = null;
  let until: SequenceProgram["until"] = null;
  let untilFirst = false;
  for (const [index, word] of words.entries()) {
    const term = /^(!?)([A-Z])(\/fork)?(?:\*(\d+))?(~[A-Z]\d*)?$/.exec(word);
    const isClosing = /^until(-first)?$/.test(words[index - 1] ?? "");
    if (word.startsWith("maxspan=")) maxspanNs = parseMillis(word.slice(8));
    else if (word === "until") continue;
    else if (word === "until-first") untilFirst = true;
    else if (term === null) throw new Error(`\`${word}\` is no term`);
    else {
      const late = parseLate(term[5]);
      const predicate = predicateOf(term[2] ?? "");
      const stage = { predicate, missing: term[1] === "!", fork: term[3] !== undefined, late };
      if (isClosing) until = { predicate, late };
      else for (let run = 0; run < Number(term[4] ?? 1); run++) stages.push(stage);
    }
  }
  return { rule, kind, maxspanNs, stages, until, untilFirst, pipes: [] };
}

function parseLate(text: string | undefined): LateTest | null {
  if (text === undefined) return null;
  return { predicate: lateOf(text[1] ?? ""), stages: [...text.slice(2)].map(Number) };
}

/** Late tests have letters of their own. */
function lateOf(letter: string): number {
  return predicateOf(letter) + 26;
}

function parseStep(word: string, before: number): Step {
  if (word === "!end") return { kind: "finish" };
  if (word.startsWith("^")) return { kind: "advance", ts: parseMillis(word.slice(1)) };
  const [what = "", when = ""] = word.split("@");
  const [ts = "", tie] = when.split("/");
  const matches = what.split("+").map((part): StageMatch => {
    const [letter = "", keys] = part.split(".");
    const list = keys === undefined ? [""] : keys === "-" ? [] : keys.split(",");
    return { predicate: predicateOf(letter), keys: list };
  });
  const event = {
    ordinal: before + 1,
    ts: parseMillis(ts),
    tie: tie === undefined ? null : BigInt(tie),
  };
  return { kind: "event", event, matches };
}

function predicateOf(letter: string): number {
  if (!/^[A-Z]$/.test(letter)) throw new Error(`\`${letter}\` is not a letter from A to Z`);
  return letter.charCodeAt(0) - 65;
}

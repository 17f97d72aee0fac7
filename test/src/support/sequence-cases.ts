// Text cases for the sequence engine: test/cases/sequence/*.txt -> programs, events and the completions they must give.
//
//   programs: sequence maxspan=10 A !B C*2 until U
//                                         one line a program, in index order; a letter is a predicate, `!` a missing event,
//                                         `*2` a run; times are milliseconds, with a fraction if need be
//   programs: sample A B
//   programs: join A B until-first U      `until-first` is until that acts before the stages
//   programs: sequence A B/fork C~P0 !D~Q a term that forks; one with the late test P, which reads the event of stage 0
//   late: P 3:1 5                         the script of a late test, a line each: it holds for event 3 when the stages that
//                                         it reads have event 1 (several with a comma, `-` for one that is not there), and
//                                         for event 5 whatever it reads
//   options: maxPerProgram=2              optional: maxPerProgram, maxTotal, sampleWindow (milliseconds), order=arrival
//   events: A@1 A.x,y+B.z@2.5 C.-@3/7 ^20 predicates that hold, each with its keys after a dot (none: the empty key; `-`: a
//                                         null key), `+` between them, the time after `@`, the tiebreaker after `/`. `^20`
//                                         advances time, `!end` finishes the stream
//   gives: 1 2                            a completion a line: arrival numbers from 1, `-` for a missing event
//   gives: #1 x: 1 - 2                    with its program, when there are several, and its key, when it has one
//   gives: nothing
//   counters: evicted=1                   optional: counters at the end

import type { StageMatch, StreamEvent } from "@kestrel/runtime/event/stream-event";
import type { AskLate } from "@kestrel/runtime/sequence/state";
import type { LateTest, SequenceProgram, SequenceStage } from "@kestrel/stdlib/sequence-tables";
import { type CaseKind, linesOf, optionalSection, type Section, sectionOf, type TextCase } from "./text-cases.js";

export const SEQUENCE: CaseKind = {
  inputs: ["programs", "late", "options", "events"],
  expectations: ["gives", "counters"],
};

export type Step =
  | { readonly kind: "event"; readonly event: StreamEvent; readonly matches: readonly StageMatch[] }
  | { readonly kind: "advance"; readonly ts: bigint }
  | { readonly kind: "finish" };

export interface SequenceCase {
  readonly programs: readonly SequenceProgram[];
  readonly options: { maxPerProgram?: number; maxTotal?: number; sampleWindowNs?: bigint; order?: "time" | "arrival" };
  /** For each late test the events that it holds for, as they are written. */
  readonly lates: ReadonlyMap<number, ReadonlySet<string>>;
  readonly steps: readonly Step[];
  readonly gives: Section;
  readonly counters: Section | null;
}

/** Throws Error for a line it does not understand. */
export function sequenceCase({ sections }: TextCase): SequenceCase {
  const lines = (name: string): readonly string[] => {
    const section = optionalSection(sections, name);
    return section === null ? [] : linesOf(section);
  };
  const options: SequenceCase["options"] = {};
  for (const word of lines("options").flatMap((line) => line.split(" "))) {
    const [name, value = ""] = word.split("=");
    if (name === "maxPerProgram" || name === "maxTotal") options[name] = Number(value);
    else if (name === "order" && value === "arrival") options.order = value;
    else if (name === "sampleWindow") options.sampleWindowNs = parseMillis(value);
    else throw new Error(`no option ${name}`);
  }
  let ordinal = 0;
  const steps = lines("events").flatMap((line) =>
    line.split(" ").map((word) => {
      const step = parseStep(word, ordinal);
      if (step.kind === "event") ordinal++;
      return step;
    }),
  );
  return {
    programs: lines("programs").map((line, index) => parseProgram(line, index)),
    options,
    lates: new Map(
      lines("late").map((line) => {
        const [letter = "", ...held] = line.split(" ");
        return [lateOf(letter), new Set(held)];
      }),
    ),
    steps,
    gives: sectionOf(sections, "gives"),
    counters: optionalSection(sections, "counters"),
  };
}

/** The counters that a section names, as it writes them. */
export function showCounters({ text }: Section, counters: Readonly<Record<string, number>>): string {
  return text
    .split(" ")
    .map((word) => {
      const name = word.split("=")[0] ?? "";
      return `${name}=${counters[name]}`;
    })
    .join(" ");
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

function parseProgram(line: string, rule: number): SequenceProgram {
  const [kind, ...words] = line.split(" ");
  if (kind !== "sequence" && kind !== "sample" && kind !== "join") throw new Error(`\`${line}\` is no program`);
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

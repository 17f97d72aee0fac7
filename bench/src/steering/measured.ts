// compiler/src/passes/measured-shares.ts: what recorded events hold of that which rules ask for. Each set of recordings counts the
// same, however many events it has, since nobody knows what events a pack will see.
//   fields    events in which a field has a value
//   texts     events that hold a text that rules ask of a field, where they are many
//   grams     values of the fields that rules match patterns with that contain these four bytes, case folded

import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { analyseRules, DEFAULT_OPTIONS, planRules } from "@kestrel/compiler/compile";
import { askedOf } from "@kestrel/compiler/passes/asked-conditions";
import { type Asked, createEventCounter } from "@kestrel/compiler/profile/count-events";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";
import { type Input, linesOf, type RulePath } from "../corpus.js";

const OUTPUT = fileURLToPath(new URL("../../../compiler/src/passes/measured-shares.ts", import.meta.url));

/** So many events of each set, in even steps. */
const MOST_EVENTS = 20_000;
/** What fewer of a thousand events or values hold is not named. */
const LEAST_FIELD = 0.5;
const LEAST_TEXT = 3;
/** Longer ones are paths and command lines of one machine. */
const LONGEST_TEXT = 32;
/** The figures of grams are rounded down to these. */
const LEVELS = [500, 300, 200, 120, 80, 50, 30, 20, 12, 8, 6, 4];

interface Counts {
  readonly fields: Map<string, number>;
  /** By field and folded text. */
  readonly texts: Map<string, number>;
  readonly grams: Map<string, number>;
}

/** Measures, and writes the file. `sets` are recordings that belong together. */
export function writeMeasuredShares(rules: readonly RulePath[], sets: readonly (readonly Input[])[]): void {
  const asked = askedOfAll(rules);
  const counts = sets.map((inputs) => countSet(inputs, asked));
  const mean = (of: (one: Counts) => Map<string, number>): [string, number][] => {
    const sum = new Map<string, number>();
    for (const one of counts) {
      for (const [key, share] of of(one)) sum.set(key, (sum.get(key) ?? 0) + share / counts.length);
    }
    return [...sum].sort(([a], [b]) => (a < b ? -1 : 1));
  };
  writeFileSync(
    OUTPUT,
    fileText({
      fields: mean(({ fields }) => fields),
      texts: mean(({ texts }) => texts),
      grams: mean(({ grams }) => grams),
    }),
  );
}

/** What the rules ask for, each path planned by itself; of grams any, since other rules will have other literals. */
function askedOfAll(rules: readonly RulePath[]): Asked {
  const each = rules.map(({ path }) => {
    const options = { ...DEFAULT_OPTIONS, unknownFields: "warn" as const };
    return askedOf(planRules(analyseRules(collectRules([path]).rules, options).rules, options));
  });
  const texts = new Map<string, Set<string>>();
  for (const asked of each) {
    for (const [name, known] of asked.texts) texts.set(name, new Set([...(texts.get(name) ?? []), ...known]));
  }
  return {
    fields: new Set(each.flatMap(({ fields }) => [...fields])),
    texts,
    patterns: new Set(each.flatMap(({ patterns }) => [...patterns])),
    grams: null,
  };
}

function countSet(inputs: readonly Input[], asked: Asked): Counts {
  const step = Math.max(1, Math.floor(inputs.reduce((sum, { events }) => sum + events, 0) / MOST_EVENTS));
  const counter = createEventCounter(asked);
  let seen = 0;
  for (const { chunks } of inputs) {
    for (const chunk of chunks) {
      for (const line of linesOf([chunk])) if (seen++ % step === 0) counter.add(line);
    }
  }
  const { events, values, fields, texts, grams } = counter.profile();
  const perThousand = (counts: Iterable<readonly [string, number]>, of: number): Map<string, number> =>
    new Map([...counts].map(([key, count]) => [key, (count * 1000) / of]));
  const short = [...texts].flatMap(([name, known]) =>
    [...known]
      .filter(([text]) => text.length <= LONGEST_TEXT)
      .map(([text, count]) => [`${name} ${text}`, count] as const),
  );
  return { fields: perThousand(fields, events), texts: perThousand(short, events), grams: perThousand(grams, values) };
}

type Figures = readonly (readonly [key: string, share: number])[];

function fileText({ fields, texts, grams }: Readonly<Record<"fields" | "texts" | "grams", Figures>>): string {
  const rounded = (share: number): number => Math.round(share < 10 ? share * 10 : share * 1) / (share < 10 ? 10 : 1);
  const named = (figures: Figures, least: number): string =>
    figures.flatMap(([key, share]) => (share >= least ? [`${rounded(share)} ${key}`] : [])).join("\n");
  const levels = LEVELS.map((level, index) => {
    const above = LEVELS[index - 1] ?? Number.POSITIVE_INFINITY;
    const held = grams.filter(([, share]) => share >= level && share < above).map(([gram]) => gram);
    return held.length > 0 ? `${level} ${held.join("")}` : "";
  }).filter((line) => line !== "");
  return `// Written by \`npm run bench -- --only steering --update\`: see bench/src/steering/measured.ts. Figures are of a thousand, and each set of
// recordings counts the same.

/** Lines of a share and a field: events in which it has a value. */
export const FIELD_SHARES = ${literal(named(fields, LEAST_FIELD))};

/** Lines of a share, a field and a folded text: events that hold it. */
export const TEXT_SHARES = ${literal(named(texts, LEAST_TEXT))};

/** Lines of a share and of grams, four characters each: folded values that contain it, of the fields that rules match patterns with. */
export const GRAM_SHARES = ${literal(levels.join("\n"))};
`;
}

function literal(text: string): string {
  return `String.raw\`\n${text.replaceAll("`", "").replaceAll("${", "")}\n\``;
}

// Lines of recorded events -> a profile: how many hold what rules ask for. The built-in figures are counted with it too
// (bench/src/steering/measured.ts).
//
// INVARIANT: the counts are sums over the events, so neither their order nor how they stand in files changes one; and nothing of the events
// stands in a profile but what the rules name.
// What a line holds is taken for what the decoder of a package takes it for where that is simple: names nested or dotted, through arrays, every
// value as text. Where it is not, a figure is a little off, and nothing depends on that but time.

import { GRAM_BYTES } from "@kestrel/stdlib/abi";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { Profile } from "./profile.js";

/** What rules ask for. */
export interface Asked {
  readonly fields: ReadonlySet<string>;
  /** Folded, by field. */
  readonly texts: ReadonlyMap<string, ReadonlySet<string>>;
  /** Fields that patterns are matched with. */
  readonly patterns: ReadonlySet<string>;
  /** Grams of the literals of such patterns; null for any. */
  readonly grams: ReadonlySet<string> | null;
}

export interface EventCounter {
  /** Counts the event of a line; false where the line is none. */
  add(line: string): boolean;
  /** What was counted so far; what was asked and not found has a count of 0. */
  profile(): Profile;
}

/** Deeper lists and tables are no event: what walks an event calls itself once for each. */
const MOST_DEPTH = 500;
/** Of so many values it is remembered what they contain: most come again, and to cut a value into grams takes longer than to read it. */
const MOST_REMEMBERED = 10_000;
/** Longer ones are not remembered: ten thousand of them would be gigabytes. */
const LONGEST_REMEMBERED = 1_000;

export function createEventCounter(asked: Asked): EventCounter {
  const zeros = (names: Iterable<string>): Map<string, number> => new Map([...names].map((name) => [name, 0]));
  const fields = zeros(asked.fields);
  const texts = new Map([...asked.texts].map(([name, known]) => [name, zeros(known)]));
  const grams = zeros(asked.grams ?? []);
  const remembered = new Map<string, readonly string[]>();
  const gramsIn = (text: string): readonly string[] => {
    const known = remembered.get(text);
    if (known !== undefined) return known;
    const found = gramsOf(text, asked.grams);
    if (text.length > LONGEST_REMEMBERED) return found;
    if (remembered.size === MOST_REMEMBERED) remembered.clear();
    remembered.set(text, found);
    return found;
  };
  let events = 0;
  let values = 0;
  const countTexts = (name: string, found: ReadonlySet<string>): void => {
    const known = texts.get(name);
    for (const text of found) {
      const count = known?.get(text);
      if (count !== undefined) known?.set(text, count + 1);
    }
    if (!asked.patterns.has(name)) return;
    values += found.size;
    for (const text of found) for (const gram of gramsIn(text)) grams.set(gram, (grams.get(gram) ?? 0) + 1);
  };
  return {
    add(line) {
      const event = parse(line);
      if (typeof event !== "object" || event === null || Array.isArray(event)) return false;
      const held = new Map<string, Set<string>>();
      if (!collect(event, "", asked.fields, held, MOST_DEPTH)) return false;
      events += 1;
      for (const [name, found] of held) {
        fields.set(name, (fields.get(name) ?? 0) + 1);
        countTexts(name, found);
      }
      return true;
    },
    profile: () => ({ events, fields, texts, values, grams }),
  };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** The folded texts of the asked fields by name, and of asked objects that there is something below them; false where the value is too deep. */
function collect(
  value: unknown,
  name: string,
  asked: ReadonlySet<string>,
  into: Map<string, Set<string>>,
  depth: number,
): boolean {
  if (typeof value !== "object" || value === null) {
    if (value !== null) take(String(value), name, asked, into);
    return true;
  }
  if (depth === 0) return false;
  if (Array.isArray(value)) return value.every((element) => collect(element, name, asked, into, depth - 1));
  for (const [key, inner] of Object.entries(value)) {
    if (!collect(inner, name === "" ? key : `${name}.${key}`, asked, into, depth - 1)) return false;
  }
  return true;
}

function take(text: string, name: string, asked: ReadonlySet<string>, into: Map<string, Set<string>>): void {
  const textsOf = (of: string): Set<string> => {
    const texts = into.get(of) ?? new Set<string>();
    into.set(of, texts);
    return texts;
  };
  if (asked.has(name)) textsOf(name).add(foldString(text));
  for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
    const above = name.slice(0, dot);
    if (asked.has(above)) textsOf(above);
  }
}

/** The runs of so many characters of ASCII, each once; of those that are `asked` where that is not null. */
export function gramsOf(text: string, asked: ReadonlySet<string> | null): readonly string[] {
  const grams = new Set<string>();
  for (let at = 0; at + GRAM_BYTES <= text.length; at++) {
    const gram = text.slice(at, at + GRAM_BYTES);
    if (asked === null ? ASCII.test(gram) : asked.has(gram)) grams.add(gram);
  }
  return [...grams];
}

const ASCII = /^[ -~]*$/;

// Entries of the functions of texts. In the elastic dialect positions and lengths count UTF-16 units, in endgame code points.

import { foldString } from "@kestrel/stdlib/text/case-folding";
import { type ElasticForm, type FunctionEntry, type KnownArgument, type Literal, textOf } from "./entry.js";
import { showLiteral } from "./number-text.js";

/** As many values as one `concat` may join: each is written into the next, and the optimiser's stack has an end. */
export const MOST_JOINED = 256;

/** A question about two texts. */
const TEXT_TEST = {
  required: ["string", "string"],
  foldable: true,
  strict: "all",
  becomes: "call",
  result: "boolean",
} as const;

export const TEXTS = {
  between: {
    says: "What stands between the first `left` and the first `right` behind it, or the last when `greedy` is true.",
    anchor: "between",
    elastic: {
      required: ["string", "string", "string"],
      optional: ["boolean"],
      foldable: true,
      strict: "all",
      becomes: "call",
      result: "string",
      evaluate: between,
    },
    endgame: {
      required: ["string", "string", "string"],
      optional: ["boolean"],
      // A null `greedy` counts as false.
      strict: 3,
      becomes: "call",
      result: "string",
    },
  },
  cidrMatch: {
    says: "Whether the address lies in one of the ranges, which are constants.",
    anchor: "cidrmatch",
    elastic: { required: ["string", "string"], rest: "string", strict: 1, becomes: "own", result: "boolean" },
    // False, not null, for what is no address.
    endgame: { required: ["string", "literal"], rest: "literal", strict: 0, becomes: "own", result: "boolean" },
  },
  concat: {
    says: "The texts of the values, one behind the other.",
    anchor: "concat",
    elastic: {
      required: ["any"],
      rest: "any",
      strict: "all",
      becomes: "call",
      result: "string",
      evaluate: (args) => args.map(showLiteral).join(""),
    },
    endgame: { required: ["primitive"], rest: "primitive", strict: "all", becomes: "call", result: "string" },
  },
  endsWith: {
    says: "Whether the text ends with another; every text ends with the empty one.",
    anchor: "endswith-startswith-stringcontains",
    elastic: {
      ...TEXT_TEST,
      evaluate: onTwoTexts((text, part) => text.endsWith(part)),
    },
    endgame: { required: ["string", "string"], strict: "all", becomes: "call", result: "boolean" },
  },
  fold: {
    says: "The text with its case folded: it stands on both sides of a comparison that ignores case.",
    anchor: null,
    elastic: {
      required: ["string"],
      strict: "all",
      becomes: "call",
      result: "string",
      evaluate: ([text]) => textOf(text, foldString),
    },
  },
  indexOf: {
    says: "The first position of `part`, from 0, at `start` or behind it; null when there is none.",
    anchor: "indexof",
    elastic: {
      required: ["string", "string"],
      optional: ["whole"],
      foldable: true,
      // A null start is the beginning.
      strict: 2,
      becomes: "call",
      result: "long",
      evaluate: indexOf,
      least: 0,
    },
    endgame: { required: ["string", "string"], optional: ["number"], strict: 2, becomes: "call", result: "number" },
  },
  length: {
    says: "The length of the text; in endgame also of arrays and objects.",
    anchor: "length",
    elastic: {
      required: ["string"],
      strict: "all",
      becomes: "call",
      result: "long",
      evaluate: ([text]) => BigInt(textOf(text).length),
      least: 0,
    },
    endgame: { required: ["countable"], strict: "all", becomes: "call", result: "number" },
  },
  match: {
    says: "Whether the text begins with a match of one of the regular expressions.",
    anchor: "functions-of-endgame",
    endgame: {
      required: ["string", "literal"],
      rest: "literal",
      patternFirst: true,
      strict: 1,
      becomes: "own",
      result: "boolean",
    },
    instead: "Write `value regex~ pattern`, where the pattern has to match the whole value.",
  },
  matchLite: {
    says: "The same as `match`.",
    anchor: "functions-of-endgame",
    endgame: {
      required: ["string", "literal"],
      rest: "literal",
      patternFirst: true,
      strict: 1,
      becomes: "own",
      result: "boolean",
    },
    instead: "Write `value regex~ pattern`, where the pattern has to match the whole value.",
  },
  safe: {
    says: "The value itself.",
    anchor: "functions-of-endgame",
    endgame: { required: ["any"], strict: "all", becomes: "own", result: "unknown" },
    instead: "Nothing fails in the elastic dialect: write the value alone.",
  },
  startsWith: {
    says: "Whether the text starts with another; every text starts with the empty one.",
    anchor: "endswith-startswith-stringcontains",
    elastic: {
      ...TEXT_TEST,
      evaluate: onTwoTexts((text, part) => text.startsWith(part)),
    },
    endgame: { required: ["string", "string"], strict: "all", becomes: "call", result: "boolean" },
  },
  string: {
    says: "The value as text.",
    anchor: "string",
    elastic: {
      required: ["any"],
      strict: "all",
      becomes: "call",
      result: "string",
      evaluate: ([value]) => (value === undefined ? null : showLiteral(value)),
    },
    endgame: { required: ["primitive"], strict: "all", becomes: "call", result: "string" },
  },
  stringContains: {
    says: "Whether the text holds another; in the elastic dialect it never holds the empty one.",
    anchor: "endswith-startswith-stringcontains",
    elastic: {
      ...TEXT_TEST,
      evaluate: onTwoTexts((text, part) => part !== "" && text.includes(part)),
      never: ([, part]) => (part?.literal === "" ? "in the elastic dialect no text contains the empty one" : null),
    },
    // False, not null, for what is no text.
    endgame: { required: ["string", "string"], strict: 0, becomes: "call", result: "boolean" },
  },
  substring: {
    says: "The text from `start` to before `end`, or to its own end; a negative position counts from the end.",
    anchor: "substring",
    elastic: {
      required: ["string", "whole"],
      optional: ["whole"],
      // Without a start the text stays whole, without an end it is cut at the start only.
      strict: 1,
      becomes: "call",
      result: "string",
      evaluate: substring,
      longest: longestSubstring,
    },
    endgame: { required: ["string", "number"], optional: ["number"], strict: 1, becomes: "call", result: "string" },
  },
  wildcard: {
    says: "Whether the whole text matches one of the patterns, which are constants.",
    anchor: "wildcard",
    elastic: {
      required: ["string", "string"],
      rest: "string",
      foldable: true,
      strict: 1,
      becomes: "own",
      result: "boolean",
    },
    endgame: { required: ["string", "literal"], rest: "literal", strict: 1, becomes: "own", result: "boolean" },
  },
} as const satisfies Readonly<Record<string, FunctionEntry>>;

function onTwoTexts(test: (text: string, part: string) => boolean): NonNullable<ElasticForm["evaluate"]> {
  return ([text, part], fold) =>
    fold ? test(textOf(text, foldString), textOf(part, foldString)) : test(textOf(text), textOf(part));
}

/** Folding keeps the number of UTF-16 units, so places in folded texts are places in the texts. */
function between([text, left, right, greedy]: readonly Literal[], fold: boolean): string {
  const folding = fold ? foldString : undefined;
  const [whole, before, behind] = [textOf(text, folding), textOf(left, folding), textOf(right, folding)];
  if (whole === "" || before === "" || behind === "") return textOf(text);
  const found = whole.indexOf(before);
  if (found < 0) return "";
  const start = found + before.length;
  const end = greedy === true ? whole.lastIndexOf(behind) : whole.indexOf(behind, start);
  return end < start ? "" : textOf(text).slice(start, end);
}

function indexOf([text, part, start = 0n]: readonly Literal[], fold: boolean): bigint | null {
  const folding = fold ? foldString : undefined;
  const whole = textOf(text, folding);
  if (Number(start) > whole.length) return null;
  const found = whole.indexOf(textOf(part, folding), Number(start));
  return found < 0 ? null : BigInt(found);
}

/** Half a surrogate pair at either end becomes U+FFFD, as in input. */
function substring([text, start, end]: readonly Literal[]): string {
  const whole = textOf(text);
  return whole.slice(Number(start), end === undefined ? undefined : Number(end)).replace(/\p{Surrogate}/gu, "\ufffd");
}

function longestSubstring([subject, start, end]: readonly KnownArgument[]): number | undefined {
  const whole = subject?.longest;
  const from = typeof start?.literal === "bigint" ? Number(start.literal) : undefined;
  const to = typeof end?.literal === "bigint" ? Number(end.literal) : undefined;
  let cut: number | undefined;
  if (from !== undefined && from < 0 && end === undefined) cut = -from;
  // A negative end counts from the end of a text whose length is not known.
  else if (from !== undefined && to !== undefined && from >= 0 === to >= 0) cut = Math.max(0, to - from);
  if (cut === undefined || whole === undefined) return cut ?? whole;
  return Math.min(cut, whole);
}

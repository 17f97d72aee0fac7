// How many of a thousand events are expected to meet a condition. What counts is how the figures compare: of several ways to post a
// predicate the one that fewest events meet is taken. Most are measured: bench `steering`, table "shares". Where a user has counted events
// of his own, what they say stands in front of that.

import { GRAM_BYTES } from "@kestrel/stdlib/abi";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { Condition } from "../ir/pack-ir.js";
import type { Profile } from "../profile/profile.js";
import { FIELD_SHARES, GRAM_SHARES, TEXT_SHARES } from "./measured-shares.js";

/** Shares are of a thousand events. */
export const EVERY = 1000;

const FIELDS = new Map(linesOf(FIELD_SHARES).map(([share, field]) => [field, share]));
const TEXTS = new Map(linesOf(TEXT_SHARES).map(([share, text]) => [text, share]));
const GRAMS = new Map(
  linesOf(GRAM_SHARES).flatMap(([share, grams]) => gramsOf(grams, GRAM_BYTES).map((gram) => [gram, share])),
);

function linesOf(text: string): (readonly [share: number, rest: string])[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const space = line.indexOf(" ");
      return [Number(line.slice(0, space)), line.slice(space + 1)] as const;
    });
}

/** A field that no recording has may be full of values elsewhere. */
const UNKNOWN_FIELD = 20;
/** A text that is not named: the recordings say that few of their events hold it. */
const OTHER_TEXT = 2;
/** The same of four bytes; the more of them a text has, the fewer values hold it. */
const OTHER_GRAM = 3;
const LONGER = 0.9;

/**
 * What the recordings say too little of: that no Mac is among their hosts does not make "macos" rare. These are guessed, and stand
 * for every text of the field that is not named.
 */
const AT_LEAST: Readonly<Record<string, number>> = {
  "event.kind": 300,
  "host.os.type": 200,
  "host.os.family": 200,
  "event.outcome": 100,
  "event.module": 50,
  "event.dataset": 50,
  "event.provider": 20,
  "event.category": 20,
  "event.type": 20,
  "network.direction": 20,
  "network.transport": 20,
  "user.id": 20,
  "user.domain": 20,
};

export function expectedShare(condition: Condition, profile: Profile | null): number {
  const { name } = condition.reading;
  switch (condition.kind) {
    case "exists":
      return shareOfField(name, profile);
    case "set":
      return Math.min(
        shareOfField(name, profile),
        condition.texts.reduce((sum, text) => sum + shareOfText(name, text, profile), 0),
      );
    case "literal":
      return shareOfLiteral(name, condition.text, profile);
  }
}

/** The cost of clauses by one profile. Of a literal it is asked again and again, while a pattern's parts and an operand's clauses are compared, and so is kept. */
export function createCosts(profile: Profile | null): (clause: readonly Condition[]) => number {
  const known = new Map<string, Map<string, number>>();
  const shareOf = (condition: Condition): number => {
    if (condition.kind !== "literal") return expectedShare(condition, profile);
    const { name } = condition.reading;
    const ofField = known.get(name) ?? new Map<string, number>();
    known.set(name, ofField);
    const share = ofField.get(condition.text) ?? expectedShare(condition, profile);
    ofField.set(condition.text, share);
    return share;
  };
  return (clause) => clause.reduce((sum, condition) => sum + shareOf(condition), 0);
}

/** How rare four characters are, as a share of values; of less than that it is not known. */
export function shareOfGram(gram: string, profile: Profile | null): number {
  const folded = gram.toLowerCase();
  const builtIn = GRAMS.get(folded) ?? OTHER_GRAM;
  return profile === null ? builtIn : withCount(builtIn, profile.grams.get(folded), profile.values);
}

function shareOfField(name: string, profile: Profile | null): number {
  const builtIn = FIELDS.get(name) ?? Math.max(UNKNOWN_FIELD, AT_LEAST[name] ?? 0);
  return profile === null ? builtIn : withCount(builtIn, profile.fields.get(name), profile.events);
}

function shareOfText(name: string, text: string, profile: Profile | null): number {
  const folded = foldString(text);
  const builtIn = TEXTS.get(`${name} ${folded}`) ?? AT_LEAST[name] ?? OTHER_TEXT;
  return profile === null ? builtIn : withCount(builtIn, profile.texts.get(name)?.get(folded), profile.events);
}

/**
 * A share of which a user has counted `count` in `all`: as if so many events more were counted that hold it as often as the built-in
 * figure says. So a few events say little, and of two things that no event holds the one is rarer that elsewhere is.
 */
function withCount(builtIn: number, count: number | undefined, all: number): number {
  return count === undefined ? builtIn : (count * EVERY + builtIn * PRIOR_EVENTS) / (all + PRIOR_EVENTS);
}

/**
 * By a profile of 100 events, evenly drawn, 1.66 predicates are tried for an event of the SysFlow recording, and 3.08 for one of the EVTX samples;
 * with 1 here it is 1.79 and 3.12, with 100 it is 1.69 and 3.17. Of a profile of all events the figure makes no difference.
 */
const PRIOR_EVENTS = 10;

/** A value that contains the text contains all its grams, so it is at most as frequent as the rarest. */
function shareOfLiteral(name: string, text: string, profile: Profile | null): number {
  const grams = gramsOf(foldString(text), 1);
  const rarest = grams.reduce((least, gram) => Math.min(least, shareOfGram(gram, profile)), EVERY);
  return (shareOfField(name, profile) * rarest * LONGER ** Math.min(grams.length, 16)) / EVERY;
}

function gramsOf(text: string, step: number): string[] {
  const grams: string[] = [];
  for (let at = 0; at + GRAM_BYTES <= text.length; at += step) grams.push(text.slice(at, at + GRAM_BYTES));
  return grams;
}

// How many of a thousand events are expected to meet a condition. What counts is how the figures compare: of several ways to post a
// predicate the one that fewest events meet is taken. Most are measured: bench `steering`, table "shares".

import { GRAM_BYTES } from "@kestrel/stdlib/abi";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { Condition } from "../ir/pack-ir.js";
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

export function expectedShare(condition: Condition): number {
  const { name } = condition.reading;
  switch (condition.kind) {
    case "exists":
      return shareOfField(name);
    case "set":
      return Math.min(
        shareOfField(name),
        condition.texts.reduce((sum, text) => sum + shareOfText(name, text), 0),
      );
    case "literal":
      return shareOfLiteral(name, condition.text);
  }
}

export function costOfClause(clause: readonly Condition[]): number {
  return clause.reduce((sum, condition) => sum + expectedShare(condition), 0);
}

/** How rare four characters are, as a share of values; of less than that it is not known. */
export function shareOfGram(gram: string): number {
  return GRAMS.get(gram.toLowerCase()) ?? OTHER_GRAM;
}

function shareOfField(name: string): number {
  return FIELDS.get(name) ?? Math.max(UNKNOWN_FIELD, AT_LEAST[name] ?? 0);
}

function shareOfText(name: string, text: string): number {
  return TEXTS.get(`${name} ${foldString(text)}`) ?? AT_LEAST[name] ?? OTHER_TEXT;
}

/** A value that contains the text contains all its grams, so it is at most as frequent as the rarest. */
function shareOfLiteral(name: string, text: string): number {
  const grams = gramsOf(foldString(text), 1);
  const rarest = grams.reduce((least, gram) => Math.min(least, shareOfGram(gram)), EVERY);
  return (shareOfField(name) * rarest * LONGER ** Math.min(grams.length, 16)) / EVERY;
}

function gramsOf(text: string, step: number): string[] {
  const grams: string[] = [];
  for (let at = 0; at + GRAM_BYTES <= text.length; at += step) grams.push(text.slice(at, at + GRAM_BYTES));
  return grams;
}

// Atoms in words, for the comment above each question; null for those that only their rule's own text can say.

import type { Atom } from "../../ir/pack-ir.js";
import { readingText } from "../../ir/reading.js";
import type { Cidr } from "../../patterns/cidr.js";

const MOST_SHOWN = 6;

export function describeAtom(atom: Atom): string | null {
  switch (atom.kind) {
    case "lineage":
    case "computed":
    case "dynamic":
    case "search":
    case "foreign":
      return null;
    case "exists":
      return `${readingText(atom.reading)} is there`;
    case "boolean":
      return `${readingText(atom.reading)} is ${atom.value}`;
    case "set":
      return `${readingText(atom.reading)} is ${oneOf(atom.texts.map(quoted))}${inAnyCase(atom.fold)}`;
    case "pattern": {
      const { globs, regexes, fold } = atom.patterns;
      const patterns = [
        ...globs.map(({ text }) => quoted(text)),
        ...regexes.map(({ text }) => `regex ${quoted(text)}`),
      ];
      return `${readingText(atom.reading)} is like ${oneOf(patterns)}${inAnyCase(fold)}`;
    }
    case "integer":
    case "double":
      return `${readingText(atom.reading)} ${atom.op} ${atom.value}${atom.reading.as === "date" ? " ns" : ""}`;
    case "integer-set":
    case "double-set":
      return `${readingText(atom.reading)} is ${oneOf(atom.values.map(String))}`;
    case "in-ranges":
      return `${readingText(atom.reading)} is an address in ${listed(atom.ranges.map(rangeText))}`;
  }
}

function oneOf(texts: readonly string[]): string {
  return texts.length === 1 ? listed(texts) : `one of ${listed(texts)}`;
}

export function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, MOST_SHOWN).join(", ");
  return texts.length > MOST_SHOWN ? `${shown} and ${texts.length - MOST_SHOWN} more` : shown;
}

/** As it can be read again: `10.0.0.0/8`, `2001:db8:0:0:0:0:0:0/32`. */
export function rangeText({ family, bytes, prefix }: Cidr): string {
  if (family === 4) return `${[...bytes].join(".")}/${prefix}`;
  const groups = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  return `${groups.join(":")}/${prefix}`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function inAnyCase(fold: boolean): string {
  return fold ? ", in any case" : "";
}

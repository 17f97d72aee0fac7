// Wildcards that ignore case -> table by which stdlib/prelude/unfolded.ts asks texts that are not folded; what is sound is said there.

import {
  UNFOLDED_AT_END,
  UNFOLDED_BACK,
  UNFOLDED_COUNT,
  UNFOLDED_DECIDES,
  UNFOLDED_FRONT,
  UNFOLDED_HEADER_BYTES,
  UNFOLDED_RECORD,
  UNFOLDED_TEXT_ADDRESS,
  UNFOLDED_TEXT_ANY,
  UNFOLDED_TEXT_BYTES,
  UNFOLDED_TEXT_FLAGS,
  UNFOLDED_TEXT_LENGTH,
  UNFOLDED_WITHIN,
} from "@kestrel/stdlib/abi";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { GlobPattern } from "../../patterns/patterns.js";
import type { Glob, GlobUnit, Wildcard } from "../../patterns/wildcard.js";
import type { DataSection } from "./data-section.js";
import { BEYOND_ASCII } from "./patterns-to-tests.js";

/** A text, all of ASCII, that whatever matches holds: at its beginning behind so many characters, at its end, or anywhere. */
interface Asked {
  readonly text: string;
  readonly any: number;
  readonly place: "front" | "back" | "within";
  /** What has the text there matches. */
  readonly decides: boolean;
}

/** Each search folds for itself what it passes, so several are left to the folded text. Chosen by counting instructions, not by a bench. */
const MOST_SEARCHES = 1;

const EVERY_BYTE = 0xffffffff;

/**
 * Address of the table for a reading whose folded slot is `record`; null when it would not pay, or a wildcard may match a text of ASCII whatever
 * that holds.
 */
export function addUnfolded(data: DataSection, globs: readonly GlobPattern[], record: number): number | null {
  const asked: Asked[] = [];
  let isRare = false;
  for (const { text, tree } of globs) {
    const what = askedOf(tree);
    if (what !== null) asked.push(what);
    else if (BEYOND_ASCII.test(foldString(text))) isRare = true;
    else return null;
  }
  if (asked.filter(({ place }) => place === "within").length > MOST_SEARCHES) return null;
  const reach = (place: Asked["place"]): number =>
    asked.reduce((most, one) => (one.place === place ? Math.max(most, one.any + one.text.length) : most), 0);
  const view = new DataView(new ArrayBuffer(UNFOLDED_HEADER_BYTES + asked.length * UNFOLDED_TEXT_BYTES));
  view.setUint32(UNFOLDED_FRONT, isRare ? EVERY_BYTE : reach("front"), true);
  view.setUint32(UNFOLDED_BACK, reach("back"), true);
  view.setUint32(UNFOLDED_COUNT, asked.length, true);
  view.setUint32(UNFOLDED_RECORD, record, true);
  for (const [index, { text, any, place, decides }] of asked.entries()) {
    const at = UNFOLDED_HEADER_BYTES + index * UNFOLDED_TEXT_BYTES;
    const { address, length } = data.addText(text);
    view.setUint32(at + UNFOLDED_TEXT_ADDRESS, address, true);
    view.setUint32(at + UNFOLDED_TEXT_LENGTH, length, true);
    view.setUint32(at + UNFOLDED_TEXT_ANY, any, true);
    view.setUint32(at + UNFOLDED_TEXT_FLAGS, PLACE[place] | (decides ? UNFOLDED_DECIDES : 0), true);
  }
  return data.add(new Uint8Array(view.buffer));
}

const PLACE = { front: 0, back: UNFOLDED_AT_END, within: UNFOLDED_WITHIN };

function askedOf(shape: Wildcard): Asked | null {
  const asked = writtenOf(shape);
  const text = foldString(asked?.text ?? "");
  return asked === null || text === "" || BEYOND_ASCII.test(text) ? null : { ...asked, text };
}

function writtenOf(shape: Wildcard): Asked | null {
  switch (shape.kind) {
    case "prefix":
      return { text: shape.text, any: 0, place: "front", decides: true };
    case "suffix":
      return { text: shape.text, any: 0, place: "back", decides: true };
    case "contains":
      return { text: shape.text, any: 0, place: "within", decides: true };
    case "glob":
      return writtenOfGlob(shape);
    default:
      return null;
  }
}

function writtenOfGlob({ parts, anchoredStart, anchoredEnd }: Glob): Asked | null {
  const first = parts[0] ?? [];
  const any = first.findIndex(({ kind }) => kind === "text");
  if (anchoredStart && any >= 0) {
    const isAll = parts.length === 1 && any === first.length - 1 && !anchoredEnd;
    return { text: textOf(first[any]), any, place: "front", decides: isAll };
  }
  const last = textOf(parts.at(-1)?.at(-1));
  if (anchoredEnd && last !== "") return { text: last, any: 0, place: "back", decides: false };
  const longest = parts
    .flat()
    .map(textOf)
    .reduce((most, text) => (text.length > most.length ? text : most), "");
  return { text: longest, any: 0, place: "within", decides: false };
}

function textOf(unit: GlobUnit | undefined): string {
  return unit?.kind === "text" ? unit.text : "";
}

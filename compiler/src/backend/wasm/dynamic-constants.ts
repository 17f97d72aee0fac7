// Constants of the endgame dialect -> bytes of the data section: boxes, paths and lists, laid out as BOX_* in
// stdlib/src/abi.ts says. Strings are stored folded where only comparisons read them.

import {
  BOX_BOOLEAN,
  BOX_BYTES,
  BOX_FLOAT,
  BOX_INTEGER,
  BOX_KEY,
  BOX_STRING,
  PATH_STEP_BYTES,
} from "@kestrel/stdlib/abi";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { Constant, Path } from "../../ir/dynamic-value.js";
import type { DataSection } from "./data-section.js";
import { addSymbolTable } from "./symbol-tables.js";

/** Address of the constant's box; 0 for null, and for a number beyond the doubles. */
export function addBox(constant: Constant, fold: boolean, data: DataSection): number {
  const bytes = boxBytes(constant, fold, data);
  return bytes === null ? 0 : data.add(bytes);
}

function boxBytes(constant: Constant, fold: boolean, data: DataSection): Uint8Array | null {
  const bytes = new Uint8Array(BOX_BYTES);
  const view = new DataView(bytes.buffer);
  switch (typeof constant) {
    case "boolean":
      view.setUint32(0, BOX_BOOLEAN, true);
      view.setUint32(8, constant ? 1 : 0, true);
      return bytes;
    case "bigint":
      view.setUint32(0, BOX_INTEGER, true);
      view.setBigInt64(8, constant, true);
      return bytes;
    case "number":
      if (!Number.isFinite(constant)) return null;
      view.setUint32(0, BOX_FLOAT, true);
      view.setFloat64(8, constant, true);
      return bytes;
    case "string": {
      const { address, length } = data.addText(fold ? foldString(constant) : constant);
      view.setUint32(0, BOX_STRING, true);
      view.setUint32(4, length, true);
      view.setUint32(8, address, true);
      return bytes;
    }
    default:
      return null;
  }
}

/** Greater indexes lead nowhere either. */
const LARGEST_INDEX = BOX_KEY - 1;

export function addPath(path: Path, data: DataSection): { readonly address: number; readonly steps: number } {
  if (path.length === 0) return { address: 0, steps: 0 };
  const bytes = new Uint8Array(path.length * PATH_STEP_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, step] of path.entries()) {
    const at = index * PATH_STEP_BYTES;
    if (typeof step === "number") {
      view.setUint32(at, Math.min(step, LARGEST_INDEX), true);
      continue;
    }
    const [plain, folded] = [data.addText(step), data.addText(foldString(step))];
    const words = [BOX_KEY, plain.address, plain.length, folded.address, folded.length];
    for (const [word, value] of words.entries()) view.setUint32(at + word * 4, value, true);
  }
  return { address: data.add(bytes), steps: path.length };
}

/** The list that `in` compares a value with; nothing is equal to null. */
export function addConstantList(constants: readonly Constant[], data: DataSection): number {
  const texts = new Set<string>();
  const boxes: Uint8Array[] = [];
  for (const constant of constants) {
    if (typeof constant === "string") texts.add(foldString(constant));
    else {
      const bytes = boxBytes(constant, true, data);
      if (bytes !== null) boxes.push(bytes);
    }
  }
  const numbers = new Uint8Array(boxes.length * BOX_BYTES);
  for (const [index, bytes] of boxes.entries()) numbers.set(bytes, index * BOX_BYTES);
  const table = addSymbolTable([...texts].sort(), data);
  const words = [data.add(numbers), boxes.length, table.address, table.mask, table.longest, table.lengths];
  return data.addWords(words);
}

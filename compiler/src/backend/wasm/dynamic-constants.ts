// Constants of the endgame dialect -> bytes of the data section: boxes, paths and lists, laid out as BOX_* in
// stdlib/src/abi.ts says. Strings are stored folded where only comparisons read them.

import {
  BOX_BOOLEAN,
  BOX_BYTES,
  BOX_FLOAT,
  BOX_INTEGER,
  BOX_KEY,
  BOX_LENGTH,
  BOX_STRING,
  BOX_TAG,
  BOX_VALUE,
  CONSTANT_LIST_BOXES,
  CONSTANT_LIST_BYTES,
  CONSTANT_LIST_COUNT,
  CONSTANT_LIST_LENGTHS,
  CONSTANT_LIST_LONGEST,
  CONSTANT_LIST_MASK,
  CONSTANT_LIST_TABLE,
  PATH_STEP_BYTES,
  PATH_STEP_FOLDED,
  PATH_STEP_FOLDED_LENGTH,
  PATH_STEP_INDEX,
  PATH_STEP_KEY,
  PATH_STEP_KEY_LENGTH,
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
      view.setUint32(BOX_TAG, BOX_BOOLEAN, true);
      view.setUint32(BOX_VALUE, constant ? 1 : 0, true);
      return bytes;
    case "bigint":
      view.setUint32(BOX_TAG, BOX_INTEGER, true);
      view.setBigInt64(BOX_VALUE, constant, true);
      return bytes;
    case "number":
      if (!Number.isFinite(constant)) return null;
      view.setUint32(BOX_TAG, BOX_FLOAT, true);
      view.setFloat64(BOX_VALUE, constant, true);
      return bytes;
    case "string": {
      const { address, length } = data.addText(fold ? foldString(constant) : constant);
      view.setUint32(BOX_TAG, BOX_STRING, true);
      view.setUint32(BOX_LENGTH, length, true);
      view.setUint32(BOX_VALUE, address, true);
      return bytes;
    }
    default:
      return null;
  }
}

/**
 * BOX_KEY marks a step by key. No array is as long as this, so any greater index can be written as it: both find
 * nothing.
 */
const LARGEST_INDEX = BOX_KEY - 1;

export function addPath(path: Path, data: DataSection): { readonly address: number; readonly steps: number } {
  if (path.length === 0) return { address: 0, steps: 0 };
  const bytes = new Uint8Array(path.length * PATH_STEP_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, step] of path.entries()) {
    const at = index * PATH_STEP_BYTES;
    if (typeof step === "number") {
      view.setUint32(at + PATH_STEP_INDEX, Math.min(step, LARGEST_INDEX), true);
      continue;
    }
    const [plain, folded] = [data.addText(step), data.addText(foldString(step))];
    view.setUint32(at + PATH_STEP_INDEX, BOX_KEY, true);
    view.setUint32(at + PATH_STEP_KEY, plain.address, true);
    view.setUint32(at + PATH_STEP_KEY_LENGTH, plain.length, true);
    view.setUint32(at + PATH_STEP_FOLDED, folded.address, true);
    view.setUint32(at + PATH_STEP_FOLDED_LENGTH, folded.length, true);
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
  const list = new Uint8Array(CONSTANT_LIST_BYTES);
  const view = new DataView(list.buffer);
  view.setUint32(CONSTANT_LIST_BOXES, data.add(numbers), true);
  view.setUint32(CONSTANT_LIST_COUNT, boxes.length, true);
  view.setUint32(CONSTANT_LIST_TABLE, table.address, true);
  view.setUint32(CONSTANT_LIST_MASK, table.mask, true);
  view.setUint32(CONSTANT_LIST_LONGEST, table.longest, true);
  view.setUint32(CONSTANT_LIST_LENGTHS, table.lengths, true);
  return data.add(list);
}

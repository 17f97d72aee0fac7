// Constants as nodes of the typed tree, and as plain values.

import type { Literal } from "../functions/entry.js";
import type { Typed } from "./typed.js";

export function nodeOf(value: Literal): Typed {
  switch (typeof value) {
    case "string":
      return { kind: "string", value };
    case "bigint":
      return { kind: "long", value };
    case "number":
      return { kind: "double", value };
    case "boolean":
      return { kind: "boolean", value };
  }
}

/** undefined when it is no text, number or boolean written out. */
export function literalValue(node: Typed): Literal | undefined {
  switch (node.kind) {
    case "string":
    case "long":
    case "double":
    case "boolean":
      return node.value;
    default:
      return undefined;
  }
}

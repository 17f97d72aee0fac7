// Events -> the fields that they have and the types of those: one pass over all of them.
//
// What stands in the events is kept as a tree of names with the kinds of JSON values seen at each, so the cost is that of
// parsing. A field that ECS knows keeps its type there as long as every value seen could be read as that type.

import type { FieldType, Schema } from "@kestrel/stdlib/schema/types";
import { extendSchema } from "./extend-schema.js";

/** Kinds of values, as bits. */
const STRING = 1;
const INTEGER = 2;
const NUMBER = 4;
const BOOLEAN = 8;
const OBJECT = 16;
const NUMERIC = INTEGER | NUMBER;

const I64_LIMIT = 2 ** 63;
/** As deep as the runtime reads an event. */
const DEPTH_LIMIT = 64;
/** Distinct names that are told apart; events beyond that are a map of data to data, and not a schema. */
const NAME_LIMIT = 200_000;

/** Fields that hold the time of an event wherever they are. */
const TIME_FIELDS: ReadonlySet<string> = new Set(["@timestamp", "timestamp"]);

interface Node {
  kinds: number;
  readonly children: Map<string, Node>;
}

export interface SchemaInference {
  /** Looks at one line; what is not a JSON object is passed over, since the run reports it. */
  add(line: string): void;
  /** Kinds of the values seen at a dotted name, as bits; null where no event has it. */
  kinds(name: string): number | null;
  /** The type of every field seen. */
  types(known: Schema): ReadonlyMap<string, FieldType>;
}

/** Starts an inference. */
export function createInference(): SchemaInference {
  const root = createNode();
  let names = 0;

  function child(parent: Node, name: string): Node | null {
    const found = parent.children.get(name);
    if (found !== undefined) return found;
    if (names === NAME_LIMIT) return null;
    names++;
    const made = createNode();
    parent.children.set(name, made);
    return made;
  }

  /** `deep` counts nesting; a dotted key leads as far as nested ones would. */
  function addMembers(node: Node, members: object, deep: number): void {
    if (deep > DEPTH_LIMIT) return;
    for (const [key, value] of Object.entries(members) as [string, unknown][]) {
      let at: Node | null = node;
      if (!key.includes(".")) at = child(node, key);
      else {
        const parts = key.split(".");
        for (const [index, part] of parts.entries()) {
          at = at === null ? null : child(at, part);
          if (at !== null && index < parts.length - 1) at.kinds |= OBJECT;
        }
      }
      if (at !== null) addValue(at, value, deep);
    }
  }

  function addValue(node: Node, value: unknown, deep: number): void {
    switch (typeof value) {
      case "string":
        node.kinds |= STRING;
        return;
      case "boolean":
        node.kinds |= BOOLEAN;
        return;
      case "number":
        node.kinds |= Number.isInteger(value) && Math.abs(value) < I64_LIMIT ? INTEGER : NUMBER;
        return;
    }
    if (Array.isArray(value)) {
      for (const item of value as unknown[]) addValue(node, item, deep + 1);
    } else if (typeof value === "object" && value !== null) {
      node.kinds |= OBJECT;
      addMembers(node, value, deep + 1);
    }
  }

  return {
    add(line) {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch {
        return;
      }
      if (typeof value === "object" && value !== null && !Array.isArray(value)) addMembers(root, value, 0);
    },
    kinds(name) {
      let at: Node | undefined = root;
      for (const part of name.split(".")) at = at?.children.get(part);
      return at?.kinds ?? null;
    },
    types(known) {
      const types = new Map<string, FieldType>();
      const visit = (node: Node, prefix: string): void => {
        for (const [name, below] of node.children) {
          const path = prefix === "" ? name : `${prefix}.${name}`;
          types.set(path, typeOf(path, below.kinds, known.fields.get(path)?.type ?? null));
          visit(below, path);
        }
      };
      visit(root, "");
      return types;
    },
  };
}

/** `known` with the fields that were seen, and the types of `fixed` whatever was seen. */
export function inferredSchema(
  inference: SchemaInference,
  known: Schema,
  fixed: ReadonlyMap<string, FieldType>,
): Schema {
  return extendSchema(known, new Map([...inference.types(known), ...fixed]));
}

/** The kinds that are values of their own. */
export function scalarsOf(kinds: number): number {
  return kinds & ~OBJECT;
}

function createNode(): Node {
  return { kinds: 0, children: new Map() };
}

function typeOf(name: string, kinds: number, known: FieldType | null): FieldType {
  if (known !== null && canHold(known, kinds)) return known;
  if (TIME_FIELDS.has(name) && canHold("date", kinds)) return "date";
  const scalars = scalarsOf(kinds);
  if (scalars === 0) return kinds === OBJECT ? "object" : "keyword";
  if (scalars === BOOLEAN) return "boolean";
  if (scalars === INTEGER) return "long";
  return (scalars & ~NUMERIC) === 0 ? "double" : "keyword";
}

/** Whether values of these kinds can all be read as this type; see stdlib/src/schema/types.ts. */
function canHold(type: FieldType, kinds: number): boolean {
  const scalars = scalarsOf(kinds);
  switch (type) {
    case "keyword":
      // What ECS calls a text may be written as a number, and is compared as the text of it.
      return scalars !== 0 || kinds === 0;
    case "ip":
    case "version":
      return (kinds & ~STRING) === 0;
    case "long":
      return (kinds & ~INTEGER) === 0;
    case "double":
      return (kinds & ~NUMERIC) === 0;
    case "boolean":
      return (kinds & ~BOOLEAN) === 0;
    case "date":
      return (kinds & ~(STRING | NUMERIC)) === 0;
    case "object":
      return scalars === 0;
  }
}

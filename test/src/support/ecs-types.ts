// A document and the field list of ECS -> the values that Elasticsearch would refuse, or store as something else, in an index that is
// mapped as ECS says. What is accepted follows Elasticsearch's mapping types with their default settings: any field takes null and
// arrays, a keyword any scalar, numbers also as text, a date what `strict_date_optional_time||epoch_millis` reads.

import { isIP } from "node:net";
import type { FieldType, Schema } from "@kestrel/stdlib/schema/types";
import type { Member, Strict } from "./strict-json.js";

export interface Misfit {
  readonly path: string;
  readonly type: FieldType;
  /** The value as JSON; `{…}` for an object where a value belongs. */
  readonly text: string;
}

const DATE = /^\d{4}(-\d\d(-\d\d(T\d\d(:\d\d(:\d\d([.,]\d{1,9})?)?)?(Z|[+-]\d\d(:?\d\d)?)?)?)?)?$/;
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const LONG_LIMIT = 2 ** 63;

/** Whether a field of the type takes a scalar, given as JSON. */
export function fits(type: FieldType, json: string): boolean {
  const isText = json.startsWith('"');
  const text = isText ? (JSON.parse(json) as string) : json;
  const isNumber = NUMBER.test(text);
  switch (type) {
    case "keyword":
      return true;
    case "version":
      return isText;
    case "ip":
      return isText && isIP(text) > 0 && !text.includes("%");
    case "boolean":
      return text === "true" || text === "false" || (isText && text === "");
    case "long":
      return isNumber ? Math.abs(Number(text)) < LONG_LIMIT : isText && text === "";
    case "double":
      return isNumber ? Number.isFinite(Number(text)) : isText && text === "";
    case "date":
      return isText ? DATE.test(text) || /^-?\d+$/.test(text) : /^-?\d+$/.test(text);
    case "object":
      return false;
  }
}

/** The type of every field, and of what has fields below it: that is an object. */
export function typesOf(schema: Schema): ReadonlyMap<string, FieldType> {
  const types = new Map<string, FieldType>();
  for (const { name } of schema.fields.values()) {
    for (let dot = name.indexOf("."); dot > 0; dot = name.indexOf(".", dot + 1))
      types.set(name.slice(0, dot), "object");
  }
  for (const { name, type } of schema.fields.values()) types.set(name, type);
  return types;
}

/** ECS has points where the schema of rules has objects; a point may be a text or a pair of numbers too. */
const POINT = /\.geo\.location$/;

export function misfitsOf(members: readonly Member[], types: ReadonlyMap<string, FieldType>, prefix = ""): Misfit[] {
  return members.flatMap(([name, value]) => {
    const above: Misfit[] = [];
    for (let dot = name.indexOf("."); dot > 0; dot = name.indexOf(".", dot + 1)) {
      above.push(...objectAt(prefix + name.slice(0, dot), types));
    }
    return [...above, ...misfitsIn(prefix + name, value, types)];
  });
}

function misfitsIn(path: string, value: Strict, types: ReadonlyMap<string, FieldType>): Misfit[] {
  if (value.kind === "array") return value.items.flatMap((item) => misfitsIn(path, item, types));
  if (value.kind === "object") return [...objectAt(path, types), ...misfitsOf(value.members, types, `${path}.`)];
  const type = types.get(path);
  if (type === undefined || value.text === "null" || (type === "object" && POINT.test(path))) return [];
  return fits(type, value.text) ? [] : [{ path, type, text: value.text }];
}

/** An object, or the part of a dotted name that means one, where ECS has a field without fields below it. */
function objectAt(path: string, types: ReadonlyMap<string, FieldType>): Misfit[] {
  const type = types.get(path);
  return type === undefined || type === "object" ? [] : [{ path, type, text: "{…}" }];
}

// What names stand for while one condition is judged, and the values that a name then has.
//
// | name            | is                                                              | when it is unknown            |
// |-----------------|-----------------------------------------------------------------|-------------------------------|
// | a.b             | the event's field                                               | an error; with `?` null       |
// | name.a.b        | the field of the event that an earlier term named with `as`     | an error; with `?` null       |
// | $v, $v.a.b      | the element of the array that is being searched, or its field   | has no schema, so never       |
//
// A variable's field has the type that the schema gives the field of that name below the array, otherwise the one that its
// place in the expression asks for (element-type.ts). An alias hides fields whose names start as it does.

import type { FieldRef, Lineage } from "@kestrel/compiler/syntax/ast";
import type { FieldType, Schema } from "@kestrel/stdlib/schema/types";
import type { RefEvent, ReferenceOptions } from "./events.js";
import { fieldValues, flatten } from "./flatten.js";
import type { Json } from "./read-json.js";
import type { Value } from "./values.js";

/** Whether the process of an event stands in the relation that a node of the tree asks for. */
export type Relation = (node: Lineage, event: RefEvent) => boolean;

export interface Scope {
  readonly event: RefEvent;
  readonly schema: Schema;
  readonly variables: ReadonlyMap<string, Element>;
  /** null for a term that no event has matched yet. */
  readonly aliases: ReadonlyMap<string, RefEvent | null>;
  readonly related: Relation;
}

/** An element of an array, which is no array itself, and the dotted name of that array. */
export interface Element {
  readonly json: Json;
  readonly array: string;
}

/** Nothing but the event. Lineage cannot be told from one event and throws. */
export function scopeOf(event: RefEvent, options: ReferenceOptions): Scope {
  const related = (): boolean => {
    throw new Error("Lineage is known only within a stream");
  };
  return { event, schema: options.schema, variables: new Map(), aliases: new Map(), related };
}

/** The values that stand for a name in one leaf. Readings with the same id are the same values. */
export interface Reading {
  readonly id: string;
  /** Without nulls; empty when the field is missing. */
  readonly values: readonly Value[];
}

/** Whether a field is optional and unknown. Throws when it is unknown and not optional. */
export function isNull(field: FieldRef, scope: Scope): boolean {
  const [root = "", ...rest] = namesOf(field);
  if (field.variable) return false;
  const name = (scope.aliases.has(root) ? rest : [root, ...rest]).join(".");
  if (typeOfField(name, scope.schema) !== null) return false;
  if (field.optional) return true;
  throw new Error(`Unknown field ${name}`);
}

/** null for an optional field that is unknown, which is the constant null. Throws when the field does not exist. */
export function readField(field: FieldRef, wanted: FieldType, scope: Scope): Reading | null {
  const [root, ...rest] = namesOf(field);
  if (field.variable) {
    const element = variable(root, scope);
    const type = typeOfElement(element.array, rest, scope.schema) ?? wanted;
    return { id: `${[root, ...rest].join(".")} ${type}`, values: elementValues(element.json, rest.join("."), type) };
  }
  const alias = root === undefined ? undefined : scope.aliases.get(root);
  const name = alias === undefined ? [root, ...rest].join(".") : rest.join(".");
  if (typeOfField(name, scope.schema) === null) {
    if (field.optional) return null;
    throw new Error(`Unknown field ${name}`);
  }
  const event = alias === undefined ? scope.event : alias;
  return { id: [root, ...rest].join("."), values: event === null ? [] : valuesOf(name, event, scope.schema) };
}

/** null when the place of a variable's field decides; so does it for what stands beside objects in an array of objects. */
export function typeOfElement(array: string, rest: readonly string[], schema: Schema): FieldType | null {
  const type = typeOfField([array, ...rest].join("."), schema);
  return rest.length === 0 && type === "object" ? null : type;
}

/** null when the schema does not know the field. In a namespace that is open to any name, a field is a keyword. */
export function typeOfField(name: string, schema: Schema): FieldType | null {
  const open = schema.open?.some((namespace) => name.startsWith(`${namespace}.`)) ?? false;
  return schema.fields.get(name)?.type ?? (open ? "keyword" : null);
}

export function valuesOf(name: string, event: RefEvent, schema: Schema): readonly Value[] {
  if (schema.fields.has(name)) return event.fields.get(name) ?? [];
  return fieldValues(event.flat, name, "keyword").values;
}

/** The elements of the arrays that stand at a field's path, in order. Throws when the field does not exist. */
export function elementsAt(field: FieldRef, scope: Scope): Element[] {
  const [root, ...rest] = namesOf(field);
  if (field.variable) {
    const element = variable(root, scope);
    return elementsOf(element.json, rest.join("."), [element.array, ...rest].join("."));
  }
  const alias = root === undefined ? undefined : scope.aliases.get(root);
  const name = alias === undefined ? [root, ...rest].join(".") : rest.join(".");
  if (!isArrayName(name, scope.schema)) {
    if (field.optional) return [];
    throw new Error(`Unknown field ${name}`);
  }
  const event = alias === undefined ? scope.event : alias;
  return event === null ? [] : elementsOf(event.json, name, name);
}

/** An array may be searched when the schema holds it or something below it. */
export function isArrayName(name: string, schema: Schema): boolean {
  return typeOfField(name, schema) !== null || [...schema.fields.keys()].some((known) => known.startsWith(`${name}.`));
}

export function namesOf(field: FieldRef): string[] {
  return field.path.map((part) => {
    if (typeof part === "number") throw new Error("The elastic dialect has no array indexes");
    return part;
  });
}

function variable(name: string | undefined, scope: Scope): Element {
  const element = scope.variables.get(name ?? "");
  if (element === undefined) throw new Error(`Unknown variable ${name}`);
  return element;
}

/** What stands at the path and is no array is one element, nulls are none, and arrays inside arrays do not show. */
function elementsOf(json: Json, name: string, array: string): Element[] {
  const elements: Element[] = [];
  const take = (value: Json): void => {
    if (value.kind === "array") for (const item of value.items) take(item);
    else if (value.kind !== "null") elements.push({ json: value, array });
  };
  const walk = (value: Json, path: string | null): void => {
    if ((path ?? "") === name) take(value);
    else if (value.kind === "array") for (const item of value.items) walk(item, path);
    else if (value.kind === "object") {
      for (const [key, child] of value.entries) walk(child, path === null ? key : `${path}.${key}`);
    }
  };
  walk(json, null);
  return elements;
}

/** `name` is empty for the element itself, which has a value only when it is a scalar, but presence as an object too. */
function elementValues(json: Json, name: string, type: FieldType): readonly Value[] {
  if (name === "" && type === "object" && json.kind === "object")
    return json.entries.length > 0 ? [{ type: "object" }] : [];
  return fieldValues(flatten(json), name, type).values;
}

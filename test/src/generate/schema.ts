// A schema of a few fields that holds every field type, nested names, arrays of objects, a name that is the prefix of others, and the fields
// that place an event in time.

import type { Field, FieldType, Schema } from "@kestrel/stdlib/schema/types";

const TYPES: Readonly<Record<string, FieldType>> = {
  "process.pid": "long",
  "process.name": "keyword",
  "@timestamp": "date",
  "event.category": "keyword",
  "event.type": "keyword",
  "event.sequence": "long",
  "process.args": "keyword",
  "process.command_line": "keyword",
  "process.parent.name": "keyword",
  "process.parent.pid": "long",
  "process.exit_code": "long",
  "process.code_signature": "object",
  "process.code_signature.trusted": "boolean",
  "process.start": "date",
  "user.name": "keyword",
  "source.ip": "ip",
  "destination.ip": "ip",
  "event.risk_score": "double",
  "process.env.load": "double",
  "package.version": "version",
  "host.id": "keyword",
  "process.entity_id": "keyword",
  "process.parent.entity_id": "keyword",
  // An array of objects, of whose fields the schema knows some; the frames of an element are such an array again.
  "process.stack": "object",
  "process.stack.symbol": "keyword",
  "process.stack.size": "long",
  "process.stack.frames": "object",
  "process.stack.frames.offset": "long",
};

/** Ids are made up, except that 1 is process.pid and 2 is process.name. */
export const TEST_SCHEMA: Schema = {
  fields: new Map(Object.entries(TYPES).map(([name, type], i): [string, Field] => [name, { id: i + 1, name, type }])),
};

/** The names of the fields of a type, in the schema's order. */
export function fieldsOfType(schema: Schema, type: FieldType): string[] {
  return [...schema.fields.values()].filter((field) => field.type === type).map((field) => field.name);
}

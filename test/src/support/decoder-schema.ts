// The test schema, and names that a path table could mistake for one another: keys of one length that begin and end in the
// same eight bytes, keys that begin like others, keys of 7, 8, 9, 16 and 17 bytes, keys beyond ASCII, and the names that
// JavaScript objects have from birth.

import type { Field, FieldType, Schema } from "@kestrel/stdlib/schema/types";
import { TEST_SCHEMA } from "../generate/schema.js";

const ADDED: Readonly<Record<string, FieldType>> = {
  "key.collideA--111--Zedilloc": "keyword",
  "key.collideA--222--Zedilloc": "keyword",
  "key.collideA--1111--Zedilloc": "keyword",
  "key.collideAZedilloc": "keyword",
  "key.collideA": "keyword",
  "key.sevenxx": "keyword",
  "key.eight_xx": "keyword",
  "key.nine_xxxx": "keyword",
  "key.seventeen_bytes_x": "keyword",
  "key.e": "keyword",
  "key.größe": "keyword",
  "key.日本語": "keyword",
  "key.😀": "keyword",
  "__proto__.x": "keyword",
  "constructor.toString": "keyword",
  x: "keyword",
  "x.y": "long",
  "x.y.z": "keyword",
};

export const DECODER_SCHEMA: Schema = {
  fields: new Map([
    ...TEST_SCHEMA.fields,
    ...Object.entries(ADDED).map(([name, type], i): [string, Field] => [name, { id: 1000 + i, name, type }]),
  ]),
};

// Rules that the front has passed -> pack IR: their typed queries, and the fields that every event may have.

import { lookup } from "@kestrel/stdlib/schema/schema";
import type { Field, Schema } from "@kestrel/stdlib/schema/types";
import type { TypedQuery } from "../analyse/typed.js";
import type { CompileOptions } from "../compile-options.js";
import type { PackIr } from "./ir.js";
import { planPack } from "./plan-pack.js";

/** Plans rules that the front has passed. */
export function planRules(rules: readonly { readonly typed: TypedQuery }[], options: CompileOptions): PackIr {
  return planPack(
    rules.map(({ typed }) => typed),
    {
      categories: {
        elastic: eventField(options.categoryField, options.schema),
        endgame: { id: 0, name: options.endgameCategoryField, type: "keyword" },
      },
      stream: !options.allPipes,
    },
  );
}

/** A field that every event may have; where the schema lacks it, or has another type, it is read as the wanted one. */
export function eventField(name: string, schema: Schema, wanted?: "date"): Field {
  const known = lookup(schema, name);
  if (known !== null && (wanted === undefined || known.type === wanted)) return known;
  return { id: known?.id ?? 0, name, type: wanted ?? "keyword" };
}

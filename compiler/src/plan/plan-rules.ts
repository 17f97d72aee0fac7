// Rules that the front has passed -> pack IR: their typed queries, and what every event may have.

import { lookup } from "@kestrel/stdlib/schema/schema";
import type { Schema } from "@kestrel/stdlib/schema/types";
import type { TypedQuery } from "../analyse/typed.js";
import type { CompileOptions } from "../compile-options.js";
import type { PackIr } from "../ir/pack-ir.js";
import { type Reading, readField, readName } from "../ir/reading.js";
import { tryAlways } from "../passes/choose-witnesses.js";
import { runPasses } from "../passes/passes.js";
import type { Dialect } from "../syntax/ast.js";
import { planPack } from "./plan-pack.js";

type Planned = readonly { readonly typed: TypedQuery }[];

/** Plans rules that the front has passed; no pass has run over the result. */
export function draftRules(rules: Planned, options: CompileOptions): PackIr {
  const categoryIn = (field: string, dialect: Dialect): Reading =>
    dialect === "elastic" ? eventReading(field, options.schema) : readName(field, "keyword");
  return planPack(
    rules.map(({ typed }) => typed),
    {
      categories: {
        elastic: categoryIn(options.categoryField, "elastic"),
        endgame: categoryIn(options.endgameCategoryField, "endgame"),
      },
      categoryIn,
      stream: !options.allPipes,
    },
  );
}

/** Plans rules that the front has passed, and runs all passes. */
export function planRules(rules: Planned, options: CompileOptions): PackIr {
  const pack = runPasses(draftRules(rules, options), options.profile);
  return options.narrow ? pack : tryAlways(pack);
}

/** What every event may have; where the schema lacks it, or has another type, it is read as the wanted one. */
export function eventReading(name: string, schema: Schema, wanted?: "date"): Reading {
  const known = lookup(schema, name);
  if (known !== null && (wanted === undefined || known.type === wanted)) return readField(known);
  return readName(name, wanted ?? "keyword", known?.id);
}

// A condition -> an error when it uses a name that stands for nothing where it is used, whatever the events hold.

import type { Expr, FieldRef } from "@kestrel/compiler/syntax/ast";
import type { Schema } from "@kestrel/stdlib/schema/types";
import { isSearch } from "./element-type.js";
import { isArrayName, namesOf, typeOfField } from "./scope.js";

export interface Names {
  readonly schema: Schema;
  /** Every alias of the query, with whether it can be used here. */
  readonly aliases: ReadonlyMap<string, boolean>;
  /** The dotted name of the array that each variable goes through. */
  readonly variables: ReadonlyMap<string, string>;
}

/** Throws on the first name that is wrong. */
export function checkNames(expression: Expr, names: Names): void {
  switch (expression.kind) {
    case "literal":
      return;
    case "field": {
      const { known, name } = resolve(expression, names);
      if (!known && !expression.optional && typeOfField(name, names.schema) === null)
        throw new Error(`Unknown field ${name}`);
      return;
    }
    case "call": {
      const [array, variable, condition] = expression.args;
      if (!isSearch(expression) || array?.kind !== "field" || variable?.kind !== "field" || condition === undefined) {
        for (const arg of expression.args) checkNames(arg, names);
        return;
      }
      const { known, name } = resolve(array, names);
      if (!known && !array.optional && !isArrayName(name, names.schema)) throw new Error(`Unknown field ${name}`);
      checkNames(condition, {
        ...names,
        variables: new Map([...names.variables, [String(variable.path[0]), name]]),
      });
      return;
    }
    case "unary":
      checkNames(expression.operand, names);
      return;
    case "binary":
      checkNames(expression.left, names);
      checkNames(expression.right, names);
      return;
    case "match":
      for (const part of [expression.subject, ...expression.values]) checkNames(part, names);
      return;
    case "lineage": {
      // It is judged for other events than the one at hand, so it sees neither their aliases nor their elements.
      const aliases = new Map([...names.aliases.keys()].map((alias) => [alias, false]));
      checkNames(expression.query.condition, { ...names, aliases, variables: new Map() });
    }
  }
}

/** The name without its variable or alias; a variable's field needs no schema. */
function resolve(field: FieldRef, names: Names): { readonly known: boolean; readonly name: string } {
  const [root = "", ...rest] = namesOf(field);
  if (field.variable) {
    const array = names.variables.get(root);
    if (array === undefined) throw new Error(`Unknown variable ${root}`);
    return { known: true, name: [array, ...rest].join(".") };
  }
  const usable = names.aliases.get(root);
  if (usable === undefined) return { known: false, name: [root, ...rest].join(".") };
  if (!usable) throw new Error(`The alias ${root} cannot be used here`);
  return { known: false, name: rest.join(".") };
}

// A seed -> `_arraysearch(array, $v, condition)`: over arrays of objects, whose fields the schema knows or not, over lists of
// scalars, over what an element holds in turn, and over what an aliased event holds.

import type { FieldType } from "@kestrel/stdlib/schema/types";
import type { Context, Make, Source } from "./context.js";

const VARIABLES = ["$e", "$f", "$g"];
const SCALARS: readonly FieldType[] = ["keyword", "long", "double", "boolean", "ip", "version", "date"];

/** `make` makes the condition. */
export function makeSearch(context: Context, depth: number, make: Make): string {
  const { random, schema } = context;
  const array = random.pick(context.arrays);
  // Now and then the name of the search around this one, which is then out of sight.
  const variable =
    (random.chance(0.1) ? VARIABLES[context.searches - 1] : VARIABLES[context.searches]) ?? VARIABLES[0] ?? "$e";
  const below = [...schema.fields.values()].filter((field) => field.name.startsWith(`${array.name}.`));
  const own = schema.fields.get(array.name)?.type;
  const fields = new Map<string, FieldType>(
    below.map((field) => [`${variable}${field.name.slice(array.name.length)}`, field.type]),
  );
  if (own !== undefined) fields.set(variable, own);
  const scalar = own !== undefined && SCALARS.includes(own);
  const untyped = scalar ? [] : [`${variable}.any`, `${variable}.code.any`];
  if (own === undefined) untyped.push(variable);
  const source: Source = { fields, untyped, optional: false };
  const hidden = (name: string): boolean => name === variable || name.startsWith(`${variable}.`);
  const outer = context.sources.map((outside) => ({
    ...outside,
    fields: new Map([...outside.fields].filter(([name]) => !hidden(name))),
    untyped: outside.untyped.filter((name) => !hidden(name)),
  }));
  const inner: Context = {
    ...context,
    sources: [...outer, source],
    arrays: scalar
      ? context.arrays.filter(({ written }) => !hidden(written))
      : [
          ...context.arrays.filter(({ written }) => !hidden(written)),
          { written: `${variable}.frames`, name: `${array.name}.frames` },
          { written: `${variable}.any`, name: `${array.name}.any` },
          { written: variable, name: array.name },
        ],
    searches: context.searches + 1,
    has: (feature) => (feature === "search" ? context.searches < 1 && context.has(feature) : context.has(feature)),
  };
  return `_arraysearch(${array.written}, ${variable}, ${make(inner, Math.min(depth, 2))})`;
}

/** The arrays of an event, behind an alias or not. */
export function arraysOf(context: Pick<Context, "schema">, prefix: string): Context["arrays"] {
  const names = [...context.schema.fields.values()]
    .filter(({ name, type }) => type === "object" || SCALARS.includes(type) || name.endsWith(".frames"))
    .map(({ name }) => name);
  const stacks = names.filter((name) => name.endsWith("stack"));
  // Arrays of objects are what the function is for.
  return [...names, ...stacks, ...stacks, ...stacks, ...stacks, ...stacks, ...stacks].map((name) => ({
    written: `${prefix}${name}`,
    name,
  }));
}

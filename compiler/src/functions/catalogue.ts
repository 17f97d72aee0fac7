// Every function of EQL, both dialects: one table, from which binding, the lints, the IR's types and lowering take what they
// need. A function that is missing from a table that must know it is a type error there.

import { ARRAYS } from "./arrays.js";
import type { ElasticForm, ElasticResult, EndgameForm, EndgameResult, FunctionEntry } from "./entry.js";
import { NUMBERS } from "./numbers.js";
import { TEXTS } from "./texts.js";

/** By name, as the language spells it. */
export const CATALOGUE = { ...NUMBERS, ...ARRAYS, ...TEXTS };

type Catalogue = typeof CATALOGUE;
type Becomes = ElasticForm["becomes"];
type Dialect = "elastic" | "endgame";

/** Names of the entries that become such a thing in a dialect. */
type Names<Of extends Dialect, As extends Becomes> = {
  [Name in keyof Catalogue]: Catalogue[Name] extends { readonly [D in Of]: { readonly becomes: As } } ? Name : never;
}[keyof Catalogue];

/** Functions of the elastic dialect that code is written for, those included that only the compiler puts into the tree. */
export type FunctionName = Names<"elastic", "call">;
/** Functions of endgame that are plain functions of their arguments' values. */
export type DynamicFunction = Names<"endgame", "call">;
/** Functions that a binder makes something else of than a call. */
export type ElasticOwn = Names<"elastic", "own">;
export type EndgameOwn = Names<"endgame", "own">;
/** Functions that one dialect lacks. */
export type ForeignName = {
  [Name in keyof Catalogue]: Catalogue[Name] extends { readonly instead: string } ? Name : never;
}[keyof Catalogue];

/** An entry with its name. */
export interface Named extends FunctionEntry {
  readonly name: string;
}

const ALL: readonly Named[] = Object.entries<FunctionEntry>(CATALOGUE).map(([name, entry]) => ({ name, ...entry }));

/** Those that can be written, in the order of the catalogue. */
export const SPELLED: readonly Named[] = ALL.filter(({ anchor }) => anchor !== null);

const BY_NAME = new Map(SPELLED.map((entry) => [entry.name, entry]));
const BY_LOWER_NAME = new Map(SPELLED.map((entry) => [entry.name.toLowerCase(), entry]));

/** The function of a call in the elastic dialect; null when it has none of that name. */
export function findElastic(name: string): (Named & { readonly elastic: ElasticForm }) | null {
  const entry = BY_LOWER_NAME.get(name.toLowerCase());
  return entry?.elastic === undefined ? null : { ...entry, elastic: entry.elastic };
}

/** The same in endgame. */
export function findEndgame(name: string): (Named & { readonly endgame: EndgameForm }) | null {
  const entry = BY_NAME.get(name);
  return entry?.endgame === undefined ? null : { ...entry, endgame: entry.endgame };
}

/** The function of that name, written in any case, that the dialect lacks and the other has. */
export function findForeign(name: string, dialect: Dialect): (Named & { readonly instead: string }) | null {
  const entry = BY_LOWER_NAME.get(name.toLowerCase());
  if (entry?.instead === undefined || entry[dialect] !== undefined) return null;
  return { ...entry, instead: entry.instead };
}

/** What was meant by a name that no function has; undefined when nothing comes near. */
export function didYouMean(name: string, dialect: Dialect): string | undefined {
  const lower = name.toLowerCase();
  const known = SPELLED.filter((entry) => entry[dialect] !== undefined);
  const same = known.filter((entry) => entry.name.toLowerCase() === lower);
  const near = known.filter((entry) => entry.name.toLowerCase().startsWith(lower.slice(0, 3)));
  const found = same.length > 0 ? same : near;
  return found.length > 0 ? `did you mean ${found.map((entry) => `\`${entry.name}\``).join(" or ")}?` : undefined;
}

type Signature = Pick<ElasticForm | EndgameForm, "required" | "optional" | "rest">;

/** How many arguments it takes, in words, when that is not as many as are given; null when it is. */
export function wrongArity({ required, optional = [], rest }: Signature, given: number): string | null {
  const least = required.length;
  const most = rest === undefined ? least + optional.length : Number.POSITIVE_INFINITY;
  if (given >= least && given <= most) return null;
  return rest !== undefined ? `at least ${least}` : optional.length > 0 ? `${least} to ${most}` : `${most}`;
}

/** Of a function's arguments, those without which the result is null. */
export function strictOf<Argument>(
  { strict }: Pick<ElasticForm, "strict">,
  args: readonly Argument[],
): readonly Argument[] {
  return strict === "all" ? args : args.slice(0, strict);
}

export function elasticForm(name: FunctionName): ElasticForm {
  return CATALOGUE[name].elastic;
}

export function resultOf(name: FunctionName): ElasticResult {
  return CATALOGUE[name].elastic.result;
}

export function resultOfDynamic(name: DynamicFunction): EndgameResult {
  return CATALOGUE[name].endgame.result;
}

/** Whether a call in the elastic dialect answers yes or no. */
export function answersYesOrNo(name: string): boolean {
  return findElastic(name)?.elastic.result === "boolean";
}

// Table "shares": how many of 1,000 events hold a literal that rules ask of a field: what it costs to post a predicate there. The index goes
// by figures like these (measured.ts): of several ways to post a predicate, the one whose literals fewest events hold.

import { strict as assert } from "node:assert";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { sortRules } from "@kestrel/compiler/package/build-package";
import { checkRules } from "@kestrel/compiler/package/check-rules";
import { compileWhatFits } from "@kestrel/compiler/package/compile-what-fits";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import { type Input, linesOf, type RulePath } from "../corpus.js";

/** What the witness index takes the literals of one field for, and what they are. All figures are per 1,000 events. */
export interface Share {
  readonly field: string;
  /** Different literals that the rules ask of it. */
  readonly literals: number;
  /** Events that have the field at all. */
  readonly present: number;
  /** Over the literals that some event holds; NaN where there is none. */
  readonly median: number;
  readonly mean: number;
  readonly greatest: number;
  /** Literals that no event holds. */
  readonly unseen: number;
  /** The mean over the literals as often as rules ask them: what posting a predicate there costs. */
  readonly asked: number;
}

interface Asked {
  readonly field: string;
  readonly fold: boolean;
  /** Literal -> how many set atoms ask it, and how many events hold it. */
  readonly literals: Map<string, { uses: number; events: number }>;
  present: number;
}

/** Shares of the fields named, and of all others together as "". */
export function measureShares(rules: RulePath, inputs: readonly Input[], named: readonly string[]): Share[] {
  const options = { ...DEFAULT_OPTIONS, optimize: false };
  const { pack } = compileWhatFits(sortRules(checkRules([rules.path], options).rules), options);
  assert.ok(pack !== null, `${rules.name}: no rule compiles`);
  const groups = new Map<string, Asked>();
  for (const atom of pack.ir.atoms) {
    if (atom.kind !== "set" || atom.reading.root.kind !== "event") continue;
    const key = `${atom.reading.name} ${atom.fold}`;
    const group = groups.get(key) ?? { field: atom.reading.name, fold: atom.fold, literals: new Map(), present: 0 };
    groups.set(key, group);
    for (const text of atom.texts) {
      const known = group.literals.get(text) ?? { uses: 0, events: 0 };
      known.uses++;
      group.literals.set(text, known);
    }
  }
  let events = 0;
  for (const { chunks } of inputs) {
    for (const chunk of chunks) {
      for (const line of linesOf([chunk])) {
        events++;
        const event: unknown = JSON.parse(line);
        for (const group of groups.values()) countIn(group, event);
      }
    }
  }
  const shares = named.map((field) =>
    shareOf(
      field,
      [...groups.values()].filter((group) => group.field === field),
      events,
    ),
  );
  const others = [...groups.values()].filter(({ field }) => !named.includes(field));
  return [...shares, shareOf("", others, events)];
}

function countIn(group: Asked, event: unknown): void {
  const values = new Set<string>();
  collect(event, group.field, values);
  if (values.size === 0) return;
  group.present++;
  const seen = new Set<string>();
  for (const value of values) {
    const text = group.fold ? foldString(value) : value;
    if (seen.has(text)) continue;
    seen.add(text);
    const literal = group.literals.get(text);
    if (literal !== undefined) literal.events++;
  }
}

/** The texts at a path, whether it is written nested or dotted, through arrays. */
function collect(value: unknown, path: string, into: Set<string>): void {
  if (Array.isArray(value)) {
    for (const element of value) collect(element, path, into);
    return;
  }
  if (path === "") {
    if (typeof value === "string") into.add(value);
    else if (typeof value === "number" || typeof value === "boolean") into.add(String(value));
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const object = value as Readonly<Record<string, unknown>>;
  if (Object.hasOwn(object, path)) collect(object[path], "", into);
  for (let dot = path.indexOf("."); dot >= 0; dot = path.indexOf(".", dot + 1)) {
    const head = path.slice(0, dot);
    if (Object.hasOwn(object, head)) collect(object[head], path.slice(dot + 1), into);
  }
}

function shareOf(field: string, groups: readonly Asked[], events: number): Share {
  const perThousand = (n: number): number => (n * 1000) / events;
  const literals = groups.flatMap((group) => [...group.literals.values()]);
  const seen = literals
    .filter((literal) => literal.events > 0)
    .map((literal) => perThousand(literal.events))
    .sort((a, b) => a - b);
  const uses = literals.reduce((sum, literal) => sum + literal.uses, 0);
  return {
    field,
    literals: literals.length,
    present: perThousand(Math.max(0, ...groups.map(({ present }) => present))),
    median: seen[seen.length >> 1] ?? Number.NaN,
    mean: seen.reduce((sum, one) => sum + one, 0) / seen.length,
    greatest: seen.at(-1) ?? Number.NaN,
    unseen: literals.length - seen.length,
    asked: literals.reduce((sum, literal) => sum + perThousand(literal.events) * literal.uses, 0) / uses,
  };
}

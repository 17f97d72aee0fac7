// A package's manifest -> what the collector is to collect for it, and which of its rules can never fire on live events.
//
// A class of events is asked for by each term of a rule that its events may match: their category, type and action are among those
// that the term demands, and they have all fields that it needs. A rule with a term that no class meets can never fire, and asks
// for nothing.
// SOUND: a term whose events are left out would not have held for them, as long as supplied-fields.ts is right.

import type { Demand, PackageManifest, TextDemand } from "@kestrel/stdlib/package-format";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import { EVENT_CLASSES, type EventClass, type EventKind, kindOf } from "./event-kinds.js";
import { type Extra, isSupplied, supplyOf } from "./supplied-fields.js";

/** Texts of one demand that events of a class meet; null where any would do. */
export interface Reason {
  readonly category: readonly string[] | null;
  readonly type: readonly string[] | null;
  readonly action: readonly string[] | null;
}

export interface ClassPlan {
  readonly event: EventClass;
  /**
   * "stream": rules see these events. "table": they are collected for the process table, out of which other events are completed, and
   * no rule sees them. "off": not collected.
   */
  readonly collect: "stream" | "table" | "off";
  /** Indexes of the rules that ask, ascending. */
  readonly rules: readonly number[];
  /** Each once; those of most rules first. */
  readonly reasons: readonly Reason[];
  /** Of files: what their paths must begin with, as `Demand.paths` says it; null where all are wanted. */
  readonly paths: readonly string[] | null;
}

export interface SilentRule {
  readonly rule: number;
  /** Its term, from 0 in the order written. */
  readonly term: number;
  readonly lack: Lack;
}

/** What keeps a term from ever holding. */
export type Lack =
  /** No class of events has these texts; null where any would do. */
  | { readonly kind: "events"; readonly asked: Reason }
  /** Fields that the class lacks which comes nearest. */
  | { readonly kind: "fields"; readonly of: EventClass; readonly fields: readonly string[] };

export interface CollectionPlan {
  /** Every class, in the order of event-kinds.ts. */
  readonly classes: readonly ClassPlan[];
  /** Rules that can never fire on live events, ascending. */
  readonly silent: readonly SilentRule[];
  /** Fields that are found only because the package reads them. */
  readonly extras: Readonly<Record<Extra, readonly string[]>>;
}

/** The classes that rules see. */
export function streamed({ classes }: CollectionPlan): readonly EventClass[] {
  return classes.flatMap(({ event, collect }) => (collect === "stream" ? [event] : []));
}

type Parts = Pick<PackageManifest, "predicates" | "demands" | "programs" | "lineage" | "schema" | "rules">;

/** The plan for a manifest that the loader has checked. */
export function planCollection(manifest: Parts): CollectionPlan {
  const silent = manifest.rules.flatMap((_, rule) => silenceOf(rule, manifest) ?? []);
  const silenced = new Set(silent.map(({ rule }) => rule));
  const heard = (predicates: ReadonlySet<number>): Demand[] =>
    [...predicates].flatMap((predicate) => {
      const demand = manifest.demands[predicate];
      const rules = demand?.rules.filter((rule) => !silenced.has(rule)) ?? [];
      return demand && rules.length > 0 ? [{ ...demand, rules }] : [];
    });
  const ofRules = heard(askedByRules(manifest));
  const ofTrees = heard(askedByTrees(manifest));
  return {
    classes: EVENT_CLASSES.map((event) =>
      planClass(event, kindOf(event).wanted === "table" ? [...ofRules, ...ofTrees] : ofRules),
    ),
    silent,
    extras: extrasOf(manifest),
  };
}

/** The predicates of rules and terms, and of lineage queries. */
function askedByRules({ predicates, programs, lineage }: Parts): ReadonlySet<number> {
  const asked = new Set(predicates.flatMap((rules, predicate) => (rules.length > 0 ? [predicate] : [])));
  for (const { stages, until } of programs) {
    for (const { predicate } of stages) asked.add(predicate);
    if (until !== null) asked.add(until.predicate);
  }
  for (const { queries } of lineage) for (const { predicate } of queries) asked.add(predicate);
  return asked;
}

/**
 * Predicates by which process trees grow, for which exec, fork and exit are enough. The feed is not among them: it holds wherever a
 * term holds that asks the tree, and for events that name a parent, which the start of the process has named before.
 */
function askedByTrees({ lineage }: Parts): ReadonlySet<number> {
  return new Set(
    lineage.flatMap(({ starts, ends, processes, resets }) =>
      [starts, ends, processes, resets].filter((predicate) => predicate !== null),
    ),
  );
}

/** Why a rule can never fire; null for one that may. */
function silenceOf(rule: number, { predicates, programs, demands }: Parts): SilentRule | null {
  // What must be missing, and what breaks a sequence off, is no reason.
  const stages = programs.find((program) => program.rule === rule)?.stages;
  const terms = stages?.map(({ predicate, missing }) => (missing ? null : predicate)) ?? [
    predicates.findIndex((decides) => decides.includes(rule)),
  ];
  for (const [term, predicate] of terms.entries()) {
    const demand = predicate === null ? undefined : demands[predicate];
    if (demand === undefined || demand === null) continue;
    const lack = lackOf(demand);
    if (lack !== null) return { rule, term, lack };
  }
  return null;
}

/** What keeps every class from meeting a demand; null where one meets it. */
function lackOf(demand: Demand): Lack | null {
  let nearest: { readonly of: EventClass; readonly fields: readonly string[] } | null = null;
  for (const event of EVENT_CLASSES) {
    if (reasonFor(kindOf(event), demand) === null) continue;
    const fields = demand.fields.filter((field) => !isSupplied(event, field));
    if (fields.length === 0) return null;
    if (nearest === null || fields.length < nearest.fields.length) nearest = { of: event, fields };
  }
  if (nearest !== null) return { kind: "fields", ...nearest };
  const { category, type, action } = demand;
  const asked = { category: category?.any_of ?? null, type: type?.any_of ?? null, action: action?.any_of ?? null };
  return { kind: "events", asked };
}

function planClass(event: EventClass, demands: readonly Demand[]): ClassPlan {
  const kind = kindOf(event);
  const rules = new Set<number>();
  const reasons = new Map<string, { readonly reason: Reason; readonly rules: Set<number> }>();
  let paths: string[] | null = [];
  for (const demand of demands) {
    const reason = reasonFor(kind, demand);
    if (reason === null || !demand.fields.every((field) => isSupplied(event, field))) continue;
    const key = JSON.stringify(reason);
    const same = reasons.get(key) ?? { reason, rules: new Set() };
    reasons.set(key, same);
    for (const rule of demand.rules) {
      rules.add(rule);
      same.rules.add(rule);
    }
    paths = demand.paths === undefined || paths === null ? null : [...paths, ...demand.paths];
  }
  return {
    event,
    collect: rules.size > 0 ? "stream" : kind.wanted === "table" ? "table" : "off",
    rules: [...rules].sort((a, b) => a - b),
    reasons: [...reasons.values()].sort((a, b) => b.rules.size - a.rules.size).map(({ reason }) => reason),
    paths: kind.group !== "file" || rules.size === 0 ? null : paths === null ? null : shortest(paths),
  };
}

/** The prefixes without those that another one is a prefix of. */
function shortest(prefixes: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (const prefix of [...new Set(prefixes)].sort()) {
    const last = kept.at(-1);
    if (last === undefined || !prefix.startsWith(last)) kept.push(prefix);
  }
  return kept;
}

/** How events of a kind meet the texts of a demand; null where they do not. */
function reasonFor(kind: EventKind, { category, type, action }: Demand): Reason | null {
  const categories = meeting(kind.category, category);
  const types = meeting(kind.type, type);
  // Of several actions an event has one, so each is a way of its own to meet the demand.
  const actions = kind.actions.filter((one) => meeting([one], action) !== "unmet");
  if (categories === "unmet" || types === "unmet" || actions.length === 0) return null;
  const isNamed = action?.any_of !== undefined;
  if (kind.wanted === "named" && !isNamed) return null;
  return { category: categories, type: types, action: isNamed ? actions : null };
}

/** Of values that an event has all of, those that a demand names; null where any would do. */
function meeting(values: readonly string[], demand: TextDemand | undefined): readonly string[] | null | "unmet" {
  const { any_of: anyOf, none_of: noneOf = [] } = demand ?? {};
  if (values.some((value) => noneOf.includes(value))) return "unmet";
  if (anyOf === undefined) return null;
  const met = values.filter((value) => anyOf.includes(foldString(value)));
  return met.length > 0 ? met : "unmet";
}

function extrasOf({ schema }: Parts): CollectionPlan["extras"] {
  const read = (extra: Extra): string[] =>
    schema.fields.flatMap(({ name }) => (EVENT_CLASSES.some((event) => supplyOf(event, name) === extra) ? [name] : []));
  return { hashes: read("hashes"), environment: read("environment"), capabilities: read("capabilities") };
}

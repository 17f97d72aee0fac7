// What the manifest says of a rule -> the fields of ECS that say it, with their types.

import type { ManifestRule } from "@kestrel/stdlib/package-format";

/** The version of ECS whose fields stdlib/src/schema/fields.ts lists. */
export const ECS_VERSION = "9.2.0";

/** As Elastic counts them, so that alerts of both can be put in one order. */
const SEVERITY_NUMBERS: Readonly<Record<string, number>> = {
  informational: 1,
  low: 21,
  medium: 47,
  high: 73,
  critical: 99,
};

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** `event.severity`; undefined for a word that is not one of the five. */
export function severityNumber(severity: string): number | undefined {
  const word = severity.toLowerCase();
  return Object.hasOwn(SEVERITY_NUMBERS, word) ? SEVERITY_NUMBERS[word] : undefined;
}

/** What stands below `rule`, `ruleset` apart. What the rule does not say is left out. */
export function ruleFields({ id, name, version, description, author, references }: ManifestRule): object {
  return {
    id,
    ...(UUID.test(id) ? { uuid: id } : {}),
    name,
    version,
    ...(description === "" ? {} : { description }),
    ...(author.length === 0 ? {} : { author }),
    // ECS has room for one.
    ...(references.length === 0 ? {} : { reference: references[0] }),
  };
}

interface Names {
  readonly id: string[];
  readonly name: string[];
  readonly reference: string[];
}

/**
 * What stands below `threat`: lists of ids, names and references, nothing twice. What is not shaped like Elastic's `threat` is
 * left out.
 */
export function threatFields(threat: readonly unknown[]): object {
  const tactics = noNames();
  const techniques = noNames();
  const narrower = noNames();
  let framework: string | undefined;
  for (const entry of threat) {
    const named = memberOf(entry, "framework");
    if (typeof named === "string") framework ??= named;
    addNames(tactics, memberOf(entry, "tactic"));
    for (const technique of listOf(memberOf(entry, "technique"))) {
      addNames(techniques, technique);
      for (const subtechnique of listOf(memberOf(technique, "subtechnique"))) addNames(narrower, subtechnique);
    }
  }
  const subtechnique = written(narrower);
  const technique = { ...written(techniques), ...(isEmpty(subtechnique) ? {} : { subtechnique }) };
  const tactic = written(tactics);
  return {
    ...(framework === undefined ? {} : { framework }),
    ...(isEmpty(tactic) ? {} : { tactic }),
    ...(isEmpty(technique) ? {} : { technique }),
  };
}

function noNames(): Names {
  return { id: [], name: [], reference: [] };
}

function addNames(names: Names, item: unknown): void {
  const id = memberOf(item, "id");
  if (typeof id !== "string" || names.id.includes(id)) return;
  names.id.push(id);
  const name = memberOf(item, "name");
  if (typeof name === "string") names.name.push(name);
  const reference = memberOf(item, "reference");
  if (typeof reference === "string") names.reference.push(reference);
}

/** The lists that hold something. */
function written(names: Names): object {
  return Object.fromEntries(Object.entries(names).filter(([, list]) => list.length > 0));
}

function isEmpty(object: object): boolean {
  return Object.keys(object).length === 0;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

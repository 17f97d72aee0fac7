// Rules and the parts of their pack -> manifest and files of a package, in memory. The format is stdlib/src/package-format.ts.
//
// INVARIANT: the bytes depend on the rules, the options (a profile among them) and the compiler only; no clock, path or host goes in.

import { createHash } from "node:crypto";
import { ABI_VERSION } from "@kestrel/stdlib/abi";
import type { ManifestRule, PackageManifest } from "@kestrel/stdlib/package-format";
import {
  digestText,
  FORMAT_VERSION,
  LUA_FOLDER,
  MANIFEST_FILE,
  manifestText,
  SCHEMA_VERSION,
} from "@kestrel/stdlib/package-format";
import type { CompiledRule } from "../front.js";
import type { Threat } from "../rule/rule.js";
import type { PackParts, QueryOutline } from "./pack-parts.js";
import type { PackageSource } from "./source-names.js";

export interface PackageOptions {
  readonly name: string;
  readonly version: string;
  readonly compilerVersion: string;
  /** The event fields that the pack was compiled with. */
  readonly timestampField: string;
  readonly tiebreakerField: string | null;
  readonly categoryField: string;
  /** The same package with its predicates in Lua, to stand in a folder of this one. */
  readonly lua?: BuiltPackage;
}

export interface BuiltPackage {
  readonly manifest: PackageManifest;
  /** Every file of the package by its path, sorted; the manifest comes first. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const utf8 = new TextEncoder();

/** Orders rules by the bytes of their ids, so that a pack does not depend on the order in which its files were named. */
export function sortRules<R extends Pick<CompiledRule, "rule">>(rules: readonly R[]): R[] {
  return rules
    .map((item) => ({ item, id: utf8.encode(item.rule.id) }))
    .sort((a, b) => Buffer.compare(a.id, b.id))
    .map(({ item }) => item);
}

/** What of a rule stands in its package besides what was made of its query. */
export type PackagedRule = Pick<CompiledRule, "rule" | "query">;

/**
 * Builds the package of a pack: `parts` are of `rules`, in their order. `sources` holds the file of every rule, by `rule.source.file`;
 * files that gave no rule of the pack are left out. Throws RangeError when the source of a rule is not there.
 */
export function buildPackage(
  rules: readonly PackagedRule[],
  parts: PackParts,
  sources: ReadonlyMap<string, PackageSource>,
  options: PackageOptions,
): BuiltPackage {
  const contents = new Map(parts.files);
  const listedRules = rules.map((item, index) => {
    const source = sources.get(item.rule.source.file);
    const outline = parts.queries[index];
    if (source === undefined) throw new RangeError(`no source for ${item.rule.source.file}`);
    if (outline === undefined) throw new RangeError(`no query of rule ${index}`);
    const file = `sources/${source.name}`;
    // A file of a thousand rules is the source of each of them.
    if (!contents.has(file)) {
      contents.set(file, utf8.encode(source.text));
      const folder = source.name.slice(0, source.name.lastIndexOf("/") + 1);
      for (const { path, bytes } of source.beside ?? []) contents.set(`sources/${folder}${path}`, bytes);
    }
    return manifestRule(item, outline, source.name);
  });
  for (const [path, bytes] of options.lua?.files ?? []) contents.set(`${LUA_FOLDER}/${path}`, bytes);
  const { categories, fields, predicates, demands, programs, lineage, foreign } = parts;
  const listed = [...contents].sort(([a], [b]) => Buffer.compare(utf8.encode(a), utf8.encode(b)));
  const unsigned: PackageManifest = {
    format_version: FORMAT_VERSION,
    abi_version: ABI_VERSION,
    package: { name: options.name, version: options.version, digest: "" },
    compiler: { name: "eqlc", version: options.compilerVersion },
    schema: {
      version: SCHEMA_VERSION,
      timestamp_field: options.timestampField,
      tiebreaker_field: options.tiebreakerField,
      category_field: options.categoryField,
      ...(categories === undefined ? {} : { categories }),
      fields,
    },
    rules: listedRules,
    predicates,
    demands,
    programs,
    lineage,
    foreign,
    files: listed.map(([path, bytes]) => ({ path, bytes: bytes.length, sha256: sha256(bytes) })),
  };
  const digest = sha256(digestText(unsigned));
  const manifest: PackageManifest = { ...unsigned, package: { ...unsigned.package, digest } };
  return { manifest, files: new Map([[MANIFEST_FILE, utf8.encode(manifestText(manifest))], ...listed]) };
}

function manifestRule(
  { rule, query }: PackagedRule,
  { kind, keys, maxSpanMs }: QueryOutline,
  source: string,
): ManifestRule {
  const { capabilities: own } = rule;
  const attack = attackIds(rule.threat);
  return {
    id: rule.id,
    name: rule.name,
    kind,
    version: rule.version,
    description: rule.description,
    author: rule.author,
    severity: rule.severity,
    risk_score: rule.riskScore,
    tags: rule.tags,
    references: rule.references,
    threat: rule.threat,
    dialect: query.dialect,
    source,
    keys,
    capabilities: {
      // Whether an event alone decides; a sequence is complete only when its last event has happened.
      supports_inline: own?.supportsInline ?? kind === "event",
      requires_alert: true,
      requires_block: own?.requiresBlock ?? false,
      max_span_ms: maxSpanMs ?? own?.maxSpanMs ?? null,
      mitre_attack: [...new Set([...(own?.mitreAttack ?? []), ...attack])],
    },
  };
}

/** Ids of the techniques and sub-techniques, each once, as they come. */
function attackIds(threat: readonly Threat[]): readonly string[] {
  const techniques = threat.flatMap(({ technique }) => technique ?? []);
  const ids = techniques.flatMap(({ id, subtechnique }) => [id, ...(subtechnique ?? []).map((sub) => sub.id)]);
  return [...new Set(ids)];
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

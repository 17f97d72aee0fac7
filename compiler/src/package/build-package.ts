// Compiled pack -> manifest and files of a package, in memory. The format is stdlib/src/package-format.ts.
//
// INVARIANT: the bytes depend on the rules, the options (a profile among them) and the compiler only; no clock, path or host goes in.

import { createHash } from "node:crypto";
import { ABI_VERSION } from "@kestrel/stdlib/abi";
import type { ManifestForeign, ManifestRule, PackageManifest } from "@kestrel/stdlib/package-format";
import {
  digestText,
  FORMAT_VERSION,
  LUA_FOLDER,
  MANIFEST_FILE,
  MODULE_FILE,
  manifestText,
  PROFILE_FILE,
  SCHEMA_VERSION,
} from "@kestrel/stdlib/package-format";
import { programToJson, tableProblems } from "@kestrel/stdlib/sequence-tables";
import type { TypedQuery } from "../analyse/typed.js";
import { languageText } from "../backend/lua/language.js";
import type { CompiledPack, CompiledRule } from "../compile.js";
import type { Foreign } from "../ir/foreign.js";
import { rulesOf } from "../ir/origins.js";
import type { Threat } from "../rule/rule.js";
import { profileText } from "../sources/profile-file.js";
import { demandsOf } from "./circuit-to-demand.js";
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

/** What is loaded in front of generated predicates. */
const LIBRARY = "foreign/language.lua";
const NS_PER_MS = 1_000_000n;
const utf8 = new TextEncoder();

/** Orders rules by the bytes of their ids, so that a pack does not depend on the order in which its files were named. */
export function sortRules<R extends Pick<CompiledRule, "rule">>(rules: readonly R[]): R[] {
  return rules
    .map((item) => ({ item, id: utf8.encode(item.rule.id) }))
    .sort((a, b) => Buffer.compare(a.id, b.id))
    .map(({ item }) => item);
}

/**
 * Builds the package of a pack. `sources` holds the file of every rule, by `rule.source.file`; files that gave no rule of
 * the pack are left out. Throws RangeError when the source of a rule is not there, or the pack's programs make no sense.
 */
export function buildPackage(
  pack: CompiledPack,
  sources: ReadonlyMap<string, PackageSource>,
  options: PackageOptions,
): BuiltPackage {
  const contents = new Map<string, Uint8Array>([[MODULE_FILE, pack.lowered.binary]]);
  const rules = pack.rules.map((compiled) => {
    const source = sources.get(compiled.rule.source.file);
    if (source === undefined) throw new RangeError(`no source for ${compiled.rule.source.file}`);
    const file = `sources/${source.name}`;
    // A file of a thousand rules is the source of each of them.
    if (!contents.has(file)) {
      contents.set(file, utf8.encode(source.text));
      const folder = source.name.slice(0, source.name.lastIndexOf("/") + 1);
      for (const { path, bytes } of source.beside ?? []) contents.set(`sources/${folder}${path}`, bytes);
    }
    return manifestRule(compiled, source.name);
  });
  const foreign = pack.asked.foreigns.map((code, number): ManifestForeign => {
    const { file, ...listed } = manifestForeign(code, number, pack);
    contents.set(file, code.code);
    if (listed.library !== null) contents.set(listed.library, utf8.encode(languageText()));
    return { ...listed, file };
  });
  const profile = pack.ir.index?.profile ?? null;
  if (profile !== null) contents.set(PROFILE_FILE, utf8.encode(profileText(profile)));
  for (const [path, bytes] of options.lua?.files ?? []) contents.set(`${LUA_FOLDER}/${path}`, bytes);
  const problems = tableProblems(pack.ir, { rules, predicates: pack.ir.eventRules });
  if (problems.length > 0) throw new RangeError(problems.join("; "));
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
      ...askedCategories(pack.rules),
      fields: pack.lowered.fields.map(({ id, name, type }) => ({ id, name, type })),
    },
    rules,
    predicates: pack.ir.eventRules,
    demands: demandsOf(pack.ir),
    programs: pack.ir.programs.map(programToJson),
    lineage: pack.ir.lineage,
    foreign,
    files: listed.map(([path, bytes]) => ({ path, bytes: bytes.length, sha256: sha256(bytes) })),
  };
  const digest = sha256(digestText(unsigned));
  const manifest: PackageManifest = { ...unsigned, package: { ...unsigned.package, digest } };
  return { manifest, files: new Map([[MANIFEST_FILE, utf8.encode(manifestText(manifest))], ...listed]) };
}

/** A rule whose category stands in another field (the endgame dialect, an override) counts as one that takes any event. */
function askedCategories(rules: readonly CompiledRule[]): Pick<PackageManifest["schema"], "categories"> {
  const asked = new Set<string>();
  for (const { typed } of rules) {
    const terms = typed.kind === "event" ? [typed.term] : typed.terms;
    for (const { dialect, category } of terms) {
      if (category === null || dialect === "endgame" || typed.categoryField !== null) return {};
      asked.add(category);
    }
  }
  return { categories: [...asked].sort() };
}

function manifestRule({ rule, query, typed }: CompiledRule, source: string): ManifestRule {
  const { capabilities: own } = rule;
  const attack = attackIds(rule.threat);
  return {
    id: rule.id,
    name: rule.name,
    kind: typed.kind,
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
    keys: keyNames(typed),
    capabilities: {
      // Whether an event alone decides; a sequence is complete only when its last event has happened.
      supports_inline: own?.supportsInline ?? typed.kind === "event",
      requires_alert: true,
      requires_block: own?.requiresBlock ?? false,
      max_span_ms:
        (typed.kind === "sequence" || typed.kind === "join") && typed.maxspanNs !== null
          ? Number(typed.maxspanNs / NS_PER_MS)
          : (own?.maxSpanMs ?? null),
      mitre_attack: [...new Set([...(own?.mitreAttack ?? []), ...attack])],
    },
  };
}

function manifestForeign(
  code: Foreign,
  number: number,
  { asked: { atoms, origins }, lowered: { foreigns } }: CompiledPack,
): ManifestForeign {
  const lowered = foreigns[number];
  if (lowered === undefined) throw new RangeError(`nothing was lowered for ${code.name}`);
  return {
    name: code.name,
    rules: rulesOf(
      atoms.flatMap((atom, id) =>
        atom.kind === "foreign" && atom.foreign === number ? (origins.atoms[id] ?? []) : [],
      ),
    ),
    runtime: code.runtime,
    file: code.generated === undefined ? `foreign/${number}.${code.runtime}` : `foreign/${code.name}`,
    library: code.generated === undefined ? null : LIBRARY,
    limits: code.limits,
    readings: code.readings.map(({ id, name, as }, at) => ({
      field: code.generated === undefined ? id : at,
      name,
      type: as,
      slot: lowered.slots[at] ?? 0,
    })),
    patterns: {
      first: lowered.firstPattern,
      regexes: code.generated?.patterns.length ?? code.regexes.length,
      globs: code.globs.length,
    },
  };
}

/** Names of the join keys of a query's first term. */
export function keyNames(typed: TypedQuery): readonly string[] {
  return typed.kind === "event" ? [] : (typed.terms[0]?.keys.map(({ name }) => name) ?? []);
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

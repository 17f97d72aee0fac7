// Compiled pack -> what a package has of it whatever its rules are called: the files that were made, and most of the manifest. Data alone, so that it
// can be kept from build to build (pack-cache.ts).

import type { ManifestForeign, ManifestRule, PackageManifest } from "@kestrel/stdlib/package-format";
import { MODULE_FILE, PROFILE_FILE } from "@kestrel/stdlib/package-format";
import { programToJson, tableProblems } from "@kestrel/stdlib/sequence-tables";
import type { TypedQuery } from "../analyse/typed.js";
import { languageText } from "../backend/lua/language.js";
import type { CompiledPack } from "../compile.js";
import type { Foreign } from "../ir/foreign.js";
import { rulesOf } from "../ir/origins.js";
import { profileText } from "../sources/profile-file.js";
import { demandsOf } from "./circuit-to-demand.js";
import { type PackStats, statsOf } from "./pack-stats.js";

export interface PackParts
  extends Pick<PackageManifest, "predicates" | "demands" | "programs" | "lineage" | "foreign">,
    Pick<PackageManifest["schema"], "fields" | "categories"> {
  /** What the manifest says of the query of each rule. */
  readonly queries: readonly QueryOutline[];
  /** By their paths in the package: all but the manifest and what the rules were made of. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly stats: PackStats;
}

export interface QueryOutline extends Pick<ManifestRule, "kind" | "keys"> {
  /** null where the query names none. */
  readonly maxSpanMs: number | null;
}

/** What is loaded in front of generated predicates. */
const LIBRARY = "foreign/language.lua";
const NS_PER_MS = 1_000_000n;
const utf8 = new TextEncoder();

/** Throws RangeError when the pack's programs make no sense. */
export function partsOf(pack: CompiledPack): PackParts {
  const { ir, asked, lowered } = pack;
  const files = new Map([[MODULE_FILE, lowered.binary]]);
  const foreign = asked.foreigns.map((code, number) => {
    const listed = manifestForeign(code, number, pack);
    files.set(listed.file, code.code);
    if (listed.library !== null) files.set(listed.library, utf8.encode(languageText()));
    return listed;
  });
  const profile = ir.index?.profile ?? null;
  if (profile !== null) files.set(PROFILE_FILE, utf8.encode(profileText(profile)));
  const typed = pack.rules.map((rule) => rule.typed);
  const problems = tableProblems(ir, { rules: typed, predicates: ir.eventRules });
  if (problems.length > 0) throw new RangeError(problems.join("; "));
  return {
    queries: typed.map(outlineOf),
    files,
    ...askedCategories(typed),
    fields: lowered.fields.map(({ id, name, type }) => ({ id, name, type })),
    predicates: ir.eventRules,
    demands: demandsOf(ir),
    programs: ir.programs.map(programToJson),
    lineage: ir.lineage,
    foreign,
    stats: statsOf(pack),
  };
}

function outlineOf(typed: TypedQuery): QueryOutline {
  const span = typed.kind === "sequence" || typed.kind === "join" ? typed.maxspanNs : null;
  return { kind: typed.kind, keys: keyNames(typed), maxSpanMs: span === null ? null : Number(span / NS_PER_MS) };
}

/** Names of the join keys of a query's first term. */
export function keyNames(typed: TypedQuery): readonly string[] {
  return typed.kind === "event" ? [] : (typed.terms[0]?.keys.map(({ name }) => name) ?? []);
}

/** A rule whose category stands in another field (the endgame dialect, an override) counts as one that takes any event. */
function askedCategories(queries: readonly TypedQuery[]): Pick<PackParts, "categories"> {
  const asked = new Set<string>();
  for (const typed of queries) {
    const terms = typed.kind === "event" ? [typed.term] : typed.terms;
    for (const { dialect, category } of terms) {
      if (category === null || dialect === "endgame" || typed.categoryField !== null) return {};
      asked.add(category);
    }
  }
  return { categories: [...asked].sort() };
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
    file: code.generated === undefined ? `foreign/${number}.${code.runtime}` : `foreign/${code.name}`,
  };
}

// The value that stands in manifest.json -> a PackageManifest, or every place where it is not one.
//
// INVARIANT: what passes has the types that package-format.ts declares and indexes that lead somewhere, so nothing behind
// the loader looks at the manifest's shape again.

import { ABI_VERSION } from "@kestrel/stdlib/abi";
import { FOREIGN_FUEL, FOREIGN_MEMORY_BYTES, GENERATED_FUEL, GENERATED_MEMORY_BYTES } from "@kestrel/stdlib/host-api";
import type { ManifestForeign, PackageManifest, RuleKind } from "@kestrel/stdlib/package-format";
import { FORMAT_VERSION, MANIFEST_FILE, MODULE_FILE, SCHEMA_VERSION } from "@kestrel/stdlib/package-format";
import type { FieldType } from "@kestrel/stdlib/schema/types";
import { checkProgramShapes } from "./check-programs.js";
import type { CutManifest } from "./cut-manifest.js";
import {
  arrayAt,
  boolean,
  count,
  type Fail,
  isCount,
  isObject,
  type JsonObject,
  nameOf,
  objectAt,
  oneOf,
  textList,
  texts,
} from "./json-shape.js";
import type { Report } from "./problems.js";

const KINDS: readonly RuleKind[] = ["event", "sequence", "sample", "join"];
const TYPES: readonly FieldType[] = ["keyword", "ip", "version", "long", "double", "boolean", "date", "object"];
const RUNTIMES: readonly ManifestForeign["runtime"][] = ["wasm", "lua"];
const READ_AS: readonly (FieldType | "raw")[] = [...TYPES, "raw"];
/** What no foreign code may have more of. */
const MOST = { fuel: FOREIGN_FUEL, memory_bytes: FOREIGN_MEMORY_BYTES };
const MOST_GENERATED = { fuel: GENERATED_FUEL, memory_bytes: GENERATED_MEMORY_BYTES };
const SHA256 = /^[0-9a-f]{64}$/;

/** Reports what is wrong with `value`, and returns it as a manifest when nothing is. */
export function checkManifest(value: unknown, report: Report): PackageManifest | null {
  return checkParts(value, report, {
    rules: (own, fail) => checkRulesOf(own.rules, fail),
    demands: (own, rules, fail) => checkDemandsOf(own.demands, own.predicates, rules, fail),
    files: (own, fail) => checkFilesOf(own.files, fail),
  });
}

/** The same of a manifest without what was cut out, which is not looked at: of the rules their ids and kinds, of the files the first. */
export function checkCut({ value, ids, kinds, firstFiles }: CutManifest, report: Report): PackageManifest | null {
  return checkParts(value, report, {
    rules: (_, fail) => {
      textList(ids, "ids", fail);
      if (new Set(ids).size < ids.length) fail("ids", "one stands there twice");
      return kinds.map((kind) => oneOf(kind, KINDS, "kinds", fail));
    },
    demands: () => undefined,
    files: (_, fail) => checkFilesOf(firstFiles, fail),
  });
}

/** How the parts of a manifest are checked that may be elsewhere. */
interface PartChecks {
  /** Returns the kind of each rule, null where it has none. */
  readonly rules: (manifest: JsonObject, fail: Fail) => (RuleKind | null)[];
  readonly demands: (manifest: JsonObject, rules: number, fail: Fail) => void;
  readonly files: (manifest: JsonObject, fail: Fail) => void;
}

function checkParts(value: unknown, report: Report, parts: PartChecks): PackageManifest | null {
  if (!isObject(value)) {
    report("E_PACKAGE_MANIFEST", MANIFEST_FILE, `expected an object, found ${nameOf(value)}`);
    return null;
  }
  if ("metadata" in value && !("package" in value)) {
    const message = "this is the manifest of a single rule written by hand; eqlc builds packages from such rules";
    report("E_PACKAGE_FORMAT", MANIFEST_FILE, message);
    return null;
  }
  // Another format may have any shape, so nothing more can be said about it.
  if (value.format_version !== FORMAT_VERSION) {
    const found = JSON.stringify(value.format_version) ?? "nothing";
    report("E_PACKAGE_FORMAT", MANIFEST_FILE, `format_version is ${found}; this runtime reads "${FORMAT_VERSION}"`);
    return null;
  }
  let failures = 0;
  const fail: Fail = (path, message) => {
    failures++;
    report("E_PACKAGE_MANIFEST", MANIFEST_FILE, `${path}: ${message}`);
  };
  const abi = value.abi_version;
  if (abi !== ABI_VERSION) {
    const found = JSON.stringify(abi) ?? "nothing";
    failures++;
    report("E_PACKAGE_ABI", MANIFEST_FILE, `abi_version is ${found}; this runtime speaks ${ABI_VERSION}`);
  }
  checkPackage(value.package, fail);
  const compiler = objectAt(value.compiler, "compiler", fail);
  if (compiler !== null) texts(compiler, "compiler", ["name", "version"], fail);
  checkSchema(value.schema, fail);
  const kinds = parts.rules(value, fail);
  checkPredicates(value.predicates, kinds, fail);
  parts.demands(value, kinds.length, fail);
  checkProgramShapes(value.programs, value.lineage, fail);
  checkForeign(value.foreign, kinds.length, fail);
  parts.files(value, fail);
  return failures === 0 ? (value as unknown as PackageManifest) : null;
}

/** Why a listed path is refused, or null for one that stays inside the package. */
export function pathProblem(path: string): string | null {
  if (path === "") return "an empty path";
  if (path.includes("\0")) return "a path with a NUL character";
  if (path.includes("\\")) return "a path with a backslash";
  if (path.startsWith("/") || /^[A-Za-z]:/.test(path)) return "an absolute path";
  const parts = path.split("/");
  if (parts.includes("..")) return "a path that leaves the package";
  if (parts.includes("") || parts.includes(".")) return "a path with an empty part";
  return null;
}

function checkForeign(value: unknown, rules: number, fail: Fail): void {
  for (const [index, item] of arrayAt(value, "foreign", fail).entries()) {
    const path = `foreign[${index}]`;
    const found = objectAt(item, path, fail);
    if (found === null) continue;
    texts(found, path, ["name", "file"], fail);
    for (const [at, rule] of arrayAt(found.rules, `${path}.rules`, fail).entries()) {
      const place = `${path}.rules[${at}]`;
      if (count(rule, place, fail) && rule >= rules) fail(place, `there is no rule ${rule}`);
    }
    oneOf(found.runtime, RUNTIMES, `${path}.runtime`, fail);
    const limits = objectAt(found.limits, `${path}.limits`, fail);
    if (found.library !== null) texts(found, path, ["library"], fail);
    for (const [name, most] of Object.entries(found.library === null ? MOST : MOST_GENERATED)) {
      const limit = limits?.[name];
      if (limits === null || !count(limit, `${path}.limits.${name}`, fail)) continue;
      if (limit > most) fail(`${path}.limits.${name}`, `${limit} is more than ${most}`);
    }
    for (const [at, reading] of arrayAt(found.readings, `${path}.readings`, fail).entries()) {
      const place = `${path}.readings[${at}]`;
      const one = objectAt(reading, place, fail);
      if (one === null) continue;
      texts(one, place, ["name"], fail);
      for (const name of ["field", "slot"]) count(one[name], `${place}.${name}`, fail);
      oneOf(one.type, READ_AS, `${place}.type`, fail);
    }
    const patterns = objectAt(found.patterns, `${path}.patterns`, fail);
    if (patterns === null) continue;
    for (const name of ["first", "regexes", "globs"]) count(patterns[name], `${path}.patterns.${name}`, fail);
  }
}

function checkPackage(value: unknown, fail: Fail): void {
  const found = objectAt(value, "package", fail);
  if (found === null) return;
  texts(found, "package", ["name", "version", "digest"], fail);
  if (found.name === "") fail("package.name", "is empty");
  const digest = found.digest;
  if (typeof digest === "string" && !SHA256.test(digest)) fail("package.digest", "expected 64 hexadecimal digits");
}

function checkSchema(value: unknown, fail: Fail): void {
  const schema = objectAt(value, "schema", fail);
  if (schema === null) return;
  texts(schema, "schema", ["version", "timestamp_field", "category_field"], fail);
  const version = schema.version;
  if (typeof version === "string" && version !== SCHEMA_VERSION) {
    fail("schema.version", `"${version}" is not known; this runtime knows "${SCHEMA_VERSION}"`);
  }
  if (schema.categories !== undefined) textList(schema.categories, "schema.categories", fail);
  const tiebreaker = schema.tiebreaker_field;
  if (tiebreaker !== null && typeof tiebreaker !== "string") {
    fail("schema.tiebreaker_field", `expected a string or null, found ${nameOf(tiebreaker)}`);
  }
  const types = new Set<unknown>(TYPES);
  for (const [index, item] of arrayAt(schema.fields, "schema.fields", fail).entries()) {
    if (isObject(item) && isCount(item.id) && typeof item.name === "string" && types.has(item.type)) continue;
    const path = `schema.fields[${index}]`;
    const field = objectAt(item, path, fail);
    if (field === null) continue;
    count(field.id, `${path}.id`, fail);
    texts(field, path, ["name"], fail);
    oneOf(field.type, TYPES, `${path}.type`, fail);
  }
}

/** Returns the kind of each rule, null where it has none. */
export function checkRulesOf(value: unknown, fail: Fail): (RuleKind | null)[] {
  const ids = new Map<string, number>();
  return arrayAt(value, "rules", fail).map((item, index) => {
    const path = `rules[${index}]`;
    const rule = objectAt(item, path, fail);
    if (rule === null) return null;
    texts(rule, path, ["id", "name", "version", "description", "severity", "dialect", "source"], fail);
    const id = rule.id;
    if (typeof id === "string") {
      const first = ids.get(id);
      if (first === undefined) ids.set(id, index);
      else fail(`${path}.id`, `"${id}" is the id of rules[${first}] already`);
    }
    const score = rule.risk_score;
    if (score !== null && typeof score !== "number") {
      fail(`${path}.risk_score`, `expected a number or null, found ${nameOf(score)}`);
    }
    for (const name of ["author", "tags", "references", "keys"]) textList(rule[name], `${path}.${name}`, fail);
    arrayAt(rule.threat, `${path}.threat`, fail);
    checkCapabilities(rule.capabilities, `${path}.capabilities`, fail);
    return oneOf(rule.kind, KINDS, `${path}.kind`, fail);
  });
}

function checkCapabilities(value: unknown, path: string, fail: Fail): void {
  const found = objectAt(value, path, fail);
  if (found === null) return;
  for (const name of ["supports_inline", "requires_alert", "requires_block"])
    boolean(found[name], `${path}.${name}`, fail);
  const span = found.max_span_ms;
  if (span !== null && typeof span !== "number") {
    fail(`${path}.max_span_ms`, `expected a number or null, found ${nameOf(span)}`);
  }
  textList(found.mitre_attack, `${path}.mitre_attack`, fail);
}

function checkPredicates(value: unknown, kinds: readonly (RuleKind | null)[], fail: Fail): void {
  const decides = (rule: unknown): boolean => isCount(rule) && kinds[rule] === "event";
  for (const [predicate, item] of arrayAt(value, "predicates", fail).entries()) {
    // There are thousands, of which none is wrong: their places are only written where one is.
    if (Array.isArray(item) && item.every(decides)) continue;
    for (const [at, rule] of arrayAt(item, `predicates[${predicate}]`, fail).entries()) {
      const path = `predicates[${predicate}][${at}]`;
      if (!count(rule, path, fail)) continue;
      const kind = kinds[rule];
      if (kind === undefined) fail(path, `there is no rule ${rule}`);
      else if (kind !== null && kind !== "event") fail(path, `rule ${rule} is a ${kind}, not an event rule`);
    }
  }
}

/** There is one for each predicate, and all rules that they name are there. */
export function checkDemandsOf(value: unknown, predicates: unknown, rules: number, fail: Fail): void {
  const demands = arrayAt(value, "demands", fail);
  if (Array.isArray(value) && Array.isArray(predicates) && demands.length !== predicates.length) {
    fail("demands", `there are ${demands.length} for ${predicates.length} predicates`);
  }
  for (let index = 0; index < demands.length; index++) {
    const item = demands[index];
    if (item === null) continue;
    const path = `demands[${index}]`;
    const demand = objectAt(item, path, fail);
    if (demand === null) continue;
    const asking = arrayAt(demand.rules, `${path}.rules`, fail);
    for (let at = 0; at < asking.length; at++) {
      const rule = asking[at];
      if (isCount(rule) && rule < rules) continue;
      const where = `${path}.rules[${at}]`;
      if (count(rule, where, fail)) fail(where, `there is no rule ${rule}`);
    }
    textList(demand.fields, `${path}.fields`, fail);
    if (demand.paths !== undefined) textList(demand.paths, `${path}.paths`, fail);
    checkTextDemand(demand.category, `${path}.category`, fail);
    checkTextDemand(demand.type, `${path}.type`, fail);
    checkTextDemand(demand.action, `${path}.action`, fail);
  }
}

function checkTextDemand(value: unknown, path: string, fail: Fail): void {
  if (value === undefined) return;
  const texts = objectAt(value, path, fail);
  if (texts === null) return;
  if (texts.any_of !== undefined) textList(texts.any_of, `${path}.any_of`, fail);
  if (texts.none_of !== undefined) textList(texts.none_of, `${path}.none_of`, fail);
}

export function checkFilesOf(value: unknown, fail: Fail): void {
  const paths = new Set<string>();
  for (const [index, item] of arrayAt(value, "files", fail).entries()) {
    const at = `files[${index}]`;
    const file = objectAt(item, at, fail);
    if (file === null) continue;
    texts(file, at, ["path", "sha256"], fail);
    count(file.bytes, `${at}.bytes`, fail);
    const { path, sha256 } = file;
    if (typeof sha256 === "string" && !SHA256.test(sha256)) fail(`${at}.sha256`, "expected 64 hexadecimal digits");
    if (typeof path !== "string") continue;
    const problem = pathProblem(path);
    if (problem !== null) fail(`${at}.path`, `${JSON.stringify(path)} is ${problem}`);
    if (path === MANIFEST_FILE) fail(`${at}.path`, "the manifest cannot list itself");
    if (paths.has(path)) fail(`${at}.path`, `${JSON.stringify(path)} is listed twice`);
    paths.add(path);
  }
  if (!Array.isArray(value)) return;
  if (!paths.has(MODULE_FILE)) fail("files", `${MODULE_FILE} is not listed`);
}

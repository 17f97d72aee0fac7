// The bytes of manifest.json -> a manifest that has passed every check, and what a run needs of its lists.
//
// INVARIANT: all bytes of a manifest that is given out are those that were written, by its digest.
// INVARIANT: `rules`, `demands` and `files` of a manifest that is not read whole have their right shape as well, or asking for them throws PackageError: they are checked
// when they are asked for. Whatever else is wrong is reported when the manifest is read, and then everything at once.

import { isAscii } from "node:buffer";
import { createHash } from "node:crypto";
import { digestText, MANIFEST_FILE, type ManifestRule, type PackageManifest } from "@kestrel/stdlib/package-format";
import { checkCut, checkDemandsOf, checkFilesOf, checkManifest, checkRulesOf } from "./check-manifest.js";
import { type CutManifest, cutManifest } from "./cut-manifest.js";
import type { Fail } from "./json-shape.js";
import { PackageError, type PackageProblem, type Report } from "./problems.js";

/** What a run needs of every rule. */
export type RuleHead = Pick<ManifestRule, "id" | "kind">;

export interface ReadManifest {
  readonly manifest: PackageManifest;
  readonly heads: readonly RuleHead[];
  /** The beginning of manifest.files, where everything stands that can be run; or all of it. */
  readonly firstFiles: PackageManifest["files"];
}

/** null, with reasons reported, for what is no sound manifest; `isWhole` to check at once what few runs need. */
export function readManifest(bytes: Buffer, isWhole: boolean, report: Report): ReadManifest | null {
  return (isWhole ? null : readCut(bytes)) ?? readWhole(bytes, report);
}

/** Reports where a manifest is not the one that was written. */
export function checkDigest(manifest: PackageManifest, report: Report): void {
  const found = createHash("sha256").update(digestText(manifest)).digest("hex");
  if (found === manifest.package.digest) return;
  const message = `its digest is ${found}, not ${manifest.package.digest}: the manifest was changed after it was built`;
  report("E_PACKAGE_DIGEST", MANIFEST_FILE, message);
}

function readWhole(bytes: Buffer, report: Report): ReadManifest | null {
  let value: unknown;
  try {
    value = JSON.parse(isAscii(bytes) ? bytes.toString("latin1") : bytes.toString("utf8"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    report("E_PACKAGE_MANIFEST", MANIFEST_FILE, `is not JSON: ${reason}`);
    return null;
  }
  const manifest = checkManifest(value, report);
  if (manifest === null) return null;
  if (!hasOwnDigest(bytes, manifest)) checkDigest(manifest, report);
  return { manifest, heads: manifest.rules, firstFiles: manifest.files };
}

/** null where something is wrong with it, which is for {@link readWhole} to say, or where it is laid out in another way. */
function readCut(bytes: Buffer): ReadManifest | null {
  const cut = cutManifest(bytes);
  if (cut === null) return null;
  let isSound = true;
  const manifest = checkCut(cut, () => {
    isSound = false;
  });
  if (manifest === null || !isSound || !hasOwnDigest(bytes, manifest)) return null;
  const firstFiles = cut.firstFiles as PackageManifest["files"];
  const first = new Set<string | null>(firstFiles.map(({ path }) => path)).add(null);
  if (manifest.foreign.some(({ file, library }) => !first.has(file) || !first.has(library))) return null;
  const heads = cut.ids.map((id, index) => ({ id, kind: cut.kinds[index] })) as RuleHead[];
  defineLater(manifest, "rules", () => {
    const rules = asJson(cut.rules);
    orThrow((fail) => {
      checkRulesOf(rules, fail);
      if (!areOf(heads, rules)) fail("rules", "their ids and kinds do not stand in lines of their own");
    });
    return rules;
  });
  defineLater(manifest, "demands", () => {
    const demands = asJson(cut.demands);
    orThrow((fail) => checkDemandsOf(demands, manifest.predicates, heads.length, fail));
    return demands;
  });
  defineLater(manifest, "files", () => {
    const files = asJson(cut.files);
    orThrow((fail) => checkFilesOf(files, fail));
    return files;
  });
  return { manifest, heads, firstFiles };
}

/**
 * Whether the digest is that of the bytes without the digest itself. Making the text anew from the parsed manifest gives the same for
 * a manifest that nobody has laid out in another way, but takes longer than reading it.
 */
function hasOwnDigest(bytes: Buffer, { package: { digest } }: Pick<PackageManifest, "package">): boolean {
  const at = bytes.indexOf(digest, 0, "latin1");
  const rest = bytes.subarray(at + digest.length);
  return createHash("sha256").update(bytes.subarray(0, at)).update(rest).digest("hex") === digest;
}

/** Whether what was taken of the rules' lines is what their JSON says. */
function areOf(heads: readonly RuleHead[], rules: unknown): boolean {
  const own = rules as readonly Partial<RuleHead>[];
  return own.length === heads.length && heads.every(({ id, kind }, at) => own[at]?.id === id && own[at]?.kind === kind);
}

/** What was cut out, as a PackageError where that is no JSON. */
function asJson(parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PackageError([{ code: "E_PACKAGE_MANIFEST", file: MANIFEST_FILE, message: `is not JSON: ${reason}` }]);
  }
}

function orThrow(check: (fail: Fail) => void): void {
  const problems: PackageProblem[] = [];
  check((path, message) =>
    problems.push({ code: "E_PACKAGE_MANIFEST", file: MANIFEST_FILE, message: `${path}: ${message}` }),
  );
  if (problems.length > 0) throw new PackageError(problems);
}

/** A property that is made when it is asked for, once. */
function defineLater(object: object, name: keyof CutManifest & string, make: () => unknown): void {
  const property = { enumerable: true, configurable: true };
  const get = (): unknown => {
    const value = make();
    Object.defineProperty(object, name, { ...property, value });
    return value;
  };
  Object.defineProperty(object, name, { ...property, get });
}

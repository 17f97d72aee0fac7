// What stands in an artifact package, for the writer in the compiler and the loader in the runtime.
//
//   manifest.json   this file's PackageManifest, as JSON in ASCII with two-space indent and a final line feed
//   module.wasm     decoder, index and predicates; interface in abi.ts
//   foreign/…       code that was written by hand: Wasm modules, which are instrumented, and chunks of Lua; and with `--target lua`
//                   predicates as Lua, whose library stands in foreign/language.lua
//   lua/…           with `--target both`: the same package once more, its predicates in Lua
//   profile.json    only in a package whose index was steered by one: what was counted, as `eqlc profile` writes it
//   sources/…       the rule files as they were compiled
//   manifest.sig    only in a package that was signed: SignatureFile as JSON
//   .pending/…      only while a package is being replaced, or where that was broken off: files by their SHA-256
//
// A package is replaced in its folder: the files that differ are written to `.pending/`, the new manifest takes the place of the
// old one in a single step, then the files go to their names, and `.pending/` goes. So a listed file is at its name or in
// `.pending/`, and a reader whose files are in neither place reads the manifest again, which is then another one.
//
// `files` lists every file but the manifest, sorted by path. `package.digest` is the SHA-256 of the manifest itself,
// written as it is but with an empty digest; through `files` it covers the whole package.
//
// Digests say that nothing was damaged; who built the package they do not say, since whoever can write the folder can write them too.
// A signature covers `signedText`: the SHA-256 of the manifest's bytes as they stand in the file, and until when it is good.
// A signature file of another manifest is worth nothing, and goes when a package is replaced by another one.

import type { FieldType } from "./schema/types.js";
import type { LineageProgram, ProgramJson } from "./sequence-tables.js";

export const FORMAT_VERSION = "4.0";
export const SCHEMA_VERSION = "1.0";
export const MANIFEST_FILE = "manifest.json";
export const MODULE_FILE = "module.wasm";
export const PROFILE_FILE = "profile.json";
export const PENDING_FOLDER = ".pending";
export const SIGNATURE_FILE = "manifest.sig";

export const SIGNATURE_VERSION = "1.0";
export const SIGNATURE_ALGORITHM = "ed25519";
/** A key's id: so many hexadecimal digits of the SHA-256 of the public key, as DER of its SubjectPublicKeyInfo. */
export const KEY_ID_DIGITS = 32;
/** No signature file is larger; it would be room for a few thousand keys. */
export const MOST_SIGNATURE_BYTES = 1 << 20;
/** Of the same package with its predicates in Lua. */
export const LUA_FOLDER = "lua";

export type RuleKind = "event" | "sequence" | "sample" | "join";

export interface ManifestRule {
  readonly id: string;
  readonly name: string;
  readonly kind: RuleKind;
  readonly version: string;
  readonly description: string;
  readonly author: readonly string[];
  readonly severity: string;
  readonly risk_score: number | null;
  readonly tags: readonly string[];
  readonly references: readonly string[];
  /** ATT&CK mapping in the shape of Elastic's `threat` key. */
  readonly threat: readonly unknown[];
  readonly dialect: string;
  /** Path below `sources/`. */
  readonly source: string;
  /** Names of the join keys of a sequence's or sample's first term. */
  readonly keys: readonly string[];
  readonly capabilities: {
    readonly supports_inline: boolean;
    readonly requires_alert: boolean;
    readonly requires_block: boolean;
    readonly max_span_ms: number | null;
    readonly mitre_attack: readonly string[];
  };
}

/** Texts that the values of a field must have. */
export interface TextDemand {
  /** One of the values must be one of these; compared by simple case folding, and folded here. Absent where any will do. */
  readonly any_of?: readonly string[];
  /** None of the values may be one of these, letter by letter. Absent where none is excluded. */
  readonly none_of?: readonly string[];
}

/**
 * What every event has for which a predicate holds; whoever makes events need not make others. An event that has all this may still not
 * match.
 */
export interface Demand {
  /** Who asks: indexes into `rules`, ascending. */
  readonly rules: readonly number[];
  /** Of `event.category`, `event.type` and `event.action`; absent where nothing narrows them. */
  readonly category?: TextDemand;
  readonly type?: TextDemand;
  readonly action?: TextDemand;
  /** Fields that must have a value, sorted. An object field has one when anything stands below it. */
  readonly fields: readonly string[];
  /**
   * What a value of `file.path` must begin with: one of these ASCII texts, in lower case. A path is compared byte by byte with its ASCII
   * letters in lower case, and passes where its first other byte is beyond ASCII, since that may be a letter of another case.
   * Absent where nothing narrows it.
   */
  readonly paths?: readonly string[];
}

/** Code of a pack that the runtime runs when the module asks for it; its place in the list is its number there. */
export interface ManifestForeign {
  /** For people: the id of the package that it came in. */
  readonly name: string;
  /** Who asks it: indexes into `rules`, ascending. */
  readonly rules: readonly number[];
  readonly runtime: "wasm" | "lua";
  readonly file: string;
  /** Of a predicate that eqlc has made: what is loaded in front of it. null for code that was written by hand. */
  readonly library: string | null;
  readonly limits: { readonly fuel: number; readonly memory_bytes: number };
  /** What it may ask for: by which number, and the module's slot with the values. `raw` is JSON text. */
  readonly readings: readonly {
    readonly field: number;
    readonly name: string;
    readonly type: FieldType | "raw";
    readonly slot: number;
  }[];
  /** The module's numbers of its patterns: `regexes` from the first, then `globs`. */
  readonly patterns: { readonly first: number; readonly regexes: number; readonly globs: number };
}

export interface PackageManifest {
  readonly format_version: string;
  readonly abi_version: number;
  readonly package: { readonly name: string; readonly version: string; readonly digest: string };
  readonly compiler: { readonly name: string; readonly version: string };
  readonly schema: {
    readonly version: string;
    readonly timestamp_field: string;
    readonly tiebreaker_field: string | null;
    readonly category_field: string;
    /** The values of that field that rules ask for, sorted; absent when some rule takes events of any. */
    readonly categories?: readonly string[];
    /** The fields that the pack reads, sorted by name. */
    readonly fields: readonly { readonly id: number; readonly name: string; readonly type: FieldType }[];
  };
  readonly rules: readonly ManifestRule[];
  /** For each predicate, the event rules (indexes into `rules`) that it decides; programs refer to predicates themselves. */
  readonly predicates: readonly (readonly number[])[];
  /** For each predicate, what it asks of its events; null for late tests, which are made of events that came already. */
  readonly demands: readonly (Demand | null)[];
  /** What the rules do that a predicate alone does not decide, and the process trees that lineage tests ask. */
  readonly programs: readonly ProgramJson[];
  readonly lineage: readonly LineageProgram[];
  readonly foreign: readonly ManifestForeign[];
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
}

export interface ManifestSignature {
  /** No two signatures of a file are of one key. */
  readonly key_id: string;
  readonly algorithm: string;
  /** The moment from which it counts no longer, as 2027-01-31T00:00:00Z; null for never. */
  readonly expires: string | null;
  /** The signature of `signedText`, in base64. */
  readonly signature: string;
}

export interface SignatureFile {
  readonly signature_version: string;
  /** Sorted by key. */
  readonly signatures: readonly ManifestSignature[];
}

/** What is signed, as UTF-8; `sha256` is that of the manifest's bytes. The first line keeps it apart from all else that a key may sign. */
export function signedText(sha256: string, expires: string | null): string {
  return `Kestrel package manifest, signature ${SIGNATURE_VERSION}\nsha256 ${sha256}\nexpires ${expires ?? "never"}\n`;
}

/** The manifest's bytes, all of them ASCII, which is read in half the time; `JSON.parse` of them gives the manifest back. */
export function manifestText(manifest: PackageManifest): string {
  const text = JSON.stringify(manifest, null, 2);
  return `${text.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)}\n`;
}

/** The text whose SHA-256 is the package's digest. */
export function digestText(manifest: PackageManifest): string {
  return manifestText({ ...manifest, package: { ...manifest.package, digest: "" } });
}

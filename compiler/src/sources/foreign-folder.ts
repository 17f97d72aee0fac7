// The folder of a hand-written rule -> its manifest, its code as it stands there and its patterns.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { readForeignManifest } from "./foreign-manifest.js";
import { GLOB_FILE, REGEX_FILE, readGlobs, readRegexes } from "./foreign-resources.js";
import {
  CODE_FILES,
  type CodeFile,
  FOREIGN_FORMAT,
  FOREIGN_MANIFEST,
  type ForeignFile,
  type ForeignSource,
} from "./foreign-source.js";
import { fileProblem, type SourceFile } from "./source-file.js";
import { isTable } from "./values.js";

export interface ForeignFolder {
  /** null where anything is wrong. */
  readonly source: ForeignSource | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** A file of a rule has at most so many bytes: what is larger is no rule that somebody wrote. */
export const MOST_FILE_BYTES = 4 * 1024 * 1024;
const MOST_PATTERN_FILE_BYTES = 256 * 1024;

/**
 * Whether a folder, whose names are given, is that of a hand-written rule and no package that eqlc built: a manifest beside code. Where
 * the manifest is broken the code alone tells; where the code was forgotten the manifest does.
 */
export function isForeignFolder(folder: string, names: readonly string[]): boolean {
  if (!names.includes(FOREIGN_MANIFEST)) return false;
  if (CODE_FILES.some((name) => names.includes(name))) return true;
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, FOREIGN_MANIFEST), "utf8"));
    return (
      isTable(manifest) &&
      manifest.format_version === FOREIGN_FORMAT &&
      "metadata" in manifest &&
      "capabilities" in manifest
    );
  } catch {
    return false;
  }
}

/** Whether a name in such a folder belongs to the rule, or is what stands beside one; not what could be another rule, or hold one. */
export function isPartOfForeign(name: string): boolean {
  return name === FOREIGN_MANIFEST || name === "resources" || /\.(?!toml$|eql$|ya?ml$|json$)\w+$/i.test(name);
}

/** Reads the folder at `path`. Never throws: what cannot be read becomes a diagnostic. */
export function readForeignFolder(path: string): ForeignFolder {
  const diagnostics: Diagnostic[] = [];
  const report = (problem: Diagnostic): void => {
    diagnostics.push(problem);
  };
  const files: ForeignFile[] = [];
  const read = (name: string, most: number): Uint8Array | null => {
    const bytes = readBytes(below(path, name), most, report);
    if (bytes !== null) files.push({ path: name, bytes });
    return bytes;
  };
  const readAsText = (name: string, most = MOST_FILE_BYTES): SourceFile | null => {
    const bytes = read(name, most);
    return bytes === null ? null : decode(below(path, name), bytes, report);
  };

  const manifest = readAsText(FOREIGN_MANIFEST);
  const about = manifest === null ? null : readForeignManifest(manifest);
  diagnostics.push(...(about?.diagnostics ?? []));
  const present = namesIn(path);
  const codeFile = chooseCode(path, present, report);
  const code = codeFile === null ? null : codeFile === "rule.wasm" ? read(codeFile, MOST_FILE_BYTES) : null;
  let text: SourceFile | null = null;
  if (codeFile !== null && codeFile !== "rule.wasm") text = readAsText(codeFile);
  // What a rule was made from goes along with it, and what its source imports.
  for (const name of present) if (isBeside(name, codeFile)) readAsText(name);
  const regexes = present.includes(REGEX_FILE) ? readAsText(REGEX_FILE, MOST_PATTERN_FILE_BYTES) : null;
  const globs = present.includes(GLOB_FILE) ? readAsText(GLOB_FILE, MOST_PATTERN_FILE_BYTES) : null;
  const patterns = {
    regexes: regexes === null ? [] : readRegexes(regexes, report),
    globs: globs === null ? [] : readGlobs(globs, report),
  };
  const bytes = text === null ? code : new TextEncoder().encode(text.text);
  const found = about?.manifest ?? null;
  if (diagnostics.length > 0 || manifest === null || found === null || codeFile === null || bytes === null) {
    return { source: null, diagnostics };
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { source: { folder: path, manifest, codeFile, code: bytes, ...found, ...patterns, files }, diagnostics };
}

/** The names in the folder, and in its resources. */
function namesIn(path: string): readonly string[] {
  const list = (folder: string): string[] => {
    try {
      return readdirSync(folder).sort();
    } catch {
      return [];
    }
  };
  return [...list(path), ...list(join(path, "resources")).map((name) => `resources/${name}`)];
}

function isBeside(name: string, codeFile: CodeFile | null): boolean {
  if (name === codeFile) return false;
  if (codeFile === "rule.wasm") return name === "rule.wat" || name === "rule.as.ts";
  return codeFile === "rule.as.ts" && name.endsWith(".ts");
}

/** The one file that is the rule's code. */
function chooseCode(path: string, present: readonly string[], report: (problem: Diagnostic) => void): CodeFile | null {
  const found = CODE_FILES.filter((name) => present.includes(name));
  const [first, ...others] = found;
  const place: SourceFile = { path, text: "", named: false };
  if (first === undefined) {
    report(fileProblem(place, "E0701", `the folder has a manifest and no code: none of ${CODE_FILES.join(", ")}`));
    return null;
  }
  const clash = others.filter((name) => first !== "rule.wasm" || name === "predicate.lua");
  if (clash.length === 0) return first;
  report(
    fileProblem(
      place,
      "E0701",
      `the folder has the code of two rules, ${first} and ${clash.join(", ")}`,
      undefined,
      "a folder holds one rule",
    ),
  );
  return null;
}

function readBytes(path: string, most: number, report: (problem: Diagnostic) => void): Uint8Array | null {
  const place: SourceFile = { path, text: "", named: false };
  try {
    const stats = statSync(path);
    if (!stats.isFile()) {
      report(fileProblem(place, "E0701", "it is no file"));
      return null;
    }
    if (stats.size > most) {
      report(fileProblem(place, "E0701", `the file has ${stats.size} bytes, and more than ${most} are not read`));
      return null;
    }
    const buffer = readFileSync(path);
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
  } catch (error) {
    report(
      fileProblem(
        place,
        "E0701",
        `the file cannot be read: ${error instanceof Error ? error.message.replace(/, \w+( '.*')?$/s, "") : String(error)}`,
      ),
    );
    return null;
  }
}

function decode(path: string, bytes: Uint8Array, report: (problem: Diagnostic) => void): SourceFile | null {
  try {
    // Takes a byte-order mark away too.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).replaceAll("\r\n", "\n");
    return { path, text, named: false };
  } catch {
    report(fileProblem({ path, text: "", named: false }, "E0701", "the file is not valid UTF-8"));
    return null;
  }
}

function below(folder: string, name: string): string {
  if (folder === "." || folder === "./") return name;
  return `${folder.replace(/[/\\]+$/, "")}/${name}`;
}

// Paths to rules: every file below them is given to the frontend of its kind, and what is wrong is collected.
//
// INVARIANT: the same files give the same rules in the same order on every machine; ids are unique in the result.

import { readFileSync, statSync } from "node:fs";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import type { RuleProblem } from "../diagnostics/sink.js";
import type { Rule } from "../rule/rule.js";
import { readEql } from "./eql.js";
import { readForeignFolder } from "./foreign-folder.js";
import type { ForeignSource } from "./foreign-source.js";
import { readJson } from "./json.js";
import type { SourceFile, SourceResult } from "./source-file.js";
import { fileProblem, fileStem, notARule } from "./source-file.js";
import { readToml } from "./toml.js";
import type { FoundFile } from "./walk-files.js";
import { reasonOf, walkFiles } from "./walk-files.js";
import { readYaml } from "./yaml.js";

export interface CollectedRules {
  readonly rules: Rule[];
  /** Hand-written rules, in the order of their folders; their code is not looked at yet. */
  readonly foreign: ForeignSource[];
  readonly diagnostics: Diagnostic[];
  /**
   * Ids that were taken (W0511), to be reported with what is found in the queries; a copy that was left out is not in
   * `rules`.
   */
  readonly known: Map<Rule, readonly RuleProblem[]>;
  /** The text of every file that gave a rule, by the path in `rule.source.file`; no byte-order mark, "\n" line ends. */
  readonly files: Map<string, string>;
}

const MAX_FILE_BYTES = 64 * 1024 * 1024;

const FRONTENDS: ReadonlyMap<string, (file: SourceFile) => SourceResult> = new Map([
  [".toml", readToml],
  [".eql", readEql],
  [".yaml", readYaml],
  [".yml", readYaml],
  [".json", readJson],
]);

/**
 * Reads the rules under `paths`, each a file or a folder that is walked to the bottom. Files come in the byte order of their
 * path below the argument, rules in the order of their file. Never throws: what cannot be read becomes a diagnostic.
 */
export function collectRules(paths: readonly string[]): CollectedRules {
  const found = walkFiles(paths);
  const rules = new Map<string, Rule>();
  const files = new Map<string, string>();
  const known = new Map<Rule, readonly RuleProblem[]>();
  const diagnostics: Diagnostic[] = found.unreadable.map(({ path, reason }) =>
    problem(path, "E0101", `the path cannot be read: ${reason}`),
  );
  for (const { path, root } of found.packages) diagnostics.push(packageNote(path, root));
  for (const item of found.files) {
    const { text, result } = readRuleFile(item);
    diagnostics.push(...result.diagnostics);
    for (const rule of result.rules) {
      const own = withOwnId(rule, rules);
      if (own.problem !== null) known.set(own.rule, [own.problem]);
      if (own.isCopy) continue;
      rules.set(own.rule.id, own.rule);
      files.set(item.path, text);
    }
  }
  const foreign = collectForeign(found.foreign, rules, diagnostics);
  for (const { manifest } of foreign) files.set(manifest.path, manifest.text);
  if (rules.size === 0 && foreign.length === 0 && !diagnostics.some(({ severity }) => severity === "error")) {
    const disabled = diagnostics.some(({ code }) => code === "N0602");
    const none = disabled ? "every rule is disabled" : "no rule was found";
    const where = paths.length === 0 ? "no path was given" : `${none} under ${paths.join(", ")}`;
    diagnostics.push(problem(paths[0] ?? ".", "E0105", where));
  }
  return { rules: [...rules.values()], foreign, diagnostics, known, files };
}

/**
 * Reads the folders of hand-written rules. What such a rule does cannot be compared with another, so of two with one id neither is
 * taken for a copy: the one that comes later is an error.
 */
function collectForeign(
  folders: readonly string[],
  rules: ReadonlyMap<string, Rule>,
  diagnostics: Diagnostic[],
): ForeignSource[] {
  const taken = new Map<string, string>([...rules].map(([id, rule]) => [id, rule.source.file]));
  const found: ForeignSource[] = [];
  for (const folder of folders) {
    const { source, diagnostics: own } = readForeignFolder(folder);
    diagnostics.push(...own);
    if (source === null) continue;
    const { id, name } = source.rule;
    const first = taken.get(id);
    if (first !== undefined) {
      const place = { file: source.manifest.path, rule: name };
      const message = `the id "${id}" is already that of the rule in ${first}`;
      diagnostics.push({
        code: "E0704",
        severity: "error",
        message,
        place,
        help: "give one of the two another rule_id",
      });
      continue;
    }
    taken.set(id, source.manifest.path);
    found.push(source);
  }
  return found;
}

function problem(path: string, code: "E0101" | "E0105", message: string): Diagnostic {
  return { code, severity: "error", message, place: { file: path } };
}

/** What a folder that holds a package is passed over with: its rules were deleted or changed where they came from. */
function packageNote(path: string, root: boolean): Diagnostic {
  return {
    code: "N0601",
    severity: "note",
    message: "not rules: the folder is a package that eqlc built",
    place: { file: path },
    ...(root ? { help: `name ${path}/sources to read the rules that it was built from` } : {}),
  };
}

/**
 * The rule under an id that no other has. Published packs do repeat ids, within a file and between files, for rules that have
 * nothing in common; a rule that is left out detects nothing, so it goes on under `id@file`. Only a copy is left out.
 */
function withOwnId(
  rule: Rule,
  taken: ReadonlyMap<string, Rule>,
): { readonly rule: Rule; readonly isCopy: boolean; readonly problem: RuleProblem | null } {
  const first = taken.get(rule.id);
  if (first === undefined) return { rule, isCopy: false, problem: null };
  const where = first.source.file === rule.source.file ? "the same file" : first.source.file;
  const derived = `${rule.id}@${fileStem(rule.source.file)}`;
  let id = derived;
  for (let count = 2; taken.has(id); count++) id = `${derived}-${count}`;
  const copy = first.query === rule.query && first.dialect === rule.dialect;
  const problem: RuleProblem = {
    code: "W0511",
    severity: "warning",
    message: `the id "${rule.id}" is already that of the rule "${first.name}" in ${where}; this ${
      copy ? "copy is left out" : `rule goes by "${id}"`
    }`,
    span: null,
    help: copy ? "take one of the two away" : "give one of the two rules another id",
  };
  return { rule: copy ? rule : { ...rule, id }, isCopy: copy, problem };
}

function readRuleFile({ path, named }: FoundFile): { text: string; result: SourceResult } {
  const file = (text: string): SourceFile => ({ path, text, named });
  const fails = (diagnostic: Diagnostic) => ({ text: "", result: { rules: [], diagnostics: [diagnostic] } });
  const dot = path.lastIndexOf(".");
  const frontend = FRONTENDS.get(path.slice(dot).toLowerCase());
  if (frontend === undefined) {
    return { text: "", result: notARule(file(""), "the name does not end in .toml, .eql, .yaml, .yml or .json") };
  }
  let bytes: Uint8Array;
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) {
      return fails(problem(path, "E0101", `the file has ${size} bytes, and more than ${MAX_FILE_BYTES} are not read`));
    }
    const buffer = readFileSync(path);
    bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
  } catch (error) {
    return fails(problem(path, "E0101", `the file cannot be read: ${reasonOf(error)}`));
  }
  let text: string;
  try {
    // Takes a byte-order mark away too.
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).replaceAll("\r\n", "\n");
  } catch {
    return fails(fileProblem(file(""), "E0102", "the file is not valid UTF-8"));
  }
  return { text, result: frontend(file(text)) };
}

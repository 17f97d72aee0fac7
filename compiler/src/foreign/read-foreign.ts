// A hand-written rule as its folder holds it -> the rule as a package takes it, and everything there is to say about it.

import { LONGEST_SCRIPT } from "@kestrel/stdlib/host-api";
import { editDistance, lookup, suggest } from "@kestrel/stdlib/schema/schema";
import type { Field, Schema } from "@kestrel/stdlib/schema/types";
import type { Code } from "../diagnostics/codes.js";
import type { Diagnostic } from "../diagnostics/diagnostic.js";
import { readForeignFolder } from "../sources/foreign-folder.js";
import type { ForeignSource, NamedField } from "../sources/foreign-source.js";
import { fileProblem, type SourceFile } from "../sources/source-file.js";
import { type BuildProblem, buildSource } from "./build-source.js";
import type { ForeignRule } from "./foreign-rule.js";
import { literalsOf, luaFields } from "./lua-fields.js";
import { unknownMembers } from "./lua-members.js";
import { jumpsIn, luaProblem, MOST_JUMPS } from "./lua-syntax.js";
import { checkWasm } from "./wasm-check.js";

export interface ReadForeign {
  /** null where anything is wrong. */
  readonly rule: ForeignRule | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads the folder of a hand-written rule. Never throws for what stands in it. */
export function readForeignPackage(folder: string, schema: Schema): ReadForeign {
  const { source, diagnostics } = readForeignFolder(folder);
  return source === null ? { rule: null, diagnostics } : readForeign(source, schema);
}

/** Builds and checks the code of a rule whose folder was read, and finds the fields that it may read. */
export function readForeign(source: ForeignSource, schema: Schema): ReadForeign {
  const diagnostics: Diagnostic[] = [];
  const report: Report = (file, code, message, more = {}) => {
    const problem = fileProblem(file, code, message, more.span, more.help);
    diagnostics.push({ ...problem, place: { ...problem.place, rule: source.rule.name } });
  };
  const named = source.fields === null ? null : resolveFields(source, source.fields, schema, report);
  const built =
    source.codeFile === "predicate.lua"
      ? readLua(source, named, schema, report)
      : readWasm(source, named, schema, report);
  if (built === null || diagnostics.some(({ severity }) => severity === "error")) return { rule: null, diagnostics };
  const { rule, regexes, globs, capabilities, limits, folder, files } = source;
  const runtime = source.codeFile === "predicate.lua" ? "lua" : "wasm";
  return {
    rule: { rule, runtime, ...built, regexes, globs, capabilities, limits, folder, sources: files },
    diagnostics,
  };
}

type Report = (
  file: SourceFile,
  code: Code,
  message: string,
  more?: { readonly span?: { readonly start: number; readonly end: number }; readonly help?: string },
) => void;

type Built = Pick<ForeignRule, "code" | "fields">;

function readLua(source: ForeignSource, named: readonly Field[] | null, schema: Schema, report: Report): Built | null {
  const file = codeFileOf(source);
  if (source.code.length > LONGEST_SCRIPT) {
    report(file, "E0708", `the source has ${source.code.length} bytes, and more than ${LONGEST_SCRIPT} are not read`);
    return null;
  }
  const jumps = jumpsIn(file.text);
  if (jumps > MOST_JUMPS) {
    const message = `the source has ${jumps} jumps (goto, break, if, and, or and the like), and more than ${MOST_JUMPS} are not read`;
    report(file, "E0708", message);
    return null;
  }
  const problem = luaProblem(source.code);
  if (problem !== null) {
    report(file, "E0708", problem.message, { span: spanAt(file.text, problem.line, 1) });
    return null;
  }
  const words = new Set<string>();
  for (const literal of literalsOf(file.text, (word) => words.add(word)))
    if (literal.kind === "text") words.add(literal.value);
  if (!words.has("pred_eval")) {
    const near = [...words].find((word) => editDistance(word.toLowerCase(), "pred_eval", 2) <= 2);
    const more = near === undefined ? {} : { help: `did you mean \`pred_eval\` by \`${near}\`?` };
    report(file, "E0711", "the script does not define `pred_eval`", more);
    return null;
  }
  const fields = named ?? luaFields(file.text, schema);
  for (const { message, span, help } of unknownMembers(file.text, fields, named !== null, schema))
    report(file, "W0513", message, help === undefined ? { span } : { span, help });
  return { code: source.code, fields };
}

function readWasm(source: ForeignSource, named: readonly Field[] | null, schema: Schema, report: Report): Built | null {
  const file = codeFileOf(source);
  const module = source.codeFile === "rule.wasm" ? source.code : build(source, file, report);
  if (module === null) return null;
  const { binary, fields, problems } = checkWasm(module, {
    memoryBytes: source.limits.memoryBytes,
    findFields: named === null,
    moveStart: source.codeFile === "rule.as.ts",
  });
  for (const { code, message, help } of problems) report(file, code, message, help === undefined ? {} : { help });
  if (binary === null) return null;
  if (named !== null) return { code: binary, fields: named };
  const byId = new Map([...schema.fields.values()].map((field) => [field.id, field]));
  return {
    code: binary,
    fields: fields.flatMap((id) => {
      const field = byId.get(id);
      if (id > 0 && field !== undefined) return [field];
      report(file, "E0706", `no field has the id ${id}, which the code reads`);
      return [];
    }),
  };
}

/** The code as text, for places in it; of a module there are none. */
function codeFileOf({ folder, codeFile, code }: ForeignSource): SourceFile {
  const path = folder === "." || folder === "./" ? codeFile : `${folder.replace(/[/\\]+$/, "")}/${codeFile}`;
  return { path, text: codeFile === "rule.wasm" ? "" : new TextDecoder().decode(code), named: false };
}

function build(source: ForeignSource, file: SourceFile, report: Report): Uint8Array | null {
  const beside: Record<string, string> = {};
  for (const { path, bytes } of source.files) {
    if (path.endsWith(".ts") && path !== source.codeFile) beside[path] = new TextDecoder().decode(bytes);
  }
  const kind = source.codeFile === "rule.wat" ? "wat" : "assemblyscript";
  const built = buildSource({ kind, name: source.codeFile, text: file.text, beside });
  if (built.ok) return new Uint8Array(Buffer.from(built.base64, "base64"));
  for (const problem of built.problems) reportBuild(source, file, problem, report);
  return null;
}

function reportBuild(source: ForeignSource, file: SourceFile, problem: BuildProblem, report: Report): void {
  const { message, file: name = source.codeFile, line, column = 1 } = problem;
  // What is wrong with a rule may show in AssemblyScript's library, which nobody can mend.
  if (name.startsWith("~lib/")) {
    report(file, "E0708", `${message} (in AssemblyScript's ${name.slice(5)})`);
    return;
  }
  const own = name === source.codeFile;
  const text = own ? file.text : new TextDecoder().decode(source.files.find(({ path }) => path === name)?.bytes);
  const at = own ? file : { ...file, path: file.path.slice(0, -source.codeFile.length) + name, text };
  const span = problem.span ?? (line === undefined ? undefined : spanAt(text, line, column));
  report(at, "E0708", message, span === undefined ? {} : { span });
}

/** From a line and a column to the end of the word there. */
function spanAt(text: string, line: number, column: number): { readonly start: number; readonly end: number } {
  let start = 0;
  for (let left = line; left > 1; left--) start = text.indexOf("\n", start) + 1;
  start = Math.min(start + column - 1, text.length);
  const word = /^[\w.$]+/.exec(text.slice(start, start + 100));
  return { start, end: start + (word?.[0].length ?? 1) };
}

/** The fields that the manifest names. The host asks for a field by its id, so one without an id cannot be read. */
function resolveFields(
  source: ForeignSource,
  named: readonly NamedField[],
  schema: Schema,
  report: Report,
): readonly Field[] {
  const byId = new Map([...schema.fields.values()].map((field) => [field.id, field]));
  const fields = new Set<Field>();
  for (const { field, span } of named) {
    const found = typeof field === "number" ? (byId.get(field) ?? null) : lookup(schema, field);
    if (found !== null && found.id > 0) {
      fields.add(found);
      continue;
    }
    const at = span === undefined ? {} : { span };
    if (typeof field === "number") {
      report(source.manifest, "E0706", `no field has the id ${field}`, at);
    } else if (found !== null) {
      report(source.manifest, "E0706", `\`${field}\` is no listed field, so it has no id to be read by`, at);
    } else {
      const [near] = suggest(schema, field, 1);
      const help = near === undefined ? {} : { help: `did you mean \`${near}\`?` };
      report(source.manifest, "E0706", `unknown field \`${field}\``, { ...at, ...help });
    }
  }
  return [...fields].sort((a, b) => a.id - b.id);
}

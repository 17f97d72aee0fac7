// rule.as.ts -> the bytes of a module, by AssemblyScript's own compiler. Runs in source-builder.ts alone, which is a process of its own.
//
// The compiler sees three kinds of files and no others: the rule and what stands beside it, a main file that exports what the rule
// exports, and stdlib's library, which rules import as "kestrel". No configuration is read, and no transform can be named: those
// are code that would run here.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defaultSchema } from "@kestrel/stdlib/schema/schema";
import type { Schema } from "@kestrel/stdlib/schema/types";
import type { BuildProblem, BuildRequest } from "./build-source.js";

const LIBRARY = fileURLToPath(import.meta.resolve("@kestrel/stdlib/assemblyscript/kestrel.ts"));

/** The part of AssemblyScript's compiler that is used. Its own types name globals of browsers, which would be seen everywhere here. */
interface Compiler {
  main(
    options: readonly string[],
    api: {
      readFile(path: string, folder: string): string | null;
      writeFile(path: string, content: string | Uint8Array): void;
      listFiles(folder: string): readonly string[];
      reportDiagnostic(diagnostic: Diagnostic): void;
    },
  ): Promise<{ readonly error: Error | null; readonly stderr: { toString(): string } }>;
}

interface Diagnostic {
  readonly category: number;
  readonly message: string;
  readonly range: {
    readonly start: number;
    readonly end: number;
    readonly source: { readonly normalizedPath: string };
  } | null;
}

const COMPILER: string = "assemblyscript/asc";

const MAIN = "main.ts";
const OUTPUT = "rule.wasm";
const LIBRARY_FOLDER = "library";

const OPTIONS = [
  ...[MAIN, "--outFile", OUTPUT, "--baseDir", ".", "--config", "none.json", "--lib", LIBRARY_FOLDER],
  ...["--optimizeLevel", "3", "--shrinkLevel", "0", "--noAssert"],
  ...["--runtime", "incremental", "--use", "abort=", "--disable", "reference-types", "--enable", "simd"],
];

/** Builds the rule; the same text gives the same bytes. */
export async function compileAssemblyScript({
  name,
  text,
  beside,
}: BuildRequest): Promise<Uint8Array | readonly BuildProblem[]> {
  const library = new Map([
    ["kestrel.ts", readFileSync(LIBRARY, "utf8")],
    ["kestrel/fields.ts", fieldSource(defaultSchema())],
  ]);
  const files = new Map([
    [MAIN, `export * from ${JSON.stringify(`./${name.replace(/\.ts$/, "")}`)};\n`],
    [name, text],
    ...Object.entries(beside),
  ]);
  const problems: BuildProblem[] = [];
  const output: Uint8Array[] = [];
  const asc = await loadCompiler();
  if (asc === null) {
    return [
      { message: "it is built with the package `assemblyscript`, which is not installed: npm install assemblyscript" },
    ];
  }
  const { error, stderr } = await asc.main(OPTIONS, {
    readFile: (path, folder) => (isLibrary(folder) ? library : files).get(path.replaceAll("\\", "/")) ?? null,
    writeFile: (path, content) => {
      if (path === OUTPUT && typeof content !== "string") output.push(content);
    },
    listFiles: (folder) => (isLibrary(folder) ? [...library.keys()] : []),
    reportDiagnostic: (diagnostic) => {
      if (diagnostic.category === ERROR) problems.push(problemOf(diagnostic));
    },
  });
  const [binary] = output;
  if (binary !== undefined && error === null && problems.length === 0) return binary;
  if (problems.length > 0) return problems;
  return [{ message: stderr.toString().trim() || (error?.message ?? "the compiler gave no module") }];
}

/** It is large and not everybody's, so eqlc does not bring it along. */
async function loadCompiler(): Promise<Compiler | null> {
  try {
    return (await import(COMPILER)) as Compiler;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return null;
    throw error;
  }
}

function isLibrary(folder: string): boolean {
  return /(?:^|[/\\])library$/.test(folder);
}

/** `Field.process_name` is 2. Of fields whose names differ in signs only, the first has the name. */
export function fieldSource(schema: Schema): string {
  const names = new Map<string, number>();
  for (const { id, name } of [...schema.fields.values()].sort((a, b) => a.id - b.id)) {
    const plain = name
      .replace(/^@/, "")
      .replace(/\W/g, "_")
      .replace(/^(?=\d)/, "_");
    if (id > 0 && !names.has(plain)) names.set(plain, id);
  }
  const members = [...names].map(([name, id]) => `  ${name} = ${id},\n`);
  return `export const enum Field {\n${members.join("")}}\n`;
}

/** AssemblyScript's category of diagnostics that are errors. */
const ERROR = 3;

function problemOf({ message, range }: Diagnostic): BuildProblem {
  if (range === null) return { message };
  return { message, file: range.source.normalizedPath, span: { start: range.start, end: range.end } };
}

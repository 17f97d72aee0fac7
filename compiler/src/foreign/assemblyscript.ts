// rule.as.ts -> the bytes of a module, by AssemblyScript's own compiler. Runs in source-builder.ts alone, which is a process of its own.
//
// The compiler sees three kinds of files and no others: the rule and what stands beside it, a main file that exports what the rule
// exports, and stdlib's library, which rules import as "kestrel". No configuration is read, and no transform can be named: those
// are code that would run here.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { BuildProblem, BuildRequest } from "./source-builder.js";

const LIBRARY = fileURLToPath(import.meta.resolve("@kestrel/stdlib/assemblyscript/kestrel.ts"));
const FIELDS = fileURLToPath(import.meta.resolve("@kestrel/stdlib/assemblyscript/fields.ts"));

/** The part of AssemblyScript's compiler that is used. Its own types name globals of browsers, which would be seen everywhere here. */
interface Compiler {
  main(
    options: readonly string[],
    api: {
      readFile(path: string): string | null;
      writeFile(path: string, content: string | Uint8Array): void;
      listFiles(): readonly string[];
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

const OPTIONS = [
  ...[MAIN, "--outFile", OUTPUT, "--baseDir", "/", "--config", "none.json"],
  ...["--optimizeLevel", "3", "--shrinkLevel", "1", "--converge", "--noAssert"],
  ...["--runtime", "minimal", "--use", "abort=", "--disable", "reference-types", "--enable", "simd"],
];

/** Builds the rule; the same text gives the same bytes. */
export async function compileAssemblyScript({
  name,
  text,
  beside,
}: BuildRequest): Promise<Uint8Array | BuildProblem[]> {
  const files = new Map<string, string>([
    [MAIN, `export * from ${JSON.stringify(`./${name.replace(/\.ts$/, "")}`)};\n`],
    ["node_modules/kestrel/index.ts", readFileSync(LIBRARY, "utf8")],
    ["node_modules/kestrel/fields.ts", readFileSync(FIELDS, "utf8")],
    [name, text],
    ...Object.entries(beside),
  ]);
  const problems: BuildProblem[] = [];
  let binary: Uint8Array | null = null;
  const asc = (await import(COMPILER)) as Compiler;
  const { error, stderr } = await asc.main(OPTIONS, {
    readFile: (path) => files.get(path.replace(/^\.?\//, "")) ?? null,
    writeFile: (path, content) => {
      if (path === OUTPUT && typeof content !== "string") binary = content;
    },
    listFiles: () => [],
    reportDiagnostic: (diagnostic) => {
      if (diagnostic.category === ERROR) problems.push(problemOf(diagnostic));
    },
  });
  if (binary !== null && error === null) return binary;
  if (problems.length === 0)
    problems.push({ message: stderr.toString().trim() || String(error?.message ?? "it gave no module") });
  return problems;
}

/** AssemblyScript's category of diagnostics that are errors. */
const ERROR = 3;

function problemOf({ message, range }: Diagnostic): BuildProblem {
  if (range === null) return { message };
  return { message, file: range.source.normalizedPath, span: { start: range.start, end: range.end } };
}

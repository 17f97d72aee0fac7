// A process of its own: reads a BuildRequest from standard input, builds it, writes a BuildResult to standard output.

import { readFileSync } from "node:fs";
import { type BuildProblem, type BuildRequest, type BuildResult, failure } from "./build-source.js";

async function build(request: BuildRequest): Promise<BuildResult> {
  if (request.kind === "wat") {
    const deep = tooDeep(request.text);
    if (deep !== null) return { ok: false, problems: [deep] };
    const { textToBinary } = await import("../backend/wasm/seam.js");
    const built = textToBinary(request.text);
    return typeof built === "string" ? { ok: false, problems: [textProblem(built)] } : succeed(built);
  }
  const { compileAssemblyScript } = await import("./assemblyscript.js");
  const built = await compileAssemblyScript(request);
  return built instanceof Uint8Array ? succeed(built) : { ok: false, problems: built };
}

function succeed(binary: Uint8Array): BuildResult {
  return { ok: true, base64: Buffer.from(binary).toString("base64") };
}

/**
 * Binaryen goes into what is nested by calling itself: 3,000 parentheses take more than the stack that Node has, and what people and compilers write
 * some tens.
 */
const MOST_NESTED = 1000;

/** The place where the text is nested too deeply; null when there is none. What stands in texts and comments is passed over. */
function tooDeep(text: string): BuildProblem | null {
  let depth = 0;
  for (let at = 0; at < text.length; at = behind(text, at)) {
    const unit = text[at];
    if (unit === ")") depth--;
    if (unit !== "(" || text[at + 1] === ";" || ++depth <= MOST_NESTED) continue;
    return { message: `the text is nested more than ${MOST_NESTED} deep`, span: { start: at, end: at + 1 } };
  }
  return null;
}

/** Where the text, the comment or the character ends that begins at a place; the end of `text` where it is not closed. */
function behind(text: string, at: number): number {
  const ending = (end: string): number => {
    const found = text.indexOf(end, at + 2);
    return found < 0 ? text.length : found + end.length;
  };
  if (text.startsWith(";;", at)) return ending("\n");
  if (text.startsWith("(;", at)) return ending(";)");
  if (text[at] !== '"') return at + 1;
  let end = at + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
  return end + 1;
}

/** Binaryen begins with the line and the column. */
function textProblem(message: string): BuildProblem {
  const place = /(\d+):(\d+): (?:error: )?(.*)/s.exec(message);
  if (place === null) return message.includes("call stack") ? failure(message) : { message };
  return { message: place[3] ?? "", line: Number(place[1]), column: Number(place[2]) };
}

// Compilers print to the console; standard output is for the answer alone.
console.log = console.error;
process.stdout.write(JSON.stringify(await build(JSON.parse(readFileSync(0, "utf8")) as BuildRequest)));

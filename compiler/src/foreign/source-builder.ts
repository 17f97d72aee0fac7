// A process of its own: reads a BuildRequest from standard input, builds it, writes a BuildResult to standard output.

import { readFileSync } from "node:fs";
import type { BuildProblem, BuildRequest, BuildResult } from "./build-source.js";

async function build(request: BuildRequest): Promise<BuildResult> {
  if (request.kind === "wat") {
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

/** Binaryen begins with the line and the column. */
function textProblem(message: string): BuildProblem {
  const place = /(\d+):(\d+): (?:error: )?(.*)/s.exec(message);
  if (place === null) return { message };
  return { message: place[3] ?? "", line: Number(place[1]), column: Number(place[2]) };
}

// Compilers print to the console; standard output is for the answer alone.
console.log = console.error;
process.stdout.write(JSON.stringify(await build(JSON.parse(readFileSync(0, "utf8")) as BuildRequest)));

// The body of a Lua function while it is written. Lua's compiler gives up on expressions that nest too deeply, so a deep part is
// evaluated ahead, in a statement of its own. SOUND: evaluating a value has no effect that another can see, and what must not be
// evaluated before something else stands in a function with a block of its own.

import type { Constants, LuaFile } from "./lua-file.js";
import { indented } from "./lua-text.js";

export interface Block {
  readonly file: LuaFile;
  readonly constants: Constants;
  readonly statements: string[];
  readonly ahead: { count: number };
  readonly depth: number;
}

/** Lua has 200 levels and 255 registers, of which a call takes three or four. */
const DEEPEST = 24;

export function createBlock(file: LuaFile, constants: Constants): Block {
  return { file, constants, statements: [], ahead: { count: 0 }, depth: 0 };
}

/** The expression that `make` writes one level deeper, or the name of its value. */
export function deeper(block: Block, make: (inner: Block) => string): string {
  if (block.depth < DEEPEST) return make({ ...block, depth: block.depth + 1 });
  const code = make({ ...block, depth: 0 });
  if (block.ahead.count === 0) block.statements.unshift("local ahead = {}");
  const name = `ahead[${++block.ahead.count}]`;
  block.statements.push(`${name} = ${code}`);
  return name;
}

/** `function(…) return … end` around the expression that `make` writes. */
export function functionOf(block: Block, params: readonly string[], make: (inner: Block) => string): string {
  const inner = createBlock(block.file, block.constants);
  const result = make(inner);
  const head = `function(${params.join(", ")})`;
  if (inner.statements.length === 0 && !result.includes("\n") && result.length < 100)
    return `${head} return ${result} end`;
  return [head, ...indented([...inner.statements, ...`return ${result}`.split("\n")]), "end"].join("\n");
}

/** The body of a function: statements, then what it returns. */
export function bodyOf(block: Block, result: string): string[] {
  return [...block.statements, `return ${result}`].flatMap((statement) => statement.split("\n"));
}

/** `{ a, b, c }`, on several lines where it is long. */
export function tableOf(items: readonly string[]): string {
  const line = `{ ${items.join(", ")} }`;
  if (items.length === 0) return "{}";
  if (line.length <= 100 && !line.includes("\n")) return line;
  return ["{", ...indented(rows(items)), "}"].join("\n");
}

/** Short items side by side, others below each other. */
function rows(items: readonly string[]): string[] {
  const lines: string[] = [];
  let line = "";
  for (const item of items) {
    if (line !== "" && (line.length + item.length > 100 || item.includes("\n"))) {
      lines.push(line);
      line = "";
    }
    line += `${line === "" ? "" : " "}${item},`;
    if (item.includes("\n")) {
      lines.push(...line.split("\n"));
      line = "";
    }
  }
  return line === "" ? lines : [...lines, line];
}

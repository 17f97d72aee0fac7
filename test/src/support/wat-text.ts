// A module's text as Binaryen writes it -> the functions that eqlc generated, in the order of their names, without the
// prelude's, and with what fits on a line on one line.

const WIDTH = 110;

/** Whose functions are not generated: the prelude's, its library's, and what the host gives. */
const OTHERS = /^\$"?(?:prelude\/|~lib\/|fimport\$)/;

type Node = string | readonly Node[];

/** Throws Error for text that is not one module. */
export function generatedFunctions(text: string): string {
  const [module] = parse(text);
  if (!Array.isArray(module) || module[0] !== "module") throw new Error("the text is not a module");
  const functions = module.filter((node: Node) => Array.isArray(node) && node[0] === "func") as (readonly Node[])[];
  const generated = functions.filter(([, name]) => !OTHERS.test(String(name)));
  if (generated.length === 0 || generated.length === functions.length)
    throw new Error("the prelude's functions cannot be told from the generated ones");
  const byName = new Map(generated.map((one) => [String(one[1]), one]));
  return [...byName.keys()]
    .sort(byNumber)
    .map((name) => print(byName.get(name) ?? [], 0))
    .join("\n");
}

/** `atom 2` before `atom 10`. */
function byNumber(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

function parse(text: string): Node[] {
  const stack: Node[][] = [[]];
  for (const [token] of text.matchAll(/;;[^\n]*|"(?:[^"\\]|\\.)*"|\$"(?:[^"\\]|\\.)*"|[()]|[^\s()]+/g)) {
    if (token.startsWith(";;")) continue;
    if (token === "(") stack.push([]);
    else if (token === ")") {
      const closed = stack.pop() ?? [];
      const above = stack.at(-1);
      if (above === undefined) throw new Error("a bracket is closed that was not opened");
      above.push(closed);
    } else stack.at(-1)?.push(token);
  }
  if (stack.length !== 1) throw new Error("a bracket is not closed");
  return stack[0] ?? [];
}

function print(node: Node, depth: number): string {
  const line = flat(node);
  const indent = "  ".repeat(depth);
  if (typeof node === "string" || indent.length + line.length <= WIDTH) return indent + line;
  // What is no list stays beside the name: types, offsets, labels.
  const rest = [...node];
  const head: string[] = [];
  while (typeof rest[0] === "string" || isType(rest[0])) head.push(flat(rest.shift() as Node));
  return `${indent}(${head.join(" ")}\n${rest.map((one) => print(one, depth + 1)).join("\n")})`;
}

function isType(node: Node | undefined): boolean {
  return Array.isArray(node) && (node[0] === "result" || node[0] === "param" || node[0] === "type");
}

function flat(node: Node): string {
  return typeof node === "string" ? node : `(${node.map(flat).join(" ")})`;
}

// TypeScript sources -> who imports whom, and what is wrong with that: circles, and arrows that the layers do not allow.
// Imports of types count as all others: what a file must know of another is a dependency, also when nothing runs.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/** For each file (a path from the root, with `/`) the files of ours that it imports. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** Every module specifier of `import`, `export … from`, `import(…)` and `import … = require(…)` in a TypeScript source. */
export function specifiersOf(source: string): string[] {
  const code = source.replace(/^\s*\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const found: string[] = [];
  for (const match of code.matchAll(/\b(?:from|import|require)\s*\(?\s*(["'])([^"'\n]+)\1/g)) {
    if (match[2] !== undefined) found.push(match[2]);
  }
  return found;
}

/** The imports among the sources below `<root>/<workspace>/src` of each workspace. */
export function readImportGraph(root: string, workspaces: readonly string[]): ImportGraph {
  const files = workspaces.flatMap((workspace) => {
    const folder = join(root, workspace, "src");
    if (!existsSync(folder)) return [];
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
    return names.map((name) => `${workspace}/src/${name.replaceAll("\\", "/")}`).filter((file) => file.endsWith(".ts"));
  });
  const known = new Set(files);
  return new Map(
    files.map((file) => {
      const imported = specifiersOf(readFileSync(join(root, file), "utf8")).flatMap((specifier) => {
        const to = fileOf(specifier, file, workspaces);
        // What leads nowhere stands in a text: the compiler takes no such import.
        return to === null || !known.has(to) ? [] : [to];
      });
      return [file, [...new Set(imported)]];
    }),
  );
}

/** null for what is not among the workspaces. */
function fileOf(specifier: string, from: string, workspaces: readonly string[]): string | null {
  const [, workspace = "", path = ""] = /^@kestrel\/([^/]+)\/(.+)$/.exec(specifier) ?? [];
  if (workspaces.includes(workspace)) return `${workspace}/src/${path}.ts`;
  if (!specifier.startsWith(".")) return null;
  const file = posix.normalize(posix.join(posix.dirname(from), specifier));
  return workspaces.some((one) => file.startsWith(`${one}/src/`)) ? file.replace(/\.js$/, ".ts") : null;
}

/**
 * Circles, each as the files along it, the first one again at the end: a shortest one for each group of files that all reach
 * each other. Empty when there is none.
 */
export function findCircles(graph: ImportGraph): string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  for (const file of [...graph.keys()].sort()) {
    if (done.has(file)) continue;
    const circle = shortestWay(graph, file, file);
    if (circle === null) continue;
    circles.push(circle);
    for (const other of graph.keys())
      if (shortestWay(graph, file, other) !== null && shortestWay(graph, other, file) !== null) done.add(other);
  }
  return circles;
}

/** A way of at least one import; null when there is none. */
function shortestWay(graph: ImportGraph, from: string, to: string): string[] | null {
  const before = new Map<string, string>();
  const pending = [from];
  for (let at = 0; at < pending.length; at++) {
    const file = pending[at] ?? "";
    for (const next of graph.get(file) ?? []) {
      if (before.has(next)) continue;
      before.set(next, file);
      if (next !== to) {
        pending.push(next);
        continue;
      }
      const way = [to];
      for (let back = file; back !== from; back = before.get(back) ?? from) way.unshift(back);
      return [from, ...way];
    }
  }
  return null;
}

/** Below `src`, the folder of a file, or for a file that stands there itself its name without `.ts`. */
export function layerOf(file: string, layers: Layers): string {
  const path = file.replace(/^[^/]+\/src\//, "").replace(/\.ts$/, "");
  const names = Object.keys(layers).filter((name) => path === name || path.startsWith(`${name}/`));
  return names.sort((a, b) => b.length - a.length)[0] ?? path.split("/")[0] ?? path;
}

/** For each folder of a workspace the other folders that it may import. */
export type Layers = Readonly<Record<string, readonly string[]>>;

/** Imports from one folder of a workspace into another that the table does not allow; and folders without a row. */
export function findWrongArrows(
  graph: ImportGraph,
  workspace: string,
  layers: Layers,
): {
  readonly arrows: readonly { readonly from: string; readonly to: string; readonly import: string }[];
  readonly unlisted: readonly string[];
} {
  const arrows: { from: string; to: string; import: string }[] = [];
  const unlisted = new Set<string>();
  for (const [file, imported] of graph) {
    if (!file.startsWith(`${workspace}/`)) continue;
    const from = layerOf(file, layers);
    const allowed = layers[from];
    if (allowed === undefined) unlisted.add(from);
    for (const other of imported) {
      if (!other.startsWith(`${workspace}/`)) continue;
      const to = layerOf(other, layers);
      if (allowed === undefined || to === from || allowed.includes(to)) continue;
      arrows.push({ from, to, import: `${file} imports ${other}` });
    }
  }
  return { arrows, unlisted: [...unlisted].sort() };
}

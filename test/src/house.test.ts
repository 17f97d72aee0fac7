// Rules about the repository itself: who may import whom, what the runtime may install, what no file may mention.

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, posix, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const house = suite("house");

/** Parts of the house; a file belongs to the one whose folder it stands in. */
type Part = "stdlib" | "runtime" | "compiler" | "native" | "test" | "bench";
const PARTS: readonly Part[] = ["stdlib", "runtime", "compiler", "native", "test", "bench"];

function isPart(name: string | undefined): name is Part {
  return PARTS.some((part) => part === name);
}

/** Whether a file (path from the root, with `/`) of one part may import from another part. */
function mayImport(file: string, from: Part, to: Part): boolean {
  if (from === to) return true;
  switch (from) {
    case "stdlib":
      return false;
    case "runtime":
      return to === "stdlib";
    case "compiler":
      return to === "stdlib" || (to === "runtime" && /^compiler\/src\/(cli|query)(\/|\.ts$)/.test(file));
    case "native":
      return to === "stdlib";
    case "test":
    case "bench":
      return to !== "test" && to !== "bench";
  }
}

function walk(folder: string, visit: (file: string) => void): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (["node_modules", "dist", "build", ".git"].includes(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) walk(path, visit);
    else visit(path);
  }
}

/** Every module specifier of `import`, `export … from`, `import(…)` and `import … = require(…)` in a TypeScript source. */
function specifiersOf(source: string): string[] {
  const code = source.replace(/^\s*\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const found: string[] = [];
  for (const match of code.matchAll(/\b(?:from|import|require)\s*\(?\s*(["'])([^"'\n]+)\1/g)) {
    if (match[2] !== undefined) found.push(match[2]);
  }
  return found;
}

/** The part that a specifier in `file` leads to, or null for a package of others. */
function partOf(specifier: string, file: string): Part | null {
  const scoped = /^@kestrel\/([^/]+)/.exec(specifier);
  if (scoped !== null) return isPart(scoped[1]) ? scoped[1] : null;
  if (!specifier.startsWith(".")) return null;
  const first = posix.normalize(posix.join(posix.dirname(file), specifier)).split("/")[0];
  return isPart(first) ? first : null;
}

house("reads import specifiers", () => {
  const source = [
    'import { a } from "./a.js";',
    'import "./side-effect.js";',
    'export type { B } from "@kestrel/stdlib/b";',
    'const c = await import("../c.js");',
    'import {\n  d,\n} from "d";',
    '// import "./comment.js";',
    '/* import "./block.js"; */',
  ].join("\n");
  assert.equal(specifiersOf(source), ["./a.js", "./side-effect.js", "@kestrel/stdlib/b", "../c.js", "d"]);
  assert.is(partOf("@kestrel/runtime/x", "compiler/src/a.ts"), "runtime");
  assert.is(partOf("../../runtime/src/x.js", "compiler/src/a.ts"), "runtime");
  assert.is(partOf("./x.js", "compiler/src/a.ts"), "compiler");
  assert.is(partOf("node:fs", "compiler/src/a.ts"), null);
});

house("imports point one way", () => {
  const wrong: string[] = [];
  let seen = 0;
  for (const part of PARTS) {
    if (!existsSync(join(ROOT, part))) continue;
    walk(join(ROOT, part), (path) => {
      if (!/\.[cm]?ts$/.test(path)) return;
      const file = relative(ROOT, path).split(sep).join("/");
      seen++;
      for (const specifier of specifiersOf(readFileSync(path, "utf8"))) {
        const to = partOf(specifier, file);
        if (to === null) continue;
        if (!mayImport(file, part, to)) wrong.push(`${file} imports ${specifier}`);
        if (to !== part && specifier.startsWith("."))
          wrong.push(`${file} reaches into another workspace: ${specifier}`);
      }
    });
  }
  assert.ok(seen > 5);
  assert.equal(wrong, []);
});

/** The rooms of a part as ARCHITECTURE.md lists them, from the ground up: folders, and files that stand beside them. */
function roomsOf(part: string): string[] {
  const page = readFileSync(join(ROOT, "ARCHITECTURE.md"), "utf8");
  const list = new RegExp(String.raw`^${part}/src\n((?: {2}\S.*\n)+)`, "m").exec(page)?.[1];
  assert.ok(list !== undefined, `ARCHITECTURE.md has no list of ${part}/src`);
  return list.split("\n").flatMap((line) => /^ {2}(\S+)/.exec(line)?.[1] ?? []);
}

/** Files of `part/src` (paths below it) with the files there that they import, types included. */
function importsIn(part: string): Map<string, string[]> {
  const base = join(ROOT, part, "src");
  const imports = new Map<string, string[]>();
  walk(base, (path) => {
    if (!path.endsWith(".ts")) return;
    const file = relative(base, path).split(sep).join("/");
    const own = specifiersOf(readFileSync(path, "utf8")).filter((specifier) => specifier.startsWith("."));
    imports.set(
      file,
      own.map((specifier) => posix.join(posix.dirname(file), specifier).replace(/\.js$/, ".ts")),
    );
  });
  return imports;
}

/** A circle of files that import one another, if there is one. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): readonly string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const next of imports.get(file) ?? []) {
      const circle = visit(next, [...path, file]);
      if (circle !== null) return circle;
    }
    done.add(file);
    return null;
  };
  for (const file of imports.keys()) {
    const circle = visit(file, []);
    if (circle !== null) return circle;
  }
  return null;
}

house("finds circles", () => {
  const imports = (text: string): Map<string, string[]> =>
    new Map(text.split(" ").map((line): [string, string[]] => [line.charAt(0), [...line.slice(1)]]));
  assert.is(circleIn(imports("abc bc c")), null);
  assert.equal(circleIn(imports("ab bc ca")), ["a", "b", "c", "a"]);
  assert.equal(circleIn(imports("ab bb")), ["b", "b"]);
});

for (const part of ["stdlib", "compiler", "runtime", "test", "bench"]) {
  house(`no files of ${part} import one another in a circle`, () => {
    const imports = importsIn(part);
    assert.ok(imports.size > 3);
    // The imports of these files that lead nowhere are texts, see "reads import specifiers".
    if (part === "test") for (const file of ["house.test.ts", "assemblyscript.test.ts"]) imports.delete(file);
    for (const [file, others] of imports)
      for (const other of others) assert.ok(imports.has(other), `${file}: ${other}`);
    assert.is(circleIn(imports)?.join(" → ") ?? null, null);
  });
}

for (const part of ["compiler", "runtime"]) {
  house(`the rooms of ${part} stand on one another as ARCHITECTURE.md lists them`, () => {
    const rooms = roomsOf(part);
    const floorOf = (file: string): number => rooms.indexOf(file.split("/")[0] ?? "");
    const wrong: string[] = [];
    const used = new Set<number>();
    for (const [file, others] of importsIn(part)) {
      const floor = floorOf(file);
      used.add(floor);
      if (floor < 0) wrong.push(`${file} is in no room of the list`);
      for (const other of others)
        if (floorOf(other) > floor) wrong.push(`${file} imports ${other}, which stands above it`);
    }
    assert.equal(wrong, []);
    assert.is(used.size, rooms.length, "the list names a room that is not there");
  });
}

house("the reference interpreter shares the parser's tree with the compiler, and nothing else", () => {
  const shared = ["@kestrel/compiler/syntax/ast", "@kestrel/stdlib/schema/types"];
  const folder = join(ROOT, "test/src/reference");
  const wrong: string[] = [];
  let seen = 0;
  walk(folder, (path) => {
    for (const specifier of specifiersOf(readFileSync(path, "utf8"))) {
      if (shared.includes(specifier)) seen++;
      const own = specifier.startsWith(".") && resolve(dirname(path), specifier).startsWith(folder);
      if (!own && !shared.includes(specifier)) wrong.push(`${relative(ROOT, path)} imports ${specifier}`);
    }
  });
  assert.ok(seen > 20);
  assert.equal(wrong, []);
});

/** The anchors that a page's headings have, as forges make them. */
function anchorsOf(page: string): ReadonlySet<string> {
  const headings = readFileSync(join(ROOT, page), "utf8").matchAll(/^#+ (.+)$/gm);
  const anchorOf = (heading: string): string =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} -]/gu, "")
      .replaceAll(" ", "-");
  return new Set([...headings].map(([, heading]) => anchorOf(heading ?? "")));
}

house("what the code says of the language is a place in docs/language.md", () => {
  const anchors = anchorsOf("docs/language.md");
  const wrong: string[] = [];
  let seen = 0;
  for (const path of repositoryFiles().filter((file) => /\.(?:ts|md)$/.test(file))) {
    const text = readFileSync(path, "utf8");
    for (const [, first = "", more = ""] of text.matchAll(/language\.md#([\w-]+)((?:,? (?:and )?#[\w-]+)*)/g)) {
      for (const anchor of [first, ...more.matchAll(/#([\w-]+)/g)].map((one) =>
        typeof one === "string" ? one : one[1],
      )) {
        seen++;
        if (!anchors.has(anchor ?? "")) wrong.push(`${relative(ROOT, path)}: #${anchor}`);
      }
    }
    // Documents that are not part of the repository help nobody who reads it.
    if (/\bEQL\.md\b|EQL reference, section/.test(text) && !path.endsWith("house.test.ts")) {
      wrong.push(`${relative(ROOT, path)} names a document that is not here`);
    }
  }
  assert.ok(seen > 15);
  assert.equal(wrong, []);
});

house("Binaryen is imported in one file", () => {
  const found: string[] = [];
  walk(join(ROOT, "compiler/src"), (path) => {
    if (path.endsWith(".ts") && specifiersOf(readFileSync(path, "utf8")).includes("binaryen")) {
      found.push(relative(join(ROOT, "compiler/src"), path).split(sep).join("/"));
    }
  });
  assert.equal(found, ["backend/wasm/seam.ts"]);
});

/** What package-lock.json says of one place in node_modules, or of one workspace. */
interface LockEntry {
  readonly link?: boolean;
  readonly resolved?: string;
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Names and versions of all packages that installing one workspace for production brings along. */
function productionClosure(packages: Readonly<Record<string, LockEntry>>, workspace: string): Map<string, string> {
  const names = new Map<string, string>();
  const done = new Set<string>();
  const pending = [workspace];
  for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
    if (done.has(place)) continue;
    done.add(place);
    const entry = packages[place];
    if (entry === undefined) throw new Error(`package-lock.json has no ${place}`);
    for (const [name, optional] of [
      ...Object.keys(entry.dependencies ?? {}).map((name) => [name, false] as const),
      ...Object.keys(entry.optionalDependencies ?? {}).map((name) => [name, true] as const),
    ]) {
      const at = locate(packages, place, name);
      if (at === null) {
        if (optional) continue;
        throw new Error(`${name}, which ${place} needs, is not in package-lock.json`);
      }
      names.set(name, packages[at]?.version ?? "");
      pending.push(at);
    }
  }
  return names;
}

/** Where Node finds `name` when a module at `place` asks for it, links followed. */
function locate(packages: Readonly<Record<string, LockEntry>>, place: string, name: string): string | null {
  for (let folder = place; ; folder = dirname(folder)) {
    const prefix = folder === "." || folder === "" ? "" : `${folder}/`;
    const at = `${prefix}node_modules/${name}`;
    const entry = packages[at];
    if (entry !== undefined) return entry.link === true && entry.resolved !== undefined ? entry.resolved : at;
    if (prefix === "") return null;
  }
}

const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
  packages: Record<string, LockEntry>;
};

house("the runtime installs a command-line parser, a Lua machine and nothing else", () => {
  // The last three are what fengari needs for parts of Lua that no rule is given.
  const installed = ["@kestrel/stdlib", "commander", "fengari", "readline-sync", "sprintf-js", "tmp"];
  assert.equal([...productionClosure(lock.packages, "runtime").keys()].sort(), installed);
  // The walk does follow dependencies: chevrotain brings packages of its own.
  const compiler = productionClosure(lock.packages, "compiler");
  assert.ok(compiler.has("binaryen") && compiler.has("@kestrel/stdlib") && compiler.has("@chevrotain/types"));
});

house("what users install are releases", () => {
  for (const workspace of ["compiler", "runtime"]) {
    const installed = [...productionClosure(lock.packages, workspace)];
    assert.equal(
      installed.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)),
      [],
    );
  }
});

/** Files that are or would be committed; outside a git checkout, all files but build output. */
function repositoryFiles(): string[] {
  if (existsSync(join(ROOT, ".git"))) {
    const options = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    const listed = execFileSync("git", options, { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 28 });
    return [...new Set(listed.split("\0").filter((file) => file !== ""))]
      .map((file) => resolve(ROOT, file))
      .filter((file) => existsSync(file) && statSync(file).isFile());
  }
  const files: string[] = [];
  walk(ROOT, (file) => files.push(file));
  return files;
}

house("no file mentions a machine's paths or a package registry", () => {
  const own = ["work", "farm"].join("|");
  const forbidden = [
    // An absolute path: what stands before the first slash is not itself part of a path.
    new RegExp(String.raw`(?<![\w.~*?%$})-])/(?:${own})/`),
    /https?:\/\/[^\s/"']*(?:registry|artifactory|verdaccio|nexus)[^\s/"']*/i,
    new RegExp(["registry", "npmjs"].join(String.raw`\.`), "i"),
    /"resolved":\s*"https?:/,
  ];
  const wrong: string[] = [];
  for (const file of repositoryFiles()) {
    const text = readFileSync(file, "utf8");
    for (const pattern of forbidden) {
      const match = pattern.exec(text);
      if (match !== null) wrong.push(`${relative(ROOT, file)}: ${match[0]}`);
    }
  }
  assert.equal(wrong, []);
});

house.run();

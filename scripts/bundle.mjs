// Writes dist/bundle/ of the two programs: each as a few files instead of the hundred and more that tsc makes, and what the licences of the packages in them
// ask for.
//
// Node takes about a millisecond for each module that it finds, reads and links, which was more than a third of a short run. Nothing is renamed, so what runs, and
// what a stack trace names, is what stands in dist/. The files in bin/ take the bundle as long as it is not older than dist/.

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** What each program starts, threads and processes of its own included; and what it loads only when it is needed, if at all. */
const PROGRAMS = [
  { folder: "runtime", starts: ["cli/main.js", "cli/watchdog-thread.js"], loads: ["fengari"] },
  {
    folder: "compiler",
    starts: ["cli/main.js", "foreign/source-builder.js"],
    loads: ["assemblyscript", "binaryen", "chevrotain", "fengari"],
  },
];

/** commander asks for processes when it is loaded, and uses them for commands in files of their own, which none of ours are. */
const lazyProcesses = {
  name: "lazy child_process",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ kind }) =>
      kind === "require-call" ? { path: "child_process", namespace: "lazy" } : null,
    );
    onLoad({ filter: /./, namespace: "lazy" }, () => ({
      contents: 'exports.spawn = (...given) => require("child_process").spawn(...given);',
    }));
  },
};

for (const { folder, starts, loads } of PROGRAMS) {
  const out = join(ROOT, folder, "dist/bundle");
  rmSync(out, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: starts.map((file) => `${folder}/dist/${file}`),
    outdir: out,
    entryNames: "[name]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    mainFields: ["module", "main"],
    external: loads,
    metafile: true,
    // CommonJS packages ask for Node's modules by `require`.
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module";\nconst require = requireFrom(import.meta.url);',
    },
    plugins: [lazyProcesses],
    logLevel: "warning",
  });
  writeFileSync(join(out, "LICENSES.txt"), licencesOf(Object.keys(metafile.inputs)));
}

/** The licences of the packages in whose folders these files stand. */
function licencesOf(files) {
  const packages = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []));
  const texts = [...packages].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8"));
    const file = ["LICENSE", "LICENSE.md", "LICENCE", "license"].map((one) => join(ROOT, folder, one)).find(existsSync);
    if (file === undefined) throw new Error(`${name} has no licence in its folder`);
    return `${name} ${version}\n\n${readFileSync(file, "utf8")}`;
  });
  return texts.join("\n");
}

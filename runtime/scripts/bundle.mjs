// Writes runtime/dist/bundle/: kestrel-run as a few files instead of the 140 that tsc makes, and what the licences of the packages in them ask for.
//
// Node takes about a millisecond for each module that it finds, reads and links, which was more than a third of a short run. Nothing is renamed or left out, so
// what runs, and what a stack trace names, is what stands in dist/. `bin/kestrel-run.js` takes the bundle as long as it is not older than dist/.

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const OUT = join(ROOT, "dist/bundle");

/** commander asks for processes when it is loaded, and uses them for commands in files of their own, of which kestrel-run has none. */
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

rmSync(OUT, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: ROOT,
  entryPoints: ["dist/cli/main.js", "dist/cli/watchdog-thread.js"],
  outdir: OUT,
  entryNames: "[name]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  external: ["fengari"],
  metafile: true,
  // CommonJS packages ask for Node's modules by `require`.
  banner: {
    js: 'import { createRequire as requireFrom } from "node:module";\nconst require = requireFrom(import.meta.url);',
  },
  plugins: [lazyProcesses],
  logLevel: "warning",
});

const packages = new Set();
for (const input of Object.keys(metafile.inputs)) {
  const found = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
  if (found !== undefined) packages.add(join(ROOT, found));
}
const licences = [...packages].sort().map((folder) => {
  const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = ["LICENSE", "LICENSE.md", "LICENCE"].map((one) => join(folder, one)).find((one) => existsSync(one));
  if (file === undefined) throw new Error(`${name} has no licence in ${dirname(folder)}`);
  return `${name} ${version}\n\n${readFileSync(file, "utf8")}`;
});
writeFileSync(join(OUT, "LICENSES.txt"), licences.join("\n"));

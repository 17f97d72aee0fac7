// Writes dist/bundle/ of the two programs: each as a few files instead of the hundred and more that tsc makes, and what the licences of the packages in them
// ask for.
//
// Node takes about a millisecond for each module that it finds, reads and links, which was more than a third of a short run. Nothing is renamed, so what runs, and
// what a stack trace names, is what stands in dist/. The files in bin/ take the bundle as long as it is not older than dist/.
//
// kestrel-run, which is started more often, is a script of CommonJS: Node's loader of modules takes some milliseconds by itself, and only of scripts can
// V8's code be kept (runtime/bin/run-script.js). That is made here too, by a run over a few rules.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { compileScript } from "../runtime/bin/run-script.js";
import { splitBinaryen } from "./split-binaryen.mjs";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** What each program starts, threads and processes of its own included; what it loads only when it is needed, if at all; and what writes other files of it. */
const PROGRAMS = [
  { folder: "runtime", format: "cjs", starts: ["cli/main.js", "cli/watchdog-thread.js"], loads: [], beside: [] },
  {
    folder: "compiler",
    format: "esm",
    starts: ["cli/main.js", "foreign/source-builder.js"],
    loads: ["assemblyscript", "chevrotain", "fengari"],
    beside: [splitBinaryen],
  },
];

/** They find something in the story, and some are sequences. */
const TRIED_RULES = "rules/linux/execution";

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

/** Binaryen stands beside the bundle, see split-binaryen.mjs. */
const besideBundle = {
  name: "beside the bundle",
  setup({ onResolve }) {
    onResolve({ filter: /^binaryen$/ }, () => ({ path: "./binaryen.js", external: true }));
  },
};

/** What a file of each form has to begin with. */
const FORMS = {
  // CommonJS packages ask for Node's modules by `require`.
  esm: {
    splitting: true,
    banner:
      'import { createRequire as requireFrom } from "node:module";\nconst require = requireFrom(import.meta.url);',
  },
  cjs: {
    // Behind anything else esbuild's own "use strict" would be a text like any other.
    banner: '"use strict"; const importMetaUrl = require("node:url").pathToFileURL(__filename).href;',
    define: { "import.meta.url": "importMetaUrl" },
    supported: { "dynamic-import": false },
  },
};

for (const { folder, format, starts, loads, beside } of PROGRAMS) {
  const out = join(ROOT, folder, "dist/bundle");
  rmSync(out, { recursive: true, force: true });
  const { banner, ...form } = FORMS[format];
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: starts.map((file) => `${folder}/dist/${file}`),
    outdir: out,
    entryNames: "[name]",
    bundle: true,
    format,
    platform: "node",
    target: "node20",
    mainFields: ["module", "main"],
    external: loads,
    metafile: true,
    ...form,
    banner: { js: banner },
    plugins: [lazyProcesses, besideBundle],
    logLevel: "warning",
  });
  const others = await Promise.all(beside.map((write) => write(out)));
  writeFileSync(
    join(out, "LICENSES.txt"),
    licencesOf([...Object.keys(metafile.inputs), ...others.map((file) => relative(ROOT, file))]),
  );
  if (format === "cjs") writeFileSync(join(out, "package.json"), '{ "type": "commonjs" }\n');
}
keepCode();

/** Keeps the code of what a run needs that finds alerts. */
function keepCode() {
  const folder = mkdtempSync(join(tmpdir(), "kestrel-bundle-"));
  try {
    const pack = join(folder, "pack");
    const events = join(ROOT, "examples/story/web-server-intrusion.ndjson");
    node("compiler/bin/eqlc.js", "build", join(ROOT, TRIED_RULES), "--output", pack, "--no-cache");
    node("scripts/write-cache.cjs", pack, "--replay", events, "--alerts", join(folder, "alerts.ndjson"));
    const script = join(ROOT, "runtime/dist/bundle/main.js");
    if (compileScript(script).cachedDataRejected !== false) throw new Error("V8 does not take the code that was kept");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function node(script, ...parameters) {
  const { status, stderr } = spawnSync(process.execPath, [...process.execArgv, join(ROOT, script), ...parameters], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${script} ended with ${status}: ${stderr}`);
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

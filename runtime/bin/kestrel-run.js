#!/usr/bin/env node
"use strict";

const { statSync } = require("node:fs");
const { join } = require("node:path");

const DIST = join(__dirname, "../dist");

/** When a file of dist/ was written; 0 for one that is not there. */
const written = (path) => statSync(join(DIST, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;

// One file instead of a hundred, see scripts/bundle.mjs; the hundred where they are newer, as after `tsc -b` alone.
if (written("bundle/main.js") > written(".tsbuildinfo"))
  require("./run-script.js").runScript(join(DIST, "bundle/main.js"));
else import("../dist/cli/main.js");

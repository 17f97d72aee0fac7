#!/usr/bin/env node
import { statSync } from "node:fs";

/** When a file beside this folder was written; 0 for one that is not there. */
const written = (path) => statSync(new URL(path, import.meta.url), { throwIfNoEntry: false })?.mtimeMs ?? 0;

// One file instead of a hundred, see scripts/bundle.mjs; the hundred where they are newer, as after `tsc -b` alone.
const isNew = written("../dist/bundle/main.js") > written("../dist/.tsbuildinfo");
await import(isNew ? "../dist/bundle/main.js" : "../dist/cli/main.js");

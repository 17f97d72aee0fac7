// Runs kestrel-run's bundle as it is told, then writes V8's code cache of it: the functions that ran are compiled in it.
//   node scripts/write-cache.cjs PACKAGE --replay FILE ...

"use strict";

const { join } = require("node:path");
const { runScript, writeCache } = require("../runtime/bin/run-script.js");

const FILE = join(__dirname, "../runtime/dist/bundle/main.js");
const script = runScript(FILE);
process.once("exit", () => writeCache(FILE, script));

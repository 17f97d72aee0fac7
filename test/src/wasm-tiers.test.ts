// Whether a run makes better code of its module: not over so few events that it would end before that has paid.

import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { KESTREL_RUN, run } from "./support/eqlc-process.js";

const STORY = fileURLToPath(new URL("../../examples/story/web-server-intrusion.ndjson", import.meta.url));
const FEW_LINES = 20;

const tiers = suite("wasm tiers");
const folder = mkdtempSync(join(tmpdir(), "kestrel-tiers-"));
const pack = join(folder, "pack");
const rule = join(folder, "rule.eql");
const few = join(folder, "few.ndjson");

tiers.before(async () => {
  writeFileSync(rule, 'process where process.name : "cur?"\n');
  const { code, stderr } = await run(["build", rule, "--output", pack, "--no-cache"], "", folder);
  assert.is(code, 0, stderr);
  const lines = readFileSync(STORY, "utf8").split("\n");
  writeFileSync(few, `${lines.slice(0, FEW_LINES).join("\n")}\n`);
});
tiers.after(() => rmSync(folder, { recursive: true }));

/** How many functions of modules V8 has made better code of in a run. */
async function optimized(...paths: readonly string[]): Promise<number> {
  const traced = join(folder, "traced.mjs");
  writeFileSync(
    traced,
    `import { setFlagsFromString } from "node:v8";\nsetFlagsFromString("--trace-wasm-compilation-times");\nawait import(${JSON.stringify(KESTREL_RUN)});\n`,
  );
  const { code, stdout, stderr } = await run(
    [pack, "--replay", ...paths, "--summary", "json"],
    readFileSync(STORY, "utf8"),
    folder,
    traced,
  );
  assert.is(code, 0, stderr);
  assert.match(stderr, /"events":[1-9]/);
  return stdout.split("using TurboFan").length - 1;
}

tiers("better code is not made for few events", async () => {
  assert.is(await optimized(few), 0);
});

tiers("it is for many, in one file or in several, and where nobody can say how many there are", async () => {
  assert.ok((await optimized(STORY)) > 0);
  assert.ok((await optimized(...Array.from({ length: 30 }, () => few))) > 0, "small ones, together large");
  mkdirSync(join(folder, "events"));
  cpSync(STORY, join(folder, "events/story.ndjson"));
  assert.ok((await optimized(join(folder, "events"))) > 0, "a folder");
  const packed = join(folder, "packed");
  writeFileSync(packed, gzipSync(readFileSync(STORY)));
  assert.ok(statSync(packed).size < 64 * 1024);
  assert.ok((await optimized(packed)) > 0, "packed, whatever its name");
});

tiers("standard input is no file, whatever stands there under its name", async () => {
  writeFileSync(join(folder, "-"), "{}\n");
  assert.ok((await optimized("-")) > 0);
});

tiers.run();

// The same predicate by hand in Lua and in Wasm, over real events: the two examples say the same of each.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { buildPackage } from "@kestrel/compiler/package/build-package";
import { compileRules } from "@kestrel/compiler/package/compile-rules";
import { nameSources } from "@kestrel/compiler/package/source-names";
import { packageFromMemory } from "@kestrel/runtime/load/load-package";
import { MODULE_FILE } from "@kestrel/stdlib/package-format";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { repositoryRoot } from "./support/repository.js";
import { runLines } from "./support/run-pack.js";
import { sizeOf } from "./support/sizes.js";

const check = suite("hand-written rules over recordings");
const ROOT = repositoryRoot();
const CORPUS = join(ROOT, "../shared/corpora/events");
/** The first has events that match. */
const FIRST = join(CORPUS, "evtx-samples-ecs.ndjson.gz");
const RECORDINGS = join(CORPUS, "otrf-windows-ecs");
const EVENTS = sizeOf("KESTREL_FOREIGN_EVENTS", 10_000, 100_000);

if (existsSync(FIRST) && existsSync(RECORDINGS)) {
  check("the predicate in Lua and that in Wasm find the same", async () => {
    const folders = ["lua-rule", "assemblyscript-rule"].map((name) => join(ROOT, "examples", name));
    const { rules, parts, collected, beside } = await compileRules(folders, DEFAULT_OPTIONS);
    assert.ok(parts !== null);
    const { timestampField, tiebreakerField, categoryField } = DEFAULT_OPTIONS;
    const { manifest, files } = buildPackage(rules, parts, nameSources(collected.files, folders, beside), {
      ...{ name: "pair", version: "1.0.0", compilerVersion: "test", timestampField, tiebreakerField, categoryField },
    });
    const module = files.get(MODULE_FILE) ?? new Uint8Array();
    const loaded = await packageFromMemory({ manifest, module, foreign: files });
    let events = 0;
    let alerts = 0;
    const others = readdirSync(RECORDINGS).filter((name) => name.endsWith(".gz"));
    for (const file of [FIRST, ...others.sort().map((name) => join(RECORDINGS, name))]) {
      if (events >= EVENTS) break;
      const { byRule, counters } = runLines(loaded, gunzipSync(readFileSync(file)));
      events += counters.events;
      alerts += byRule[0]?.length ?? 0;
      assert.is(byRule.length, 2);
      assert.equal(byRule[0], byRule[1], file);
      assert.is(counters.faults, 0, `${file}: ${JSON.stringify(counters.foreign)}`);
    }
    assert.ok(events >= EVENTS && alerts > 0, `${alerts} alerts on ${events} events`);
    console.log(`  ${events} events, ${alerts} alerts of each`);
  });
} else {
  check("no recordings beside the project: nothing to compare on", () => undefined);
}

check.run();

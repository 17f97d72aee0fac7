// A replay of events that match nothing, from the file to the lane: once it is warm, nothing that lasts is made of them, so the
// collector never has to look at everything.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, PerformanceObserver } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { createDetector } from "@kestrel/runtime/engine/detector";
import { readChunks } from "@kestrel/runtime/read/lines";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { compileForTest, ruleOf } from "./support/run-pack.js";
import { sizeOf } from "./support/sizes.js";

const EVENTS = sizeOf("KESTREL_GARBAGE", 200_000, 1_000_000);
const LINES = 20_000;
const WARM_UP = 5;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const test = suite("garbage of a replay");

for (const latenessNs of [null, 300_000_000_000n]) {
  test(`none that a major collection is needed for, ${latenessNs === null ? "sorted" : "key by key"}`, async () => {
    const { pack } = await compileForTest(
      [
        ruleOf(
          "pair",
          'sequence by host.id with maxspan=1m [process where process.name == "none"] [network where true]',
        ),
        ruleOf("alone", 'process where process.command_line like~ "*nothing-like-it*"'),
      ],
      DEFAULT_OPTIONS,
    );
    const folder = mkdtempSync(join(tmpdir(), "kestrel-"));
    const file = join(folder, "events.ndjson");
    writeFileSync(file, Array.from({ length: LINES }, (_, at) => `${JSON.stringify(eventOf(at))}\n`).join(""));
    let isWarm = false;
    let major = 0;
    const observer = new PerformanceObserver((entries) => {
      for (const entry of entries.getEntries()) {
        const { kind } = (entry as unknown as { readonly detail: { readonly kind: number } }).detail;
        if (isWarm && kind === constants.NODE_PERFORMANCE_GC_MAJOR) major++;
      }
    });
    try {
      const detector = createDetector(pack, { latenessNs, onAlert: () => assert.unreachable("nothing matches") });
      const replay = async (times: number): Promise<void> => {
        // As kestrel-run reads files.
        for await (const chunk of readChunks(new Array<string>(times).fill(file), { reuse: true })) {
          chunk.lineCount = detector.feed(chunk.bytes, chunk);
        }
      };
      await replay(WARM_UP);
      // What earlier tests of this process have left would be collected meanwhile.
      collect();
      observer.observe({ entryTypes: ["gc"] });
      isWarm = true;
      await replay(EVENTS / LINES);
      // Entries are handed over after the fact.
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.is(major, 0);
      const { events, matched } = detector.counters();
      assert.equal([events, matched], [EVENTS + WARM_UP * LINES, 0]);
    } finally {
      observer.disconnect();
      rmSync(folder, { recursive: true });
    }
  });
}

function eventOf(at: number): object {
  return {
    "@timestamp": new Date(Date.UTC(2026, 0, 1) + at).toISOString(),
    event: { category: ["process"], type: ["start"] },
    host: { id: `host-${at % 50}` },
    process: {
      name: "cmd.exe",
      pid: at,
      command_line: `cmd.exe /c dir ${at}`,
      args: ["cmd.exe", "/c", "dir", String(at)],
    },
  };
}

test.run();

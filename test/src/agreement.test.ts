// Text cases that the reference interpreter and Wasm must both answer as written. A block is a query, then one event a
// line, each after `+` (matches) or `-` (does not). Blocks are parted by blank lines; lines that start with # are comments.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { TEST_SCHEMA } from "./generate/schema.js";
import { matches, readEvents } from "./reference/interpret.js";
import { repositoryRoot } from "./support/repository.js";
import { compileForTest, ruleOf, runLines } from "./support/run-pack.js";

const FOLDER = join(repositoryRoot(), "test/cases/agreement");
const agreement = suite("agreement cases");

interface Block {
  readonly query: string;
  readonly events: readonly { readonly expected: boolean; readonly line: string }[];
}

function blocksOf(text: string): Block[] {
  const lines = text.split("\n").filter((line) => !line.startsWith("#"));
  return lines
    .join("\n")
    .split(/\n{2,}/)
    .filter((block) => block.trim() !== "")
    .map((block) => {
      const [query = "", ...events] = block.trim().split("\n");
      return { query, events: events.map((line) => ({ expected: line.startsWith("+"), line: line.slice(2) })) };
    });
}

for (const file of readdirSync(FOLDER).sort()) {
  agreement(file, async () => {
    for (const { query, events } of blocksOf(readFileSync(join(FOLDER, file), "utf8"))) {
      assert.ok(events.length > 0, `${query} has no events`);
      const under = await compileForTest([ruleOf("case", query)], { ...DEFAULT_OPTIONS, schema: TEST_SCHEMA });
      const [compiled] = under.rules;
      if (compiled?.query.body.kind !== "event") assert.unreachable(`${query}: ${under.diagnostics[0]?.message}`);
      else {
        const text = events.map(({ line }) => `${line}\n`).join("");
        const found = new Set(runLines(under.pack, Buffer.from(text)).byRule[0]?.flat());
        const read = readEvents(
          events.map(({ line }) => line),
          { schema: TEST_SCHEMA },
        );
        for (const [index, { expected, line }] of events.entries()) {
          const event = read[index];
          if (event === undefined) continue;
          assert.is(
            matches(compiled.query.body, event, { schema: TEST_SCHEMA }),
            expected,
            `reference: ${query}\n${line}`,
          );
          assert.is(found.has(index), expected, `Wasm: ${query}\n${line}`);
        }
      }
    }
  });
}

agreement.run();

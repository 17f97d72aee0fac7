// Text cases that the reference interpreter and Wasm, optimised and not, must all answer as written. A block is a query, then
// either one event a line, each after `+` (matches) or `-` (does not), or a stream of events and, after `=`, what the query
// finds: `= 1 3`, or `= [1 2] [3 _]` for several terms. Blocks are parted by blank lines; lines that start with # are
// comments. The files that are named endgame-… are of that dialect.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ELASTIC, ENDGAME, parseText, prepare, type Setting } from "./generate/compare.js";
import { interpret, type RefEvent, readEvents } from "./reference/interpret.js";
import { repositoryRoot } from "./support/repository.js";

const FOLDER = join(repositoryRoot(), "test/cases/agreement");
const agreement = suite("agreement cases");

interface Block {
  readonly query: string;
  readonly lines: readonly string[];
  /** As after `=`. */
  readonly expected: string;
}

function blocksOf(text: string): Block[] {
  const lines = text.split("\n").filter((line) => !line.startsWith("#"));
  return lines
    .join("\n")
    .split(/\n{2,}/)
    .filter((block) => block.trim() !== "")
    .map((block) => {
      const [query = "", ...rest] = block.trim().split("\n");
      if (rest.length === 0) throw new Error(`${query} has no events`);
      const last = rest.at(-1) ?? "";
      if (last.startsWith("=")) return { query, lines: rest.slice(0, -1), expected: last.slice(1).trim() };
      const matching = rest.flatMap((line, i) => (line.startsWith("+") ? [i + 1] : []));
      return { query, lines: rest.map((line) => line.slice(2)), expected: matching.join(" ") };
    });
}

function answer(query: string, lines: readonly string[], setting: Setting): string {
  const result = interpret(parseText(query, setting.dialect), readEvents(lines, setting.reference), setting.reference);
  const number = (event: RefEvent | null): string => (event === null ? "_" : String(event.ordinal + 1));
  // An event query finds events in their order; the numbers in a block are sorted.
  if (result.kind === "events")
    return result.events
      .map((event) => event.ordinal + 1)
      .sort((a, b) => a - b)
      .join(" ");
  return result.sequences.map(({ events }) => `[${events.map(number).join(" ")}]`).join(" ");
}

for (const file of readdirSync(FOLDER).sort()) {
  const setting = file.startsWith("endgame-") ? ENDGAME : ELASTIC;
  agreement(file, async () => {
    const blocks = blocksOf(readFileSync(join(FOLDER, file), "utf8"));
    const prepared = await prepare(
      blocks.map(({ query }) => query),
      setting,
    );
    assert.equal([...prepared.refused], []);
    for (const { query, lines, expected } of blocks) {
      assert.is(answer(query, lines, setting), expected, `reference: ${query}\n${lines.join("\n")}`);
      const disagreements = prepared.over(lines).disagreements.filter((one) => one.query === query);
      assert.equal(
        disagreements.map(({ optimize, found }) => ({ optimize, found })),
        [],
        `Wasm: ${query}\n${lines.join("\n")}`,
      );
    }
  });
}

agreement.run();

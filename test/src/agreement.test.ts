// Text cases that the reference interpreter and Wasm, optimised and not, must all answer as written: a query, and either events
// that are judged one by one, or a stream of events and what the query finds in it: `1 3`, or `[1 2] [3 _]` for several terms.
// The files that are named endgame-… are of that dialect. UPDATE=1 writes what the reference says.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ELASTIC, ENDGAME, parseText, prepare, type Setting } from "./generate/compare.js";
import { interpret, type RefEvent, type Result, readEvents } from "./reference/interpret.js";
import { eventsOf, judgedText } from "./support/judged-events.js";
import { repositoryRoot } from "./support/repository.js";
import { type CaseKind, checksOf, linesOf, openTextCases, sectionOf } from "./support/text-cases.js";

const FOLDER = join(repositoryRoot(), "test/cases/agreement");
const KIND: CaseKind = { inputs: ["query", "events"], expectations: ["judged", "finds"] };
const agreement = suite("agreement cases");

function resultOf(query: string, lines: readonly string[], setting: Setting): Result {
  return interpret(parseText(query, setting.dialect), readEvents(lines, setting.reference), setting.reference);
}

/** The numbers of the events, from 1; those of an event query ascend. */
function shown(result: Result): string {
  const number = (event: RefEvent | null): string => (event === null ? "_" : String(event.ordinal + 1));
  const found =
    result.kind === "events"
      ? [...result.events].sort((a, b) => a.ordinal - b.ordinal).map(number)
      : result.sequences.map(({ events }) => `[${events.map(number).join(" ")}]`);
  return found.join(" ") || "nothing";
}

/** The text of `judged`. */
function judgedBy(result: Result, lines: readonly string[]): string {
  const events = result.kind === "events" ? result.events : [];
  return judgedText(lines, new Set(events.map(({ ordinal }) => ordinal)));
}

for (const file of readdirSync(FOLDER).sort()) {
  const setting = file.startsWith("endgame-") ? ENDGAME : ELASTIC;
  agreement(file, async () => {
    const open = openTextCases(pathToFileURL(join(FOLDER, file)), KIND);
    const checks = open.cases.flatMap((one) => checksOf(one, ["query"]).checks);
    const prepared = await prepare(
      checks.map(({ input }) => input.text),
      setting,
    );
    assert.equal([...prepared.refused], []);
    for (const { input, rest } of checks) {
      const isJudged = rest.some(({ name }) => name === "judged");
      const lines = isJudged ? eventsOf(sectionOf(rest, "judged")) : linesOf(sectionOf(rest, "events"));
      const result = resultOf(input.text, lines, setting);
      if (isJudged) open.expect(sectionOf(rest, "judged"), judgedBy(result, lines), `reference: ${input.text}`);
      else open.expect(sectionOf(rest, "finds"), shown(result), `reference: ${input.text}`);
      const disagreements = prepared.over(lines).disagreements.filter((one) => one.query === input.text);
      assert.equal(
        disagreements.map(({ mode, found }) => ({ mode, found })),
        [],
        `${input.text}\n${lines.join("\n")}`,
      );
    }
    open.finish();
  });
}

agreement.run();

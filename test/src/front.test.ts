// The front against its text cases: what is wrong with a query in its syntax and in its names and types comes in one run, and
// nothing is said that only follows from what could not be read.
//
// test/cases/front/<dialect>.txt holds blocks apart by a line `===`: a title after `#`, the query, `---`, then one line for each
// diagnostic. UPDATE=1 writes what the front says now; read the difference before you keep it.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Diagnostic } from "@kestrel/compiler/diagnostics/diagnostic";
import { analyseQuery, DEFAULT_OPTIONS } from "@kestrel/compiler/front";
import type { Dialect } from "@kestrel/compiler/syntax/ast";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const CASES = new URL("../cases/front/", import.meta.url);
const update = process.env.UPDATE === "1";

function analyse(text: string, dialect: Dialect): readonly Diagnostic[] {
  return analyseQuery(text, { ...DEFAULT_OPTIONS, dialect }).diagnostics;
}

function show({ code, message, place, labels = [] }: Diagnostic): string {
  const at = (span: { readonly start: number; readonly end: number } | undefined): string =>
    JSON.stringify(place.text?.slice(span?.start, span?.end) ?? "");
  const lines = [`${code} ${place.span?.start}..${place.span?.end} ${at(place.span)}: ${message}`];
  for (const { span, text } of labels) lines.push(`  ${span.start}..${span.end} ${at(span)}: ${text}`);
  return lines.map((line) => `${line}\n`).join("");
}

const cases = suite("front cases");
for (const file of readdirSync(CASES)) {
  cases(file, () => {
    const dialect: Dialect = file.startsWith("endgame") ? "endgame" : "elastic";
    const url = new URL(file, CASES);
    const found = readFileSync(url, "utf8")
      .split(/^===\n/m)
      .map((block) => {
        const [head = "", expected = ""] = block.split(/^---\n/m);
        const [title = "", ...lines] = head.split("\n");
        const text = lines.join("\n").replace(/\n$/, "");
        const actual = analyse(text, dialect).map(show).join("");
        if (!update) assert.fixture(actual, expected, `${file} ${title}`);
        return `${title}\n${text}\n---\n${actual}`;
      });
    if (update) writeFileSync(url, found.join("===\n"));
  });
}
cases.run();

// Patterns -> the texts of which a value must contain one: test/cases/literals. Longer texts rank before shorter ones here, and what
// the index cannot look for, less than four bytes, does not count.

import { regexOf } from "@kestrel/compiler/patterns/patterns";
import { type Alternatives, literalOfRegex, literalOfWildcard } from "@kestrel/compiler/patterns/required-literals";
import { parseWildcard } from "@kestrel/compiler/patterns/wildcard";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openTextCases, sectionOf } from "./support/text-cases.js";

const INPUTS = ["wildcard", "folded-wildcard", "regex", "folded-regex"];
const test = suite("required literals");

function rank(texts: Alternatives): number {
  const shortest = Math.min(...texts.flatMap((text) => [Buffer.byteLength(text), Buffer.byteLength(foldString(text))]));
  return shortest < 4 ? Number.POSITIVE_INFINITY : 1 / shortest;
}

function literalOf(kind: string, text: string): Alternatives | null {
  const fold = kind.startsWith("folded");
  if (kind.endsWith("wildcard")) return literalOfWildcard(parseWildcard(text), fold, rank);
  const regex = regexOf(text);
  assert.ok("tree" in regex, text);
  return literalOfRegex(regex.tree, fold || regex.insensitive, rank);
}

test("cases", () => {
  const open = openTextCases(new URL("../cases/literals/patterns.txt", import.meta.url), {
    inputs: INPUTS,
    expectations: ["literal"],
  });
  for (const { title, sections } of open.cases) {
    for (const [at, section] of sections.entries()) {
      if (!INPUTS.includes(section.name)) continue;
      const found = literalOf(section.name, section.text);
      const said = found === null ? "none" : found.map((text) => JSON.stringify(text)).join(" or ");
      open.expect(sectionOf(sections.slice(at, at + 2), "literal"), said, `${title}: ${section.text}`);
    }
  }
  open.finish();
});

test.run();

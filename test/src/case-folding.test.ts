// Case folding against the engine's own `iu` regular expressions, and the checked-in table against its generator.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FOLD_RANGES, FOLD_UNICODE_VERSION, foldCodePoint, foldString } from "@kestrel/stdlib/text/case-folding";
import { suite } from "uvu";
import * as assert from "uvu/assert";

const folding = suite("case folding");
const SCRIPT = fileURLToPath(new URL("../../stdlib/scripts/generate-case-folding.mjs", import.meta.url));
const TABLE = fileURLToPath(new URL("../../stdlib/src/text/fold-ranges.ts", import.meta.url));

/** The engine can only be asked about the Unicode version that the table was made from. */
const sameUnicode = process.versions.unicode === FOLD_UNICODE_VERSION;
if (!sameUnicode) {
  console.log(
    `case folding: Node has Unicode ${process.versions.unicode}, the table ${FOLD_UNICODE_VERSION}; two tests skipped`,
  );
}
const whenSameUnicode = sameUnicode ? folding : folding.skip;

folding("chooses ASCII representatives", () => {
  for (let codePoint = 0; codePoint < 0x80; codePoint++) {
    assert.is(foldCodePoint(codePoint), String.fromCharCode(codePoint).toLowerCase().charCodeAt(0));
  }
  assert.is(foldCodePoint(0x212a), 0x6b);
  assert.is(foldCodePoint(0x17f), 0x73);
});

folding("joins what simple folding joins, and nothing else", () => {
  assert.is(foldString("ΣΊΣΥΦΟΣ"), foldString("σίσυφος"));
  assert.is(foldString("ẞ"), foldString("ß"));
  assert.is(foldString("Ω"), foldString("ω"));
  assert.is(foldString("µ"), foldString("Μ"));
  assert.is(foldString("\u{10400}x\u{1e921}"), "\u{10428}x\u{1e943}");
  assert.is(foldString("Ꭰ"), foldString("ꭰ"));
  assert.is(foldString("İıß日本"), "İıß日本");
});

folding("leaves lone surrogates and other text alone", () => {
  assert.is(foldString(""), "");
  assert.is(foldString("\ud801A\udc00"), "\ud801a\udc00");
  assert.is(foldString("C:\\Users\\ÉMILE"), "c:\\users\\émile");
});

folding("keeps the UTF-16 length, and is done after one step", () => {
  for (const [start, end, step] of FOLD_RANGES) {
    for (let codePoint = start; codePoint <= end; codePoint += step) {
      const target = foldCodePoint(codePoint);
      assert.is.not(target, codePoint);
      assert.is(foldCodePoint(target), target);
      assert.is(target > 0xffff, codePoint > 0xffff);
    }
  }
});

folding("has sorted ranges that do not overlap", () => {
  let last = 0x7f;
  for (const [start, end, step, delta] of FOLD_RANGES) {
    assert.ok(start > last && end >= start && (step === 1 || step === 2) && (end - start) % step === 0 && delta !== 0);
    last = end;
  }
});

whenSameUnicode("agrees with the engine on every letter of the first two planes", () => {
  const members = new Map<number, number[]>();
  const cased: number[] = [];
  for (let codePoint = 0; codePoint < 0x20000; codePoint++) {
    if (codePoint >= 0xd800 && codePoint <= 0xdfff) continue;
    const text = String.fromCodePoint(codePoint);
    const folded = foldCodePoint(codePoint);
    if (folded === codePoint && text.toLowerCase() === text && text.toUpperCase() === text) continue;
    cased.push(codePoint);
    const known = members.get(folded);
    if (known === undefined) members.set(folded, [codePoint]);
    else known.push(codePoint);
  }
  assert.ok(cased.length > 2000);
  const all = cased.map((codePoint) => String.fromCodePoint(codePoint)).join("");
  for (const codePoint of cased) {
    // Every cased letter that the engine takes for this one, in code point order.
    const engine = all.match(new RegExp(`\\u{${codePoint.toString(16)}}`, "giu")) ?? [];
    const ours = (members.get(foldCodePoint(codePoint)) ?? []).map((member) => String.fromCodePoint(member));
    assert.is(engine.join(" "), ours.join(" "), `U+${codePoint.toString(16)}`);
  }
});

whenSameUnicode("has the table that the generator makes", () => {
  assert.is(readFileSync(TABLE, "utf8"), execFileSync(process.execPath, [SCRIPT, "--print"], { encoding: "utf8" }));
});

folding.run();

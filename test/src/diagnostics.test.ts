// Diagnostics as a terminal and as other programs see them, and the page that explains them.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { CODES } from "@kestrel/compiler/diagnostics/codes";
import type { Diagnostic, Place } from "@kestrel/compiler/diagnostics/diagnostic";
import { locate } from "@kestrel/compiler/diagnostics/locate";
import { describeCode, renderJson, renderText, summarise, toJson } from "@kestrel/compiler/diagnostics/render";
import { showLine } from "@kestrel/compiler/diagnostics/terminal-text";
import { compileRules } from "@kestrel/compiler/package/compile-rules";
import { readProfile } from "@kestrel/compiler/sources/profile-file";
import { suite } from "uvu";
import * as assert from "uvu/assert";

/** A diagnostic about the first `word` of `text`. */
function about(text: string, word: string, more: Partial<Diagnostic> = {}, place: Partial<Place> = {}): Diagnostic {
  const start = text.indexOf(word);
  return {
    code: "E0301",
    severity: "error",
    message: "unknown field",
    place: { file: "rules/x.toml", text, span: { start, end: start + word.length }, lineOffset: 0, ...place },
    ...more,
  };
}

function plain(...diagnostics: Diagnostic[]): string {
  return renderText(diagnostics, { color: false });
}

/** The source and caret lines, without gutter. */
function shown(diagnostic: Diagnostic): string[] {
  const lines = plain(diagnostic).split("\n");
  return lines.filter((line) => /^ *\d* \|./.test(line)).map((line) => line.replace(/^ *\d* \| /, ""));
}

const diagnostics = suite("diagnostics");

diagnostics("shows the place, the line, the span, the help and the fix", () => {
  const text = 'process where\n  process.nam == "cmd.exe"\n';
  const start = text.indexOf("process.nam");
  const one = about(
    text,
    "process.nam",
    {
      message: "unknown field process.nam",
      help: "did you mean process.name?",
      fix: { title: "write process.name", span: { start, end: start + 11 }, replacement: "process.name" },
    },
    { rule: "Name", lineOffset: 97, columnOffset: 9 },
  );
  const two: Diagnostic = { code: "N0601", severity: "note", message: "not a rule", place: { file: "README.md" } };
  assert.is(
    plain(one, two),
    `error[E0301]: unknown field process.nam
  --> rules/x.toml:99:3 (rule "Name")
   |
99 |   process.nam == "cmd.exe"
   |   ^^^^^^^^^^^
   = help: did you mean process.name?
   = fix: write process.name
   -   process.nam == "cmd.exe"
   +   process.name == "cmd.exe"

note[N0601]: not a rule
 --> README.md
`,
  );
});

diagnostics("says when the numbers count in the query", () => {
  const { lineOffset: _, ...place } = about("any where x", "x").place;
  const diagnostic = { ...about("any where x", "x"), place: { ...place, rule: "R" } };
  assert.match(plain(diagnostic), ' --> rules/x.toml (rule "R"), query 1:11\n');
  assert.is(toJson(diagnostic).within, "query");
});

diagnostics("colours only when asked to, and lets no control character of a rule through", () => {
  const diagnostic = about("any where \u001b[2Jx\u202e\u0007", "x", { message: "bad \u001b]0;t\u0007\nname" });
  const text = plain(diagnostic);
  assert.ok(["\u0007", "\u001b", "\u202e"].every((control) => !text.includes(control)));
  assert.match(text, "bad ␛]0;t␇ name");
  const coloured = renderText([diagnostic], { color: true });
  const uncoloured = coloured.split("\u001b").map((part, at) => (at === 0 ? part : part.replace(/^\[[\d;]*m/, "")));
  assert.is(uncoloured.join(""), text);
  assert.not(coloured === text);
});

diagnostics("puts carets under what is shown: tabs, wide and combining characters", () => {
  assert.equal(shown(about("\ta\tbc", "bc")), ["    a   bc", "        ^^"]);
  assert.equal(shown(about('名前 == "日本" x', '"日本"')), ['名前 == "日本" x', "        ^^^^^^"]);
  assert.equal(shown(about("e\u0301e\u0301 = x", "x")), ["e\u0301e\u0301 = x", "     ^"]);
  assert.equal(shown(about("🎉 x", "x")), ["🎉 x", "   ^"]);
  // One sign each, however many code points it has: a family, a thumb with a colour, a flag, a heart in colour, a keycap.
  for (const sign of ["👨‍👩‍👧", "👍🏽", "🇫🇷", "❤️", "1️⃣"]) {
    assert.equal(shown(about(`${sign}${sign} = x`, "x")), [`${sign}${sign} = x`, "       ^"]);
    assert.equal(shown(about(`a ${sign} b`, sign)), [`a ${sign} b`, "  ^^"]);
  }
  assert.equal(shown(about("가 각 = x", "x")), ["가 각 = x", "        ^"], "Hangul in letters");
  assert.equal(shown(about("नमस्ते = x", "x"))[1]?.trim(), "^");
});

diagnostics("shows spans over several lines, and of many lines the first and the last", () => {
  const text = "a where (\n  b or\n\n  c or\n  d)\n";
  assert.equal(shown(about(text, "(\n  b")), ["a where (", "        ^", "  b or", "  ^"]);
  assert.equal(shown(about(text, text.slice(8, -1))), ["a where (", "        ^", "  d)", "  ^^"]);
  assert.equal(shown(about(text, "where (\n")), ["a where (", "  ^^^^^^^"], "a line end does not reach the next line");
});

diagnostics("points behind the last thing written when something is missing at the end", () => {
  const text = "a where b ==\n\n";
  const place = { file: "x", text, span: { start: text.length, end: text.length }, lineOffset: 0 };
  assert.equal(shown({ ...about(text, "b"), place }), ["a where b ==", "            ^"]);
  const at = locate(place);
  assert.equal([at?.line, at?.column, at?.endLine, at?.endColumn, at?.lineText], [1, 13, 1, 13, "a where b =="]);
  for (const empty of ["", "\n"]) {
    assert.is(locate({ ...place, text: empty, span: { start: 5, end: 9 } })?.column, 1);
    assert.match(plain({ ...about("b", "b"), place: { ...place, text: empty } }), "\n1 |\n  | ^\n");
  }
});

diagnostics("cuts long lines to a window that holds the span", () => {
  const long = `${"a".repeat(30_000)} HERE ${"b".repeat(16_000)}`;
  const [source = "", carets = ""] = shown(about(long, "HERE"));
  assert.ok(source.length <= 110 && source.startsWith("…a") && source.endsWith("b…"));
  assert.is(source.slice(carets.indexOf("^"), carets.lastIndexOf("^") + 1), "HERE");
  for (const word of [long, long.slice(30_001), "a", long.slice(-3)]) {
    const [line = "", marks = ""] = shown(about(long, word));
    assert.ok(line.length <= 110 && marks.length <= 110 && marks.includes("^"), word.slice(0, 10));
  }
  assert.is(showLine("日".repeat(200), 100, 101, 50).text.length <= 26, true, "the limit counts cells");
  assert.is(showLine("x".repeat(110), 0, 1, 110).text, "x".repeat(110));
  const families = "👨‍👩‍👧".repeat(100);
  for (let start = 0; start < families.length; start++) {
    const cut = showLine(families, start, start + 1, 50);
    assert.match(cut.text, /^…?(?:👨‍👩‍👧)+…?$/u, "cut between signs, never within one");
    assert.is(cut.endCell - cut.startCell, 2);
  }
});

diagnostics("shows a window of a line of 10 MB, whatever it is made of", () => {
  for (const part of ["x", "\t", "日", "e\u0301", "\u0301", "🇫🇷", "👨‍👩‍👧", "\ud800", "\u200d", "\r"]) {
    const line = part.repeat((10 << 20) / part.length);
    for (const start of [0, line.length >> 1, line.length - 1]) {
      const { text, startCell, endCell } = showLine(line, start, start + 1, 110);
      assert.ok(text.length <= 110 * 4 + 2 && text.includes("…") && startCell <= endCell && endCell <= 110, part);
    }
  }
});

diagnostics("points at several places, with dashes and a text under the others", () => {
  const text = "sequence by a\n  [b where c] by d\n\n\n\t[e where 日本]\n";
  const labels = [
    { span: { start: 12, end: 13 }, text: "one key" },
    { span: { start: 31, end: 32 }, text: "another\u0007" },
  ];
  const two = { ...about(text, "[e where 日本]"), labels };
  assert.equal(plain(two).split("\n").slice(2), [
    "  |",
    "1 | sequence by a",
    "  |             - one key",
    "2 |   [b where c] by d",
    "  |                  - another␇",
    "  :",
    "5 |     [e where 日本]",
    "  |     ^^^^^^^^^^^^^^",
    "",
  ]);
  const { labels: found } = toJson(two);
  assert.equal(found?.[1], { text: "another\u0007", line: 2, column: 18, endLine: 2, endColumn: 19 });
  assert.is("labels" in toJson(about(text, "a")), false);
});

diagnostics(
  "shows a line once for several marks, the span's first, and again where one window cannot hold them",
  () => {
    const text = "aa bb cc";
    const same = {
      ...about(text, "bb"),
      labels: [
        { span: { start: 0, end: 2 }, text: "first" },
        { span: { start: 6, end: 8 }, text: "last" },
      ],
    };
    assert.equal(shown(same), ["aa bb cc", "   ^^", "-- first", "      -- last"]);
    const long = `HERE ${"b".repeat(500)} THERE`;
    const far = shown({ ...about(long, "THERE"), labels: [{ span: { start: 0, end: 4 }, text: "there" }] });
    assert.is(far.length, 4);
    assert.ok(far[0]?.startsWith("…") && far[1]?.includes("^^^^^") && far[2]?.startsWith("HERE b"));
    assert.is(far[3], "---- there");
    const coloured = renderText([same], { color: true });
    assert.match(coloured, "\u001b[1;34m--\u001b[0m");
  },
);

diagnostics("underlines a label of several lines, and says its text at the end", () => {
  const text = "a where (\n  b or\n  c)\n  | d";
  const found = shown({ ...about(text, "d"), labels: [{ span: { start: 8, end: 21 }, text: "in here" }] });
  assert.equal(found, ["a where (", "        -", "  b or", "  ----", "  c)", "  -- in here", "  | d", "    ^"]);
});

diagnostics("locates in the file, from 1, in UTF-16 units", () => {
  const text = "🎉 a\n  b\r\nc";
  const place = { file: "x", text, span: { start: 3, end: 8 }, lineOffset: 10, columnOffset: 7, lineIndent: 4 };
  assert.equal(locate(place), {
    line: 11,
    column: 11,
    endLine: 12,
    endColumn: 8,
    lineText: "🎉 a",
    within: "file",
  });
  assert.is(locate({ file: "x" }), null);
});

diagnostics("gives JSON with every key, and edits exactly as they are", () => {
  const text = "any where x\n";
  const fix = { title: "close it", span: { start: 12, end: 12 }, replacement: ")" };
  const parsed: unknown = JSON.parse(renderJson([about(text, "x", { fix })]));
  assert.equal(parsed, [
    {
      code: "E0301",
      severity: "error",
      message: "unknown field",
      file: "rules/x.toml",
      rule: null,
      line: 1,
      column: 11,
      endLine: 1,
      endColumn: 12,
      within: "file",
      help: null,
      fix: { title: "close it", replacement: ")", line: 2, column: 1, endLine: 2, endColumn: 1 },
    },
  ]);
  const whole = toJson({ code: "E0105", severity: "error", message: "none", place: { file: "x" } });
  assert.equal([whole.line, whole.within], [null, null]);
});

diagnostics("sums up, and knows its codes", () => {
  const note: Diagnostic = { code: "N0601", severity: "note", message: "", place: { file: "x" } };
  assert.equal(summarise([note, { ...note, severity: "error" }, { ...note, severity: "error" }]), {
    errors: 2,
    warnings: 0,
    notes: 1,
    text: "2 errors, 1 note",
  });
  assert.is(summarise([]).text, "no problems");
  assert.is(describeCode("E0101"), CODES.E0101);
  assert.is(describeCode("toString"), null);
});

interface Section {
  readonly code: string;
  /** Name and text of each file of the example. */
  readonly files: readonly (readonly [string, string])[];
  /** What is checked, below the folder of the files. */
  readonly path: string;
  readonly dialect: "elastic" | "endgame";
}

/** The sections of docs/diagnostics.md that are headed by a code. */
function sectionsOf(page: string): readonly Section[] {
  return page
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const code = section.slice(0, section.indexOf("\n"));
      const files: [string, string][] = [];
      let path = "";
      let dialect: Section["dialect"] = "elastic";
      for (const [, language = "", more = "", text = ""] of section.matchAll(/^```(\w+) ?([\w./-]*)\n(.*?)^```$/gms)) {
        if (language === "sh") path = text.trim().replace(/^eqlc check /, "");
        else if (language === "eql") files.push(["rule.eql", text]);
        else files.push([more, text]);
        if (more === "endgame") dialect = "endgame";
      }
      return { code, files, path, dialect };
    });
}

const page = suite("docs/diagnostics.md");
const sections = sectionsOf(readFileSync(new URL("../../docs/diagnostics.md", import.meta.url), "utf8"));

page("has a section for each code, and no other", () => {
  assert.equal(
    sections.map(({ code }) => code),
    Object.keys(CODES),
  );
});

/** Examples of hand-written rules that show none have the manifest of E0701. */
function withManifest(files: Section["files"]): Section["files"] {
  if (!files.some(([name]) => /^(?:rule\.wat|predicate\.lua)$/.test(name))) return files;
  const shown = sections.find(({ code }) => code === "E0701")?.files[0];
  return shown === undefined || files.some(([name]) => name === shown[0]) ? files : [...files, shown];
}

for (const { code, files, path, dialect } of sections) {
  // No rule is known that gives it; front.test.ts makes one.
  if (code === "E0403") continue;
  page(`${code} is what its example gives`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "kestrel-diagnostics-"));
    try {
      for (const [name, text] of withManifest(files)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), text);
      }
      if (code.startsWith("E08")) {
        assert.is(readProfile(join(folder, files[0]?.[0] ?? "absent")).problem?.code, code);
        return;
      }
      const options = { ...DEFAULT_OPTIONS, schema: DEFAULT_OPTIONS.schema, dialect };
      const { diagnostics } = await compileRules([join(folder, path)], options);
      const found = diagnostics.map((diagnostic) => diagnostic.code);
      assert.ok(found.includes(code), `found ${found.join(", ")}`);
      // An example shows one thing; the note says of what is left out.
      const others = found.filter((one) => one !== code && one !== "N0601");
      const allowed = code === "W0504" ? ["W0503"] : [];
      assert.equal(
        others.filter((one) => !allowed.includes(one)),
        [],
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

diagnostics.run();
page.run();

// The form of text cases: what is read is what was written, and what is malformed is refused with its line.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createRandom } from "./generate/random.js";
import { type CaseKind, openTextCases, readTextCases, rewriteSections, writeSection } from "./support/text-cases.js";

const KIND: CaseKind = { inputs: ["query"], expectations: ["gives"] };
const textCases = suite("text cases");

function read(source: string, update = false) {
  return readTextCases(source, KIND, { update }).map(({ title, sections }) => ({
    title,
    sections: sections.map(({ name, text }) => [name, text]),
  }));
}

textCases("a file is read", () => {
  const source = [
    "// a comment",
    "",
    "# one",
    "query: a: b",
    "gives:",
    "  first",
    "",
    "    // third, indented",
    "  \\",
    "",
    "// between",
    "query:  two spaces",
    "gives: \\",
    "# two",
    "gives: \\\\x",
    "",
  ].join("\n");
  assert.equal(read(source), [
    {
      title: "one",
      sections: [
        ["query", "a: b"],
        ["gives", "first\n\n  // third, indented\n"],
        ["query", " two spaces"],
        ["gives", ""],
      ],
    },
    { title: "two", sections: [["gives", "\\x"]] },
  ]);
});

const MALFORMED: Readonly<Record<string, readonly [source: string, message: RegExp]>> = {
  "no case": ["// nothing\n", /no case/],
  "an empty file": ["", /no case/],
  "a case that expects nothing": ["# one\nquery: x\n", /line 1: the case expects nothing/],
  "an empty expectation": ["# one\nquery: x\ngives:\n", /line 3: is empty/],
  "an expectation of spaces": ["# one\ngives: \n", /line 2: is empty/],
  "an empty input": ["# one\nquery:\ngives: x\n", /line 2: is empty/],
  "a section without a title": ["query: x\n# one\ngives: x\n", /line 1: stands before the first title/],
  "a title without words": ["# \ngives: x\n", /line 1: belongs to nothing/],
  "an unknown section": ["# one\ngive: x\n", /line 2: no section is called so/],
  "a text twice": ["# one\ngives: x\n  y\n", /line 3: has text behind its name and below it/],
  "a text of nothing": ["# one\n  y\ngives: x\n", /line 2: belongs to nothing/],
  "a text without its spaces": ["# one\ngives:\n  x\n y\n", /line 4: belongs to nothing/],
  "a delimiter of another form": ["# one\ngives: x\n---\n", /line 3: belongs to nothing/],
};
for (const [what, [source, message]] of Object.entries(MALFORMED)) {
  textCases(`refused: ${what}`, () => {
    assert.throws(() => read(source), message);
    if (!/expectation/.test(what)) assert.throws(() => read(source, true), message);
  });
}

textCases("every text can be written and read again, and nothing around it changes", () => {
  const pieces = [
    "",
    " ",
    "  x",
    "\\",
    "\\\\",
    "# title",
    "// comment",
    "query: x",
    "gives:",
    "---",
    "\n",
    "\n\n",
    "ä\t",
  ];
  for (let seed = 0; seed < 500; seed++) {
    const random = createRandom(seed);
    const text = Array.from({ length: random.below(6) }, () => random.pick(pieces)).join(random.pick(["", "\n"]));
    const other = Array.from({ length: random.below(6) }, () => random.pick(pieces)).join(random.pick(["", "\n"]));
    const file = (gives: string): string =>
      `// head\n\n# one\nquery: x\n${writeSection("gives", gives)}\n\n\n# two\n${writeSection("gives", text)}\n`;
    const source = file(text);
    const [one, two] = readTextCases(source, KIND, { update: false });
    assert.is(one?.sections[1]?.text, text, source);
    assert.is(two?.sections[0]?.text, text, source);
    const changed = one?.sections[1];
    if (changed !== undefined) assert.is(rewriteSections(source, new Map([[changed, other]])), file(other));
  }
});

function withFile(source: string, use: (file: URL) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "kestrel-cases-"));
  try {
    writeFileSync(join(folder, "cases.txt"), source);
    use(pathToFileURL(join(folder, "cases.txt")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const SOURCE = "# one\nquery: x\ngives: y\n\n# two\nquery: z\ngives:\n";

textCases("what differs fails, and what nobody looks at fails", () => {
  withFile("# one\ngives: y\n# two\ngives: z\n", (file) => {
    const open = openTextCases(file, KIND, { update: false });
    const [one, two] = open.cases.map(({ sections }) => sections[0]);
    if (one === undefined || two === undefined) throw new Error("two cases were written");
    open.expect(one, "y");
    assert.throws(open.finish, /cases\.txt:4 gives was not looked at/);
    open.expect(two, "other", "about");
    assert.throws(open.finish, /cases\.txt:4 about\s+expected\s+z\s+got\s+other/);
  });
  withFile(SOURCE, (file) => {
    assert.throws(() => openTextCases(file, KIND, { update: false }), /cases\.txt, line 7: is empty/);
  });
});

textCases("an update writes expectations, also those that are missing, and nothing else", () => {
  const run = (file: URL, decides: boolean): void => {
    const open = openTextCases(file, KIND, { update: true, decides });
    for (const { sections } of open.cases) {
      const [query, gives] = sections;
      if (gives !== undefined) open.expect(gives, `${query?.text}\n${query?.text}`);
    }
    open.finish();
  };
  withFile(SOURCE, (file) => {
    // Another test decides: this one fails over what differs, and writes nothing.
    assert.throws(() => run(file, false), /cases\.txt:3/);
    assert.is(readFileSync(file, "utf8"), SOURCE);
    run(file, true);
    const written = "# one\nquery: x\ngives:\n  x\n  x\n\n# two\nquery: z\ngives:\n  z\n  z\n";
    assert.is(readFileSync(file, "utf8"), written);
    run(file, true);
    assert.is(readFileSync(file, "utf8"), written);
  });
});

textCases.run();

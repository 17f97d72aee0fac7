// The front against its text cases: what is wrong with a query in its syntax and in its names and types comes in one run, and
// nothing is said that only follows from what could not be read.
//
// In test/cases/front/<dialect>.txt a case has a query and its problems, one line for each and one for each of its labels.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Diagnostic } from "@kestrel/compiler/diagnostics/diagnostic";
import { analyseQuery, analyseRules, DEFAULT_OPTIONS } from "@kestrel/compiler/front";
import type { Lint } from "@kestrel/compiler/lint/lint-input";
import { bareRule, type Rule } from "@kestrel/compiler/rule/rule";
import type { Dialect, Span } from "@kestrel/compiler/syntax/ast";
import { lex, tokenSpan } from "@kestrel/compiler/syntax/lex";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type CaseKind, openTextCases, sectionOf } from "./support/text-cases.js";

const CASES = new URL("../cases/front/", import.meta.url);
const FRONT: CaseKind = { inputs: ["query"], expectations: ["problems"] };
/** Of every folder whose cases begin with a query. */
const ANY: CaseKind = { inputs: ["query", "text"], expectations: ["problems", "parsed"] };

function analyse(text: string, dialect: Dialect): readonly Diagnostic[] {
  return analyseQuery(text, { ...DEFAULT_OPTIONS, dialect }).diagnostics;
}

function show({ code, message, place, labels = [] }: Diagnostic): string {
  const at = (span: { readonly start: number; readonly end: number } | undefined): string =>
    JSON.stringify(place.text?.slice(span?.start, span?.end) ?? "");
  const lines = [`${code} ${place.span?.start}..${place.span?.end} ${at(place.span)}: ${message}`];
  for (const { span, text } of labels) lines.push(`  ${span.start}..${span.end} ${at(span)}: ${text}`);
  return lines.join("\n");
}

const cases = suite("front cases");
for (const file of readdirSync(CASES)) {
  cases(file, () => {
    const dialect: Dialect = file.startsWith("endgame") ? "endgame" : "elastic";
    const open = openTextCases(new URL(file, CASES), FRONT);
    for (const { title, sections } of open.cases) {
      const problems = analyse(sectionOf(sections, "query").text, dialect).map(show);
      open.expect(sectionOf(sections, "problems"), problems.join("\n") || "none", title);
    }
    open.finish();
  });
}
cases.run();

/** The texts of all syntax and front cases and of the lints. */
function wrongQueries(): readonly (readonly [Dialect, string])[] {
  return ["front", "syntax", "lint"].flatMap((folder) => {
    const url = new URL(`../cases/${folder}/`, import.meta.url);
    return readdirSync(url)
      .filter((file) => !file.includes("expressions"))
      .flatMap((file) =>
        openTextCases(new URL(file, url), ANY).cases.map(({ sections }) => {
          const [input] = sections;
          return [file.startsWith("endgame") ? "endgame" : "elastic", input?.text ?? ""] as const;
        }),
      );
  });
}

/** The values of the strings in a text, in order, with where they stand. */
function stringsOf(text: string, dialect: Dialect): readonly { readonly value: string; readonly span: Span }[] {
  return lex(text, dialect).tokens.flatMap((token) => {
    const value = (token.payload as { readonly value?: unknown } | undefined)?.value;
    return typeof value === "string" ? [{ value, span: tokenSpan(token) }] : [];
  });
}

const fixes = suite("fixes");
fixes("leave the contents of strings alone, and something is mended by each", () => {
  let tried = 0;
  for (const [dialect, text] of wrongQueries()) {
    const found = analyse(text, dialect);
    for (const { code, message, fix } of found) {
      if (fix === undefined) continue;
      tried++;
      const { start, end } = fix.span;
      const fixed = text.slice(0, start) + fix.replacement + text.slice(end);
      const where = `${code} ${message}\n${text}\n${fixed}`;
      assert.not(fixed === text, where);
      const left = analyse(fixed, dialect);
      const same = (one: Diagnostic) => one.code === code && one.message === message;
      assert.ok(left.filter(same).length < found.filter(same).length, where);
      // A mark that begins or ends a string makes a string where there was none.
      if (/quotation mark/.test(message)) continue;
      const [before, after] = [stringsOf(text, dialect), stringsOf(fixed, dialect)];
      // `match` looks at the start of a text and `regex` at all of it, so the pattern is written anew.
      if (/^The function `match/.test(message)) assert.is(after.length, before.length, where);
      else if (/category/.test(message)) assert.ok(Math.abs(after.length - before.length) <= 1, where);
      else
        assert.equal(
          after.map(({ value }) => value),
          before.map(({ value }) => value),
          where,
        );
    }
  }
  assert.ok(tried > 50, `${tried} fixes`);
});

fixes("of a search rename its variable and no text that looks like it", () => {
  const endgame = analyse('process where _arraysearch(args, $v, $v == "$v" and $v.x : "a")', "endgame");
  assert.is(endgame[0]?.fix?.replacement, 'arraySearch(args, v, v == "$v" and v.x : "a")');
  const elastic = analyse('process where arraySearch(process.args, a, a == "a" and ?a.b == 1)', "elastic");
  assert.is(elastic[0]?.fix?.replacement, '_arraysearch(process.args, $a, $a == "a" and ?$a.b == 1)');
  // What a macro brings is not written where it is used.
  const macro = "macro M(x) $v == x process where _arraysearch(args, $v, M(1))";
  assert.is(analyse(macro, "endgame").find(({ code }) => code === "E0204")?.fix, undefined);
});

fixes("of a field of an earlier term keep the term's name", () => {
  const text = "sequence [process where true] as a [process where a.process.nmae == process.name]";
  assert.is(analyse(text, "elastic").find(({ fix }) => fix !== undefined)?.fix?.replacement, "a.process.name");
});
fixes.run();

const failing = suite("eqlc's own failures");
failing("are said of the rule, and leave the others standing", () => {
  const sound = bareRule("sound", "process where process.pid == 1", "sound.eql");
  const broken: Rule = {
    ...bareRule("broken", "", "broken.eql"),
    get query(): string {
      throw new Error("the text is gone");
    },
  };
  const { rules, diagnostics } = analyseRules([broken, sound], DEFAULT_OPTIONS);
  assert.equal(
    rules.map(({ rule }) => rule.id),
    ["sound"],
  );
  assert.equal(
    diagnostics.map(({ code, message, place }) => [code, message, place.file, place.rule]),
    [["E0403", "eqlc itself failed on the rule: the text is gone", "broken.eql", "broken"]],
  );
});

failing("of a lint are caught as well", () => {
  const lint: Lint = {
    code: "W0503",
    run() {
      throw new TypeError("no such thing");
    },
  };
  const rule = bareRule("sound", "process where process.pid == 1", "sound.eql");
  const { rules, diagnostics } = analyseRules([rule], DEFAULT_OPTIONS, { lints: [lint] });
  assert.is(rules.length, 0);
  assert.equal(
    diagnostics.map(({ code, message }) => [code, message]),
    [["E0403", "eqlc itself failed on the rule: no such thing"]],
  );
});
failing.run();

const apart = suite("the front apart from lowering");
const EQLC = fileURLToPath(new URL("../../compiler/bin/eqlc.js", import.meta.url));

/** What a child process prints, and the URLs of the modules that it loaded. */
function modulesOf(args: readonly string[]): { readonly stdout: string; readonly modules: string } {
  const folder = mkdtempSync(join(tmpdir(), "kestrel-front-"));
  try {
    const log = join(folder, "modules");
    // The hooks run in a thread of their own, so what they see goes through a file.
    const hooks = `import { appendFileSync } from "node:fs";
      export async function load(url, context, next) {
        appendFileSync(${JSON.stringify(log)}, url + "\\n");
        return next(url, context);
      }`;
    const register = `import { register } from "node:module";
      register("data:text/javascript," + encodeURIComponent(${JSON.stringify(hooks)}));`;
    const loader = join(folder, "register.mjs");
    writeFileSync(loader, register);
    const ended = spawnSync(process.execPath, ["--import", pathToFileURL(loader).href, ...args], { encoding: "utf8" });
    assert.is(ended.status, 0, ended.stderr);
    return { stdout: ended.stdout, modules: readFileSync(log, "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const QUERY = 'process where process.name regex "a+"';
/** In its own package, or beside the bundle. */
const BINARYEN = /(?:node_modules\/binaryen|bundle\/binaryen\.js)/;
for (const [name, args] of [
  [
    "importing it",
    ["--input-type=module", "-e", `await import(${JSON.stringify(import.meta.resolve("@kestrel/compiler/front"))})`],
  ],
  ["eqlc check", [EQLC, "check", fileURLToPath(new URL("../../rules/", import.meta.url))]],
  ["eqlc dump --stage ast", [EQLC, "dump", "--stage", "ast", "-q", QUERY]],
  ["eqlc dump --stage ir", [EQLC, "dump", "--stage", "ir", "-q", QUERY]],
] as const) {
  apart(`${name} loads no Binaryen`, () => {
    const { modules } = modulesOf(args);
    // eqlc is a bundle, beside which Binaryen stands.
    assert.match(modules, /compiler\/dist\/(?:front\.js|bundle\/)/);
    assert.not.match(modules, BINARYEN);
    assert.not.match(modules, /lower-pack|seam/);
  });
}

apart("a build of queries that are all known loads no Binaryen, nor anything that lowers", () => {
  const folder = mkdtempSync(join(tmpdir(), "kestrel-front-"));
  try {
    writeFileSync(join(folder, "one.eql"), QUERY);
    const args = [EQLC, "build", join(folder, "one.eql"), "-o", join(folder, "out"), "--cache", join(folder, "cache")];
    assert.match(modulesOf(args).modules, BINARYEN);
    const { modules } = modulesOf(args);
    assert.not.match(modules, BINARYEN);
    assert.not.match(modules, /compile-what-fits|lower-pack|seam/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

apart("what lowers loads it, so the test would see it", () => {
  assert.match(modulesOf([EQLC, "dump", "--stage", "wat", "-q", QUERY]).modules, BINARYEN);
});

apart("check and build say the same of a bad pack", () => {
  const folder = mkdtempSync(join(tmpdir(), "kestrel-front-"));
  try {
    const pack: Readonly<Record<string, string>> = {
      "sound.eql": 'process where process.name == "x"',
      "wrong.eql": "process where process.nmae == 'x'",
      "large.eql": 'process where process.name regex "((a{100}){100}){100}"',
      "lists.eql": `process where process.name regex ("(?i)((a{100}){100}){100}", "b")`,
      "computed.eql": 'process where concat(process.name, "x") regex~ "((a{100}){100}){100}"',
      "search.eql": 'process where _arraysearch(process.args, $a, $a regex "((a{100}){100}){100}")',
      "until.eql":
        'sequence with maxspan=1m [file where true] [dns where true] until [file where file.name regex "((a{100}){100}){100}"]',
      "piped.eql": "process where process.pid == 1 | tail 5",
      "double.yaml": "id: sound\nquery: process where process.pid == 2\n",
      "notes.txt": "no rule",
      "broken.json": "{",
    };
    for (const [name, text] of Object.entries(pack)) writeFileSync(join(folder, name), text);
    const run = (args: readonly string[]) => spawnSync(process.execPath, [EQLC, ...args], { encoding: "utf8" });
    const checked: unknown = JSON.parse(run(["check", folder, "--format", "json"]).stdout);
    const built = JSON.parse(run(["build", folder, "-o", join(folder, "out"), "--format", "json"]).stdout) as {
      readonly diagnostics: unknown;
    };
    assert.equal(built.diagnostics, checked);
    const codes = (checked as readonly { readonly code: string; readonly file: string }[]).map(
      ({ code, file }) => `${code} ${basename(file)}`,
    );
    for (const name of ["large", "lists", "computed", "search", "until"])
      assert.ok(codes.includes(`E0402 ${name}.eql`), name);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
apart.run();

// The syntax stage against its text cases, hostile texts and, where they stand beside the repository, real rules.
//
// In test/cases/syntax/<dialect>-<queries|expressions>…txt a case has a text and what is parsed of it: one line for each problem
// (code, range, message; `help` and `fix` below it) and the tree, if there is one.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Problem } from "@kestrel/compiler/diagnostics/diagnostic";
import type { Dialect } from "@kestrel/compiler/syntax/ast";
import { parseExpression, parseQuery } from "@kestrel/compiler/syntax/parse";
import { printExpression, printQuery } from "@kestrel/compiler/syntax/print";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { findStraySpans, showExpr, showQuery } from "./support/syntax-tree.js";
import { openTextCases, sectionOf } from "./support/text-cases.js";

const CASES = new URL("../cases/syntax/", import.meta.url);
const CORPORA = new URL("../../../shared/corpora/", import.meta.url);

interface Reading {
  readonly problems: readonly Problem[];
  /** The tree as text, or null. */
  readonly shown: string | null;
  /** The tree printed as EQL, or null. */
  readonly printed: string | null;
  readonly stray: readonly string[];
  /** A part of the text was not understood. */
  readonly unread: boolean;
}

function read(text: string, dialect: Dialect, expression: boolean): Reading {
  if (expression) {
    const { expr, problems } = parseExpression(text, { dialect });
    const shown = expr === null ? null : showExpr(expr);
    return {
      problems,
      shown,
      printed: expr === null ? null : printExpression(expr, dialect),
      stray: [],
      unread: problems.length > 0,
    };
  }
  const { query, problems } = parseQuery(text, { dialect });
  if (query === null) return { problems, shown: null, printed: null, stray: [], unread: true };
  return {
    problems,
    shown: showQuery(query),
    printed: printQuery(query),
    stray: findStraySpans(query, text.length),
    unread: query.unread.length > 0,
  };
}

function showProblem(problem: Problem, text: string): string {
  const { start, end } = problem.span;
  const lines = [`${problem.code} ${start}..${end} ${JSON.stringify(text.slice(start, end))}: ${problem.message}`];
  if (problem.help !== undefined) lines.push(`  help: ${problem.help}`);
  if (problem.fix !== undefined) lines.push(`  fix: ${problem.fix.title}: ${applyFixes(text, [problem])}`);
  return lines.join("\n");
}

function applyFixes(text: string, problems: readonly Problem[]): string {
  const fixes = problems.flatMap(({ fix }) => (fix === undefined ? [] : [fix]));
  fixes.sort((a, b) => b.span.start - a.span.start);
  return fixes.reduce(
    (fixed, { span, replacement }) => fixed.slice(0, span.start) + replacement + fixed.slice(span.end),
    text,
  );
}

/** As an editor does it: a fix may change the text that the next one stands in, so the text is read again after each. */
function applyOneByOne(text: string, dialect: Dialect, expression: boolean): string {
  let fixed = text;
  for (let round = 0; round < 20; round++) {
    const [first] = read(fixed, dialect, expression).problems;
    if (first?.fix === undefined) break;
    fixed = applyFixes(fixed, [first]);
  }
  return fixed;
}

/** Parsing what was printed must give the same tree; the printed text may only complain about other dialects. */
function checkRoundTrip(reading: Reading, dialect: Dialect, expression: boolean, where: string): void {
  // A number out of range has no text that would give it back.
  if (reading.printed === null || reading.unread || reading.problems.some((problem) => problem.code === "E0205"))
    return;
  const again = read(reading.printed, dialect, expression);
  assert.is(again.shown, reading.shown, `${where}: ${reading.printed}`);
  assert.is(again.printed, reading.printed, where);
}

const cases = suite("syntax cases");
for (const file of readdirSync(CASES).filter((name) => name.endsWith(".txt"))) {
  cases(file, () => {
    const dialect: Dialect = file.startsWith("endgame") ? "endgame" : "elastic";
    const expression = file.includes("expressions");
    const open = openTextCases(new URL(file, CASES), { inputs: ["text"], expectations: ["parsed"] });
    for (const { title, sections } of open.cases) {
      const { text } = sectionOf(sections, "text");
      const reading = read(text, dialect, expression);
      const problems = reading.problems.map((problem) => showProblem(problem, text));
      open.expect(
        sectionOf(sections, "parsed"),
        [...problems, ...(reading.shown === null ? [] : [reading.shown])].join("\n"),
        title,
      );
      if (!reading.unread) assert.equal(reading.stray, [], `${file} ${title}`);
      checkRoundTrip(reading, dialect, expression, `${file} ${title}`);
      if (reading.problems.length > 0 && reading.problems.every((problem) => problem.fix !== undefined)) {
        // Fixes that belong together are applied at once, nested ones one by one.
        const fixed = [applyFixes(text, reading.problems), applyOneByOne(text, dialect, expression)];
        const clean = fixed.some((result) => read(result, dialect, expression).problems.length === 0);
        assert.ok(clean, `${file} ${title}: fixed to ${fixed.join(" or ")}`);
      }
    }
    open.finish();
  });
}
cases.run();

const hostile = suite("hostile texts");
const repeat = (part: string, count: number) => part.repeat(count);
const list = Array.from({ length: 100_000 }, (_, index) => `"value ${index}"`).join(", ");
const chain = Array.from({ length: 20_000 }, (_, index) => `a${index} == ${index}`);

hostile("a list of 100,000 strings and a chain of 20,000 conditions are read and printed", () => {
  for (const text of [
    `process where a in (${list})`,
    `process where ${chain.join(" and ")} or ${chain.join(" or ")}`,
  ]) {
    const { query, problems } = parseQuery(text, { dialect: "elastic" });
    assert.equal(problems, []);
    assert.ok(query !== null);
    assert.is(query === null ? "" : printQuery(query), text);
  }
});

const tooMuch: Record<string, string> = {
  brackets: `process where ${repeat("(", 10_000)}a${repeat(")", 10_000)}`,
  "open brackets": `process where ${repeat("(", 3_000_000)}`,
  not: `process where ${repeat("not ", 10_000)}a`,
  signs: `process where ${repeat("- ", 10_000)}a`,
  calls: `process where ${repeat("f(", 10_000)}a${repeat(")", 10_000)}`,
  lists: `process where ${repeat("a in (", 10_000)}a${repeat(")", 10_000)}`,
  lineage: `process where ${repeat("child of [process where ", 10_000)}a${repeat("]", 10_000)}`,
  methods: `process where a${repeat(":f()", 10_000)}`,
  words: `process where a${repeat(" or a", 1_500_000)}`,
  length: `process where ${repeat("a", 17 * 1024 * 1024)}`,
  macros: `macro D(x) x and x process where ${repeat("D(", 100)}a${repeat(")", 100)}`,
};
for (const [name, text] of Object.entries(tooMuch)) {
  hostile(`too much: ${name}`, () => {
    const { problems } = parseQuery(text, { dialect: "endgame" });
    assert.ok(problems.some(({ code }) => code === "E0206"));
  });
}

hostile("a text full of errors gives a bounded list that counts the rest", () => {
  const texts = [
    `process where a == "${repeat("\\x", 100_000)}"`,
    `process where ${repeat("# ", 100_000)}`,
    `sequence ${repeat("[process where ] ", 1_000)}`,
  ];
  for (const text of texts) {
    const { problems } = parseQuery(text, { dialect: "elastic" });
    assert.ok(problems.length > 10 && problems.length <= 300, `${problems.length}`);
    const last = problems.at(-1);
    assert.match(`${last?.message} ${last?.help}`, /more problems|not read past/);
  }
});

hostile("no prefix of a query and no query with a character left out makes the parser throw", () => {
  const texts = [
    'sequence by a.b, ?c with maxspan=1m [x where not y in~ ("a", -1)] as e0 ![any where z : """q"""] until [f where g[1]]',
    "const A = 1 macro B(x) x == A join by k [p where B(m:length())] fork=true [q where child of [r where `s`]] | head 5",
  ];
  for (const text of texts) {
    for (let at = 0; at < text.length; at++) {
      for (const dialect of ["elastic", "endgame"] as const) {
        parseQuery(text.slice(0, at), { dialect });
        parseQuery(text.slice(0, at) + text.slice(at + 1), { dialect });
      }
    }
  }
});
hostile.run();

const real = suite("real rules and conformance cases");
const present = existsSync(CORPORA);
if (!present) console.log("syntax: the corpora do not stand beside the repository, so real rules are not parsed");

interface CorpusRule {
  readonly id: string;
  readonly query: string;
}
interface CorpusCase {
  readonly name: string;
  readonly dialect: string;
  readonly query?: string;
  readonly expression?: string;
  readonly expected?: unknown;
}

function load<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(path, CORPORA), "utf8")) as T;
}

function readCase(one: CorpusCase): Reading {
  const dialect = one.dialect === "python" ? "endgame" : "elastic";
  const reading = read(one.query ?? one.expression ?? "", dialect, one.query === undefined);
  assert.equal(reading.stray, [], one.name);
  checkRoundTrip(reading, dialect, one.query === undefined, one.name);
  return reading;
}

/** Rules of the Sigma pack whose strings hold regular expressions with single backslashes, which EQL does not allow. */
const SIGMA_BAD_ESCAPES = 48;

if (present) {
  const packs = readdirSync(new URL("rules/", CORPORA)).filter((file) =>
    /^(elastic|endgame|sigma).*\.json$/.test(file),
  );
  for (const file of packs) {
    real(`rules/${file}`, () => {
      const dialect: Dialect = file.startsWith("endgame") ? "endgame" : "elastic";
      let misspelt = 0;
      for (const rule of load<CorpusRule[]>(`rules/${file}`)) {
        const reading = read(rule.query, dialect, false);
        const errors = reading.problems.filter(({ severity }) => severity === "error");
        if (errors[0]?.code === "E0202" && file.startsWith("sigma")) {
          misspelt++;
        } else {
          assert.equal(errors, [], rule.id);
        }
        assert.equal(reading.stray, [], rule.id);
        checkRoundTrip(reading, dialect, false, rule.id);
      }
      assert.is(misspelt, file.startsWith("sigma") ? SIGMA_BAD_ESCAPES : 0);
    });
  }

  const accepted = [
    "es_additional",
    "es_date",
    "es_docs_function_examples",
    "es_extra",
    "es_folding",
    "es_missing_events",
    "es_queries",
    "es_sample",
    "es_sample_multi",
    "es_series",
    "folding",
    "python_equivalent",
    "python_optimizer",
    "python_parse_ok",
    "python_queries",
  ];
  for (const name of accepted) {
    real(`${name} is accepted`, () => {
      for (const one of load<CorpusCase[]>(`eql/cases/${name}.json`))
        assert.equal(readCase(one).problems, [], one.name);
    });
  }

  real("es_string_literals stand for the right text", () => {
    for (const one of load<CorpusCase[]>("eql/cases/es_string_literals.json")) {
      const reading = readCase(one);
      assert.equal(reading.problems, [], one.name);
      assert.is(reading.shown?.replace(/^raw/, ""), JSON.stringify(one.expected), one.expression);
    }
  });

  // What the syntax lets through is for the later stages: pipes and functions that do not exist or have wrong
  // arguments, conditions that are not boolean, keys that do not fit, and what elastic takes over from the endpoint.
  for (const [name, later] of [
    ["es_errors", 4],
    ["python_errors", 15],
  ] as const) {
    real(`${name} is refused where the syntax is wrong`, () => {
      const cases = load<CorpusCase[]>(`eql/cases/${name}.json`);
      assert.is(cases.filter((one) => readCase(one).problems.length === 0).length, later);
    });
  }
}
if (!present) real.skip("the corpora are missing", () => {});
real.run();

// Every example of docs/language.md, on the reference interpreter and on Wasm: what the page says is what happens.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_OPTIONS } from "@kestrel/compiler/compile";
import { CODES } from "@kestrel/compiler/diagnostics/codes";
import type { Diagnostic } from "@kestrel/compiler/diagnostics/diagnostic";
import { DEFAULT_LIMITS } from "@kestrel/compiler/patterns/regex-compile";
import { MAX_DEPTH, MAX_REPEAT } from "@kestrel/compiler/patterns/regex-parse";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";
import type { Dialect } from "@kestrel/compiler/syntax/ast";
import { MAX_LENGTH, MAX_NESTING } from "@kestrel/compiler/syntax/lex";
import { MAX_EXPANSION } from "@kestrel/compiler/syntax/macros";
import { parseExpression } from "@kestrel/compiler/syntax/parse";
import { MAX_TOKENS } from "@kestrel/compiler/syntax/tokens";
import { KEY_TUPLE_LIMIT } from "@kestrel/runtime/event/join-keys";
import { PIPE_KEY_LIMIT } from "@kestrel/runtime/lane/pipes";
import { PROCESS_LIMIT } from "@kestrel/runtime/lineage/lineage";
import { USUAL_LONGEST_LINE } from "@kestrel/runtime/read/lines";
import { COMBINATION_LIMIT, DEPTH_LIMIT, LONGEST_LINE } from "@kestrel/stdlib/abi";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { interpret, type RefEvent, readEvents } from "./reference/interpret.js";
import {
  type Example,
  type Outcome,
  type Row,
  readLanguagePage,
  readNumbers,
  type Said,
  type Section,
  type TableEvent,
} from "./support/language-page.js";
import { repositoryRoot } from "./support/repository.js";
import {
  linesOf,
  type PackageAnswer,
  rowsOfQuery,
  rowsOfReference,
  runAsPackage,
  type Setting,
  settingOf,
  valueOfReference,
} from "./support/run-language-example.js";
import { compileForTest, runLines } from "./support/run-pack.js";

type Kind<K extends Example["kind"]> = Example & { readonly kind: K };
type Shown = Kind<"query" | "condition" | "value">;

/** The events of a table, as a recording and as the reference interpreter reads them. */
interface Table {
  readonly lines: readonly string[];
  readonly read: readonly RefEvent[];
}
/** Takes what is wrong with a line of the page. */
type Report = (line: number, what: string) => void;

const PAGE = readFileSync(join(repositoryRoot(), "docs/language.md"), "utf8");
const sections = readLanguagePage(PAGE);
const language = suite("docs/language.md");
const NOTHING: readonly TableEvent[] = [{ time: null, json: "{}" }];

for (const section of sections) {
  if (section.examples.length === 0) continue;
  language(section.title, async () => {
    const wrong: string[] = [];
    const report: Report = (line, what) => wrong.push(`docs/language.md:${line}: ${what}`);
    for (const dialect of ["elastic", "endgame"] as const) await checkDialect(section, dialect, report);
    for (const example of section.examples) if (example.kind === "rule-file") await checkRuleFile(example, report);
    assert.is(wrong.join("\n"), "");
  });
}

/** All examples of a section in one dialect: together as the rules of a package, and each by itself. */
async function checkDialect(section: Section, dialect: Dialect, report: Report): Promise<void> {
  const setting = settingOf(dialect, section.schema);
  const shown = section.examples.filter(isShown).filter((example) => example.dialect === dialect);
  const examples = [...shown, ...shown.flatMap((example) => (example.kind === "value" ? onField(example) : []))];
  if (examples.length === 0) return;
  const tables = new Map<readonly TableEvent[], Table>();
  for (const { events } of examples) {
    const lines = linesOf(events.length > 0 ? events : NOTHING, dialect);
    if (!tables.has(events)) tables.set(events, { lines, read: readEvents(lines, setting.reference) });
  }
  const tableOf = ({ events }: Shown): Table => tables.get(events) ?? { lines: [], read: [] };
  const answers = await runAsPackage(
    examples.map((example) => ({ text: asQuery(example), lines: tableOf(example).lines })),
    setting,
  );
  for (const [index, example] of examples.entries()) {
    const answer = answers[index];
    if (answer === undefined) continue;
    switch (example.kind) {
      case "query":
        await checkQuery(example, answer, tableOf(example), setting, report);
        break;
      case "condition":
        await checkCondition(example, answer, tableOf(example), setting, report);
        break;
      case "value":
        await checkValue(example, answer, setting, report);
        break;
    }
  }
}

function isShown(example: Example): example is Shown {
  return example.kind !== "rule-file";
}

/** A call on a text, of which the compiler computes the value, once more on a field that holds the text. */
function onField(example: Kind<"value">): Kind<"condition">[] {
  const { line, dialect, text, expected } = example;
  const { expr } = parseExpression(text, { dialect });
  const first = expr?.kind === "call" ? expr.args[0] : undefined;
  if (expected.kind === "error" || first?.kind !== "literal" || first.type !== "string") return [];
  const name = "process.title";
  const call = `${text.slice(0, first.span.start)}${name}${text.slice(first.span.end)}`;
  return [
    {
      kind: "condition",
      line,
      dialect,
      events: [{ time: null, json: JSON.stringify({ process: { title: first.value } }) }],
      text: `(${call}) == ${expected.text}`,
      expected: { kind: "text", text: "1" },
    },
  ];
}

/** On Wasm a condition asks whether an expression has the value that the page gives it. */
function asQuery(example: Shown): string {
  const { kind, text } = example;
  if (kind === "query") return text;
  if (kind === "condition") return `any where ${text}`;
  return `any where (${text}) == ${example.expected.kind === "error" ? "null" : example.expected.text}`;
}

async function checkQuery(
  { line, text, matches, alerts, error, warnings }: Kind<"query">,
  answer: PackageAnswer,
  { lines, read }: Table,
  setting: Setting,
  report: Report,
): Promise<void> {
  const same = (who: string, got: readonly Row[], expected: readonly Row[]): void =>
    checkSame(report, line, who, showRows(got), showRows(expected));
  const errors = answer.diagnostics.filter(({ severity }) => severity === "error");
  checkSaid(report, line, errors, error === null ? [] : [error]);
  if (error !== null || answer.alerts === null) return;
  const heard = answer.diagnostics.filter(({ severity }) => severity === "warning");
  if (warnings !== null) checkSaid(report, line, heard, warnings);
  const expectedAlerts = alerts ?? matches;
  if (expectedAlerts !== null) same("a package", answer.alerts, expectedAlerts);
  if (matches === null) return;
  await attempt(report, line, "a query", async () => same("a query", await rowsOfQuery(text, lines, setting), matches));
  await attempt(report, line, "the reference", () =>
    same("the reference", rowsOfReference(text, read, setting), matches),
  );
}

async function checkCondition(
  example: Kind<"condition">,
  { alerts, diagnostics }: PackageAnswer,
  { read }: Table,
  setting: Setting,
  report: Report,
): Promise<void> {
  const { line, dialect, expected } = example;
  checkCode(report, line, diagnostics, expected);
  if (expected.kind === "error") return;
  const rows = readNumbers(expected.text, line).map((number): Row => ({ events: [number], counted: null }));
  const same = (who: string, got: readonly Row[]): void =>
    checkSame(report, line, `${who} (${dialect})`, showRows(got), showRows(rows));
  if (alerts !== null) same("Wasm", alerts);
  await attempt(report, line, `the reference (${dialect})`, () =>
    same("the reference", rowsOfReference(asQuery(example), read, setting)),
  );
}

async function checkValue(
  { line, dialect, text, expected }: Kind<"value">,
  { alerts, diagnostics }: PackageAnswer,
  setting: Setting,
  report: Report,
): Promise<void> {
  checkCode(report, line, diagnostics, expected);
  if (expected.kind === "error") return;
  if (alerts !== null && alerts.length !== 1) report(line, `Wasm (${dialect}) does not give ${expected.text}`);
  await attempt(report, line, `the reference (${dialect})`, () =>
    checkSame(report, line, `the reference (${dialect})`, valueOfReference(text, setting), expected.text),
  );
}

/** A rule file compiles without a word and passes its own tests. */
async function checkRuleFile({ line, text }: Kind<"rule-file">, report: Report): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "kestrel-language-"));
  try {
    const file = join(folder, "rule.yaml");
    writeFileSync(file, text);
    const { rules, diagnostics } = collectRules([file]);
    const under = await compileForTest(rules, DEFAULT_OPTIONS);
    for (const { code, message } of [...diagnostics, ...under.diagnostics]) report(line, `${code} ${message}`);
    for (const [index, { rule, query }] of under.rules.entries()) {
      if (rule.tests.length === 0) report(line, "the rule has no tests");
      for (const { name, events, alerts } of rule.tests) {
        const lines = events.map((event) => JSON.stringify(event));
        const found = runLines(under.pack, Buffer.from(lines.map((each) => `${each}\n`).join("")));
        checkSame(report, line, `Wasm on ${name}`, `${found.byRule[index]?.length}`, `${alerts}`);
        const { schema } = DEFAULT_OPTIONS;
        const result = interpret(query, readEvents(lines, { schema }), { schema });
        const count = result.kind === "events" ? result.events.length : result.sequences.length;
        checkSame(report, line, `the reference on ${name}`, `${count}`, `${alerts}`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The errors are all of the code that is expected, or there are none. */
function checkCode(report: Report, line: number, got: readonly Diagnostic[], expected: Outcome): void {
  const codes = new Set(got.filter(({ severity }) => severity === "error").map(({ code }) => code));
  const wanted = expected.kind === "error" ? expected.code : "no error";
  checkSame(report, line, "the compiler", [...codes].join(" ") || "no error", wanted);
}

/** Each diagnostic is one of `expected`, in their order. */
function checkSaid(report: Report, line: number, got: readonly Diagnostic[], expected: readonly Said[]): void {
  const codes = (all: readonly { readonly code: string }[]): string => all.map(({ code }) => code).join(" ") || "none";
  checkSame(report, line, "the compiler", codes(got), codes(expected));
  for (const [index, { words }] of expected.entries()) {
    const { message = "", help = "" } = got[index] ?? {};
    if (!`${message}\n${help}`.includes(words))
      report(line, `“${words}” stands neither in “${message}” nor in “${help}”`);
  }
}

function checkSame(report: Report, line: number, who: string, got: string, expected: string): void {
  if (got !== expected) report(line, `${who} gives\n${got}\nbut the page says\n${expected}`);
}

async function attempt(report: Report, line: number, who: string, act: () => void | Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    report(line, `${who} fails: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function showRows(rows: readonly Row[]): string {
  if (rows.length === 0) return "none";
  const shown = rows.map(({ events, counted }) => {
    const numbers = events.map((event) => (event === null ? "-" : String(event))).join(" → ");
    return counted === null ? numbers : `${numbers} ${counted}`.trim();
  });
  return shown.join("\n");
}

language("has an example of every kind in both dialects", () => {
  const examples = sections.flatMap((section: Section) => section.examples);
  const count = (kind: Example["kind"], dialect: string | null): number =>
    examples.filter((each) => each.kind === kind && (each.kind === "rule-file" || each.dialect === dialect)).length;
  for (const kind of ["query", "condition", "value"] as const)
    for (const dialect of ["elastic", "endgame"])
      assert.ok(count(kind, dialect) >= 20, `${count(kind, dialect)} of ${kind} in ${dialect}`);
  assert.ok(count("rule-file", null) >= 1);
});

language("says how far each limit goes", () => {
  const limits = PAGE.slice(PAGE.indexOf("## Limits"), PAGE.indexOf("## Warnings"));
  const numbers = [
    ...[MAX_LENGTH, MAX_TOKENS, MAX_NESTING, MAX_EXPANSION, MAX_REPEAT, MAX_DEPTH, DEFAULT_LIMITS.maxNfaStates],
    ...[DEPTH_LIMIT, COMBINATION_LIMIT, KEY_TUPLE_LIMIT, PROCESS_LIMIT, PIPE_KEY_LIMIT],
  ];
  for (const number of numbers) {
    const written = number.toLocaleString("en-US");
    assert.match(limits, new RegExp(`\\| ${written}\\b`), written);
  }
  const mebibytes = (bytes: number): string => `${bytes / (1 << 20)} MiB`;
  const line = `| ${mebibytes(USUAL_LONGEST_LINE)}; another, up to ${mebibytes(LONGEST_LINE)}, with`;
  assert.ok(limits.includes(line), line);
});

language("names codes that exist", () => {
  const codes = new Set(PAGE.match(/\b[EWN]0[0-9]{3}\b/g));
  for (const code of codes) assert.ok(code in CODES, code);
});

language.run();

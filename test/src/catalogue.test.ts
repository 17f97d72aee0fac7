// The catalogue of functions against everything that must know the same functions: docs/language.md, the reference
// interpreter, the text cases, and what the entries say of results, nulls and constants against what the reference gives.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  CATALOGUE,
  elasticForm,
  type Named,
  SPELLED,
  strictOf,
  wrongArity,
} from "@kestrel/compiler/functions/catalogue";
import type {
  ElasticForm,
  ElasticKind,
  EndgameForm,
  EndgameKind,
  Form,
  KnownArgument,
  Literal,
} from "@kestrel/compiler/functions/entry";
import type { Dialect } from "@kestrel/compiler/syntax/ast";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ELASTIC, ENDGAME, parseText } from "./generate/compare.js";
import { createRandom, type Random } from "./generate/random.js";
import { checkExpression } from "./reference/endgame/check.js";
import { callFunction as callEndgame } from "./reference/endgame/functions.js";
import type { Data } from "./reference/endgame/values.js";
import { fold } from "./reference/fold.js";
import { callFunction as callElastic } from "./reference/functions.js";
import { interpret, readEvents } from "./reference/interpret.js";
import type { Value } from "./reference/values.js";
import { readLanguagePage } from "./support/language-page.js";
import { repositoryRoot } from "./support/repository.js";

const PAGE = readFileSync(join(repositoryRoot(), "docs/language.md"), "utf8");
const DIALECTS: readonly Dialect[] = ["elastic", "endgame"];

const namesOf = (dialect: Dialect): string[] =>
  SPELLED.filter((entry) => entry[dialect] !== undefined)
    .map(({ name }) => name)
    .sort();

const catalogue = suite("catalogue of functions");

/** Each heading of the page with the text below it, as far as the next heading. */
function headings(): { level: number; title: string; anchor: string; text: string }[] {
  return PAGE.split(/^(?=#{1,6} )/m).flatMap((part) => {
    const found = /^(#{1,6}) (.*)\n/.exec(part);
    if (found === null) return [];
    const [, hashes = "", title = ""] = found;
    const anchor = title
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-");
    return [{ level: hashes.length, title, anchor, text: part }];
  });
}

catalogue("every function stands in the language reference, and the other way round", () => {
  const all = headings();
  for (const { name, anchor } of SPELLED) {
    const section = all.find((heading) => heading.anchor === anchor);
    assert.ok(section, `${name}: there is no heading #${anchor}`);
    assert.match(section.text, new RegExp(`\\b${name}\\b`), `#${anchor} says nothing of ${name}`);
  }
  const start = all.findIndex(({ title }) => title === "Functions") + 1;
  const end = all.findIndex(({ level }, index) => index >= start && level <= 2);
  const documented = all.slice(start, end).flatMap(({ title }) => (title === "On fields" ? [] : title.split(", ")));
  assert.equal([...documented, "_arraysearch"].sort(), namesOf("elastic"));
  const table = all.find(({ title }) => title === "Functions of endgame")?.text.split("\n") ?? [];
  const rows = table.filter((line) => line.startsWith("| `")).map((line) => line.split("|")[1] ?? "");
  const listed = rows.flatMap((cell) => [...cell.matchAll(/`(\w+)/g)].map(([, name]) => name));
  assert.equal(listed.sort(), namesOf("endgame"));
});

const ELASTIC_SAMPLE: Readonly<Record<ElasticKind, string>> = {
  any: '"a"',
  array: "process.stack",
  boolean: "true",
  condition: "true",
  number: "2",
  string: '"a"',
  variable: "$v",
  whole: "1",
};
const ENDGAME_SAMPLE: Readonly<Record<EndgameKind, string>> = {
  any: '"a"',
  array: "list",
  boolean: "true",
  countable: '"a"',
  literal: '"a"',
  name: "x",
  number: "2",
  primitive: '"a"',
  string: '"a"',
};

/** A call with as few arguments as are allowed. */
function sampleCall({ name, elastic, endgame }: Named, dialect: Dialect): string {
  const args =
    dialect === "elastic"
      ? (elastic?.required ?? []).map((kind) => ELASTIC_SAMPLE[kind])
      : (endgame?.required ?? []).map((kind) => ENDGAME_SAMPLE[kind]);
  if (name === "cidrMatch") args[1] = '"10.0.0.0/8"';
  return `${name}(${args.join(", ")})`;
}

function interpretCall(call: string, dialect: Dialect): void {
  const setting = dialect === "endgame" ? ENDGAME : ELASTIC;
  const query = parseText(`any where ${call} != null`, dialect);
  interpret(query, readEvents(["{}"], setting.reference), setting.reference);
}

catalogue("the reference interpreter knows the same functions in the same dialects", () => {
  for (const entry of SPELLED) {
    for (const dialect of DIALECTS) {
      const known = entry[dialect] !== undefined;
      if (known) assert.not.throws(() => interpretCall(sampleCall(entry, dialect), dialect), undefined, entry.name);
      else if (dialect === "elastic")
        assert.throws(() => callElastic(entry.name, false, []), /There is no function/, entry.name);
      else assert.throws(() => callEndgame(entry.name, []), /There is no function/, entry.name);
    }
  }
  assert.throws(() => interpretCall('size("a")', "elastic"), /size/);
  assert.throws(() => interpretCall('size("a")', "endgame"), /size/);
});

catalogue("the reference interpreter takes as many arguments, and a `~` where the entry says so", () => {
  for (const { name, elastic, endgame } of SPELLED) {
    if (elastic !== undefined && elastic.becomes !== "search") {
      for (let given = 0; given < 6; given++) {
        const args = Array.from({ length: given }, () => null);
        const refused = refuses(() => callElastic(name, false, args), /does not take/);
        assert.is(refused, wrongArity(elastic, given) !== null, `${name} with ${given} arguments`);
      }
      const args = elastic.required.map(() => null);
      const folds = !refuses(() => callElastic(name, true, args), /There is no function/);
      assert.is(folds, elastic.foldable === true, `${name}~`);
    }
    if (endgame !== undefined) {
      const kinds = [...endgame.required, ...(endgame.optional ?? [])];
      for (let given = 1; given < 6; given++) {
        const args = Array.from({ length: given }, (_, at) => ENDGAME_SAMPLE[kinds[at] ?? endgame.rest ?? "any"]);
        if (name === "cidrMatch") args.fill('"10.0.0.0/8"', 1);
        const query = parseText(`any where ${name}(${args.join(", ")}) != null`, "endgame");
        if (query.body.kind !== "event") throw new Error("an event query was expected");
        const { condition } = query.body;
        const refused = refuses(() => checkExpression(condition), /./);
        assert.is(refused, wrongArity(endgame, given) !== null, `${name} with ${given} arguments of endgame`);
      }
    }
  }
});

function refuses(call: () => unknown, why: RegExp): boolean {
  try {
    call();
    return false;
  } catch (error) {
    return why.test(String(error));
  }
}

/** The text cases that are run, and the examples of the language reference, of one dialect. */
function casesOf(dialect: Dialect): string {
  const examples = readLanguagePage(PAGE)
    .flatMap((section) => section.examples)
    .filter((example) => example.kind !== "rule-file" && example.dialect === dialect)
    .map(({ kind, ...example }) => (kind !== "rule-file" && "text" in example ? example.text : ""));
  const cases = ["agreement", "semantics", "endgame"].flatMap((folder) => {
    const path = join(repositoryRoot(), "test/cases", folder);
    return readdirSync(path)
      .filter((file) => (folder === "endgame" || file.startsWith("endgame-")) === (dialect === "endgame"))
      .map((file) => readFileSync(join(path, file), "utf8"));
  });
  return [...examples, ...cases].join("\n");
}

catalogue("every function is called in a case of each of its dialects", () => {
  for (const dialect of DIALECTS) {
    const cases = casesOf(dialect);
    const missing = namesOf(dialect).filter(
      (name) => !new RegExp(`(?<![\\w.])${name}~?\\(`, dialect === "elastic" ? "i" : "").test(cases),
    );
    assert.equal(missing, [], dialect);
  }
});

const TEXTS = [
  "",
  "a",
  "A",
  "ab",
  "bA",
  "abcABC",
  "cmd.EXE",
  ".exe",
  "x=1; y=2",
  "=",
  "; ",
  "1",
  "0x1f",
  "-1.50",
  "1e3",
];
const ODD_TEXTS = [
  "😀a",
  "a😀",
  "\u{10400}",
  "\u{10428}",
  "ſ",
  "K",
  "k",
  "é",
  "É",
  "99999999999999999999",
  "zz",
  "a1F",
];
const WHOLE = [0n, 1n, 2n, 3n, 10n, -1n, -2n, -20n];

function drawText(random: Random): string {
  return random.pick(random.chance(0.7) ? TEXTS : ODD_TEXTS);
}

function drawLiteral(kind: ElasticKind, name: string, random: Random): Literal {
  switch (kind) {
    case "string":
      return drawText(random);
    case "number":
      // The base of `number` is a constant from 2 to 36.
      return name === "number" ? random.pick([2n, 8n, 10n, 16n, 36n]) : random.pick<Literal>([...WHOLE, 1.5, -0.25]);
    case "whole":
      return random.pick(WHOLE);
    case "boolean":
      return random.chance(0.5);
    default:
      return random.pick<Literal>([
        drawText(random),
        random.pick(WHOLE),
        random.pick([1.5, 2, -0.25, 1e21, 1e-7]),
        true,
      ]);
  }
}

function drawData(kind: EndgameKind, name: string, random: Random): Data {
  switch (kind) {
    case "number":
      return name === "number" ? random.pick([2n, 8n, 10n]) : random.pick(WHOLE);
    case "boolean":
      return random.chance(0.5);
    case "array":
      return random.pick([[], ["a", 1n], ["A", null]]);
    case "countable":
      return random.chance(0.5) ? drawText(random) : ["a", 1n];
    case "primitive":
    case "any":
      return random.pick<Data>([drawText(random), 1n, 2.5, true]);
    default:
      return drawText(random);
  }
}

/** The kinds of as many arguments as are drawn. */
function drawKinds<Kind>({ required, optional = [], rest }: Form<Kind>, random: Random): Kind[] {
  const further = rest === undefined ? optional.filter(() => random.chance(0.6)) : [rest, rest].slice(random.below(3));
  return [...required, ...further];
}

const ROUNDS = 400;

catalogue("constants come to what the reference says, within the bounds of the entry", () => {
  const random = createRandom(11);
  let evaluated = 0;
  for (const { name, elastic } of SPELLED) {
    if (elastic?.evaluate === undefined) continue;
    evaluated++;
    for (let round = 0; round < ROUNDS; round++) {
      const args = drawKinds(elastic, random).map((kind) => drawLiteral(kind, name, random));
      const insensitive = elastic.foldable === true && random.chance(0.5);
      const shown = `${name}${insensitive ? "~" : ""}(${args.map(String).join(", ")})`;
      const value = elastic.evaluate(args, insensitive);
      assert.is(value, callElastic(name, insensitive, args).value, shown);
      const known = args.map((arg) => knownOf(arg));
      if (typeof value === "bigint" && elastic.least !== undefined) assert.ok(value >= elastic.least, shown);
      const longest = elastic.longest?.(known);
      if (typeof value === "string" && longest !== undefined) assert.ok(value.length <= longest, shown);
      if (elastic.never !== undefined && elastic.never(known) !== null) assert.is.not(value, true, shown);
    }
  }
  assert.ok(evaluated >= 9);
});

catalogue("folding makes the same texts one as the reference's does", () => {
  const { evaluate } = elasticForm("fold");
  const texts = [...TEXTS, ...ODD_TEXTS];
  for (const one of texts) {
    for (const other of texts) {
      assert.is(evaluate?.([one], false) === evaluate?.([other], false), fold(one) === fold(other), `${one} ${other}`);
    }
  }
});

catalogue("a bound of a text that is not known holds for every text", () => {
  const random = createRandom(12);
  let bounded = 0;
  for (const { name, elastic } of SPELLED) {
    if (elastic?.longest === undefined || elastic.evaluate === undefined) continue;
    for (let round = 0; round < ROUNDS; round++) {
      const args = drawKinds(elastic, random).map((kind) => drawLiteral(kind, name, random));
      const known = args.map((arg) =>
        typeof arg === "string" ? { literal: undefined, longest: undefined } : knownOf(arg),
      );
      const longest = elastic.longest(known);
      if (longest === undefined) continue;
      bounded++;
      const value = elastic.evaluate(args, false);
      assert.ok(typeof value === "string" && value.length <= longest, `${name}(${args.map(String).join(", ")})`);
    }
  }
  assert.ok(bounded > 50);
});

function knownOf(literal: Literal): KnownArgument {
  return { literal, longest: typeof literal === "string" ? literal.length : undefined };
}

/** Whether the arguments in question may be null at all: patterns and ranges are texts written out. */
function mayBeNull({ becomes }: ElasticForm | EndgameForm, index: number): boolean {
  return becomes !== "own" || index === 0;
}

function checkNulls<V extends Value | Data>(
  name: string,
  form: ElasticForm | EndgameForm,
  draw: () => readonly V[],
  call: (args: readonly (V | null)[]) => V | null,
  resultTypes: readonly string[],
): void {
  /** Places that do not make the result null alone, and whether that was seen. */
  const lenient = new Map<number, boolean>();
  const types = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const args = draw();
    const value = call(args);
    if (value !== null) types.add(typeof value);
    const strict = strictOf(
      form,
      args.map((_, index) => index),
    );
    for (const [index] of args.entries()) {
      if (!mayBeNull(form, index)) continue;
      const without = call(args.map((arg, at) => (at === index ? null : arg)));
      if (strict.includes(index)) assert.is(without, null, `${name} with a null argument ${index}`);
      else lenient.set(index, lenient.get(index) === true || without !== null);
    }
  }
  for (const type of types) assert.ok(resultTypes.includes(type), `${name} gives a ${type}`);
  assert.ok(types.has(resultTypes[0] ?? ""), `${name} gives no ${resultTypes[0]}`);
  for (const [index, seen] of lenient) assert.ok(seen, `${name}: a null argument ${index} always gives null`);
}

/** What the reference gives for a result; the first must come up. A whole number of a constant is a long even for `number`. */
const ELASTIC_TYPES = { string: ["string"], long: ["bigint"], double: ["number", "bigint"], boolean: ["boolean"] };
const ENDGAME_TYPES = {
  string: ["string"],
  number: ["bigint", "number"],
  boolean: ["boolean"],
  unknown: ["string", "number", "bigint", "boolean"],
};

catalogue("results have the type that the entry names, and are null where it says so", () => {
  const random = createRandom(13);
  for (const { name, elastic, endgame } of SPELLED) {
    if (elastic !== undefined && elastic.becomes !== "search") {
      const draw = (): Value[] =>
        drawKinds(elastic, random).map((kind, index) =>
          name === "cidrMatch" && index > 0 ? "10.0.0.0/8" : drawLiteral(kind, name, random),
        );
      checkNulls<Value>(
        name,
        elastic,
        draw,
        (args) => callElastic(name, false, args).value,
        ELASTIC_TYPES[elastic.result],
      );
    }
    if (endgame !== undefined && endgame.becomes !== "search") {
      const draw = (): Data[] =>
        drawKinds(endgame, random).map((kind, index) =>
          name === "cidrMatch" && index > 0
            ? "10.0.0.0/8"
            : name.startsWith("match") && index > 0
              ? random.pick(["a", "a|b", "^cmd"])
              : drawData(kind, name, random),
        );
      checkNulls<Data>(name, endgame, draw, (args) => callEndgame(name, args), ENDGAME_TYPES[endgame.result]);
    }
  }
});

catalogue("what cannot be written is not in the list of what can", () => {
  const internal = Object.entries(CATALOGUE).filter(([, { anchor }]) => anchor === null);
  assert.equal(internal.map(([name]) => name).sort(), ["fold", "numberInBase", "toNumber"]);
  for (const [name] of internal) assert.not.ok(SPELLED.some((entry) => entry.name === name));
  const foreign = SPELLED.filter((entry) => DIALECTS.some((dialect) => entry[dialect] === undefined));
  for (const { name, instead } of foreign)
    assert.type(instead, "string", `${name} has no advice for the other dialect`);
});

catalogue.run();

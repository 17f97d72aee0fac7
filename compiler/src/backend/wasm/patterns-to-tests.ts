// Patterns -> calls that test one text, given as an expression that can be built any number of times.

import {
  ADDRESS_RANGE_BYTES,
  ADDRESS_RANGE_FAMILY,
  ADDRESS_RANGE_MASK_HIGH,
  ADDRESS_RANGE_MASK_LOW,
  ADDRESS_RANGE_NETWORK_HIGH,
  ADDRESS_RANGE_NETWORK_LOW,
} from "@kestrel/stdlib/abi";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { Cidr } from "../../patterns/cidr.js";
import type { Patterns } from "../../patterns/patterns.js";
import { regexLists } from "../../patterns/regex-lists.js";
import type { RegexNode } from "../../patterns/regex-parse.js";
import { encodeGlob, type Wildcard } from "../../patterns/wildcard.js";
import type { DataSection } from "./data-section.js";
import { allOf, anyOf } from "./junctions.js";
import { PatternTooLarge } from "./lowering-error.js";
import { type Builder, type Expression, i32, i64 } from "./seam.js";

/** True when the text is one of `exact` or matches a pattern. With `fold`, the text must be folded already. */
export function testPatterns(b: Builder, data: DataSection, patterns: Patterns, text: () => Expression): Expression {
  return anyOf(b, patternTests(b, data, patterns, text));
}

/** The tests of which one must hold, and `text` is asked for in their order. */
export function patternTests(b: Builder, data: DataSection, patterns: Patterns, text: () => Expression): Expression[] {
  const tests: Expression[] = [];
  for (const raw of patterns.exact) {
    const { address, length } = data.addText(patterns.fold ? foldString(raw) : raw);
    tests.push(b.prelude("equal", text(), textConstant(b, address, length)));
  }
  const rare = patterns.globs.filter(({ text: pattern }) =>
    BEYOND_ASCII.test(patterns.fold ? foldString(pattern) : pattern),
  );
  if (rare.length < MANY_RARE) tests.push(...testGlobs(b, data, patterns, text));
  else {
    const others = patterns.globs.filter((glob) => !rare.includes(glob));
    tests.push(...testGlobs(b, data, { ...patterns, globs: others }, text));
    const guard = b.prelude("isBeyondAscii", text());
    tests.push(allOf(b, [guard, anyOf(b, testGlobs(b, data, { ...patterns, globs: rare }, text))]));
  }
  if (patterns.regexes.length > 0) tests.push(...testRegexes(b, data, patterns, text));
  return tests;
}

export const BEYOND_ASCII = /[^\0-\x7f]/;

/** So many wildcards with a character beyond ASCII are tried only where the text has one, which few texts do. */
const MANY_RARE = 8;

function testGlobs(b: Builder, data: DataSection, patterns: Patterns, text: () => Expression): Expression[] {
  if (patterns.globs.length > MOST_INLINE) return [testTable(b, data, patterns, text())];
  return patterns.globs.map(({ tree }) => testWildcard(b, data, tree, patterns.fold, text));
}

/** More patterns than this are a table: the code of each would make a large function. Bench `steering`, table "thresholds": an event takes a tenth longer. */
const MOST_INLINE = 2_000;

/** A function that tries the patterns of a table one after the other. */
function testTable(b: Builder, data: DataSection, { globs, fold }: Patterns, text: Expression): Expression {
  const { module: m } = b;
  const addresses = globs.map(({ tree }) => data.add(encodeGlob(tree, fold)));
  const table = data.addWords(addresses);
  const name = `patterns ${b.label()}`;
  const at = (): Expression => m.local.get(1, i32);
  const test = b.prelude("globMatches", m.local.get(0, i64), m.i32.load(0, 4, at()));
  const next = m.local.tee(1, m.i32.add(at(), b.word(4)), i32);
  const body = m.block(
    null,
    [
      m.local.set(1, b.word(table)),
      m.loop(
        "patterns",
        m.block(null, [
          m.if(test, m.return(b.word(1))),
          m.br("patterns", m.i32.lt_u(next, b.word(table + addresses.length * 4))),
        ]),
      ),
      b.word(0),
    ],
    i32,
  );
  b.define(name, i64, i32, [i32], body);
  return m.call(name, [text], i32);
}

export function textConstant(b: Builder, address: number, length: number): Expression {
  return b.module.i64.const((BigInt(address) << 32n) | BigInt(length));
}

/** As testPatterns, of one wildcard. */
export function testWildcard(
  b: Builder,
  data: DataSection,
  shape: Wildcard,
  fold: boolean,
  text: () => Expression,
): Expression {
  const literal = (value: string): readonly [Expression, Expression] => {
    const { address, length } = data.addText(fold ? foldString(value) : value);
    return [b.word(address), b.word(length)];
  };
  switch (shape.kind) {
    case "any":
      return b.word(1);
    case "prefix":
      return b.prelude("startsWith", text(), ...literal(shape.text));
    case "suffix":
      return b.prelude("endsWith", text(), ...literal(shape.text));
    case "contains":
      return b.prelude("contains", text(), ...literal(shape.text));
    case "exact":
    case "glob":
      return b.prelude("globMatches", text(), b.word(data.add(encodeGlob(shape, fold))));
  }
}

function testRegexes(b: Builder, data: DataSection, patterns: Patterns, text: () => Expression): Expression[] {
  return regexLists(patterns.regexes, patterns.fold).map(({ nodes, fold, foldText }) =>
    testAutomaton(b, data, nodes, fold, foldText ? b.prelude("fold", text()) : text()),
  );
}

/** True when one of the trees accepts the whole text. */
export function testAutomaton(
  b: Builder,
  data: DataSection,
  nodes: readonly RegexNode[],
  fold: boolean,
  text: Expression,
): Expression {
  const automaton = data.addAutomaton(nodes, fold);
  if (automaton.kind === "too-large") throw new PatternTooLarge(automaton.message);
  return b.prelude(automaton.kind === "dfa" ? "dfaMatches" : "nfaMatches", text, b.word(automaton.address));
}

/** Table that the prelude's addressIn reads: ADDRESS_RANGE_* in stdlib/src/abi.ts. */
export function addRanges(data: DataSection, ranges: readonly Cidr[]): number {
  const bytes = new Uint8Array(ranges.length * ADDRESS_RANGE_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, range] of ranges.entries()) {
    const at = index * ADDRESS_RANGE_BYTES;
    const width = BigInt(range.bytes.length * 8);
    const network = range.bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
    const mask = ((1n << width) - 1n) ^ ((1n << (width - BigInt(range.prefix))) - 1n);
    view.setUint32(at + ADDRESS_RANGE_FAMILY, range.family, true);
    view.setBigUint64(at + ADDRESS_RANGE_NETWORK_HIGH, network >> 64n, true);
    view.setBigUint64(at + ADDRESS_RANGE_NETWORK_LOW, BigInt.asUintN(64, network), true);
    view.setBigUint64(at + ADDRESS_RANGE_MASK_HIGH, mask >> 64n, true);
    view.setBigUint64(at + ADDRESS_RANGE_MASK_LOW, BigInt.asUintN(64, mask), true);
  }
  return data.add(bytes);
}

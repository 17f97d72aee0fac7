// A leaf of a condition -> what it says about fields, and which two such facts no event can meet at once.
// SOUND: a field may have several values, so that `a == 1 and a == 2` can hold. Two demands of a value only exclude each other on
// the fields that have one value in every event format we know; a demand and its exclusion always do.

import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { Typed } from "../analyse/typed.js";
import { elasticForm, strictOf } from "../functions/catalogue.js";
import { COMPARISONS, type ComparisonOp } from "../ir/comparison.js";
import { operandsOf } from "../ir/expression.js";
import type { Reading } from "../ir/reading.js";
import type { GlobPattern, Patterns } from "../patterns/patterns.js";
import { wildcardMatches } from "../patterns/wildcard.js";

type Bound = bigint | number;

/** From `low` to `high`, each with or without the end itself. */
interface Interval {
  readonly low: Bound;
  readonly lowOpen: boolean;
  readonly high: Bound;
  readonly highOpen: boolean;
}

/** What is asked of a field's values. */
type Demand =
  /** Some value is (or, not positive, no value is) one that the patterns match. */
  | { readonly kind: "text"; readonly reading: Reading; readonly positive: boolean; readonly patterns: Patterns }
  | {
      readonly kind: "number";
      readonly reading: Reading;
      readonly positive: boolean;
      readonly intervals: readonly Interval[];
    }
  | { readonly kind: "truth"; readonly reading: Reading; readonly positive: boolean; readonly value: boolean };

export type Fact =
  | Demand
  | { readonly kind: "present"; readonly reading: Reading }
  | { readonly kind: "missing"; readonly reading: Reading };

/** What holds of fields when the leaf, or with `positive` false its negation, is true. */
export function factsOf(typed: Typed, positive: boolean): readonly Fact[] {
  switch (typed.kind) {
    case "not":
      return factsOf(typed.operand, !positive);
    case "is-null":
      if (typed.operand.kind === "field")
        return [{ kind: positive ? "missing" : "present", reading: typed.operand.reading }];
      return positive ? [] : strictFields(typed.operand).map((reading) => ({ kind: "present", reading }));
    case "field":
      return [{ kind: "truth", reading: typed.reading, positive, value: true }];
    case "match":
      if (typed.subject.kind === "field" && typed.subject.reading.as === "keyword")
        return [{ kind: "text", reading: typed.subject.reading, positive, patterns: typed.patterns }];
      break;
    case "compare": {
      const { left, right, op } = typed;
      if (left.kind !== "field") break;
      if (right.kind === "boolean") return [{ kind: "truth", reading: left.reading, positive, value: right.value }];
      const value =
        right.kind === "long" || right.kind === "double"
          ? right.value
          : right.kind === "date"
            ? right.nanoseconds
            : null;
      if (value === null) break;
      return [{ kind: "number", reading: left.reading, positive, intervals: [intervalOf(op, value)] }];
    }
    case "or": {
      // A list: `pid in (1, 2)`.
      const numbers: Interval[] = [];
      const readings = new Map<string, Reading>();
      for (const operand of typed.operands) {
        const [fact] = factsOf(operand, true);
        if (fact?.kind !== "number" || !fact.positive) return [];
        readings.set(fact.reading.name, fact.reading);
        numbers.push(...fact.intervals);
      }
      const [reading] = readings.values();
      if (reading === undefined || readings.size > 1) return [];
      return [{ kind: "number", reading, positive, intervals: numbers }];
    }
    default:
  }
  return positive ? strictFields(typed).map((reading) => ({ kind: "present", reading })) : [];
}

/** The fields without which a leaf is null, and so not true. */
function strictFields(typed: Typed): readonly Reading[] {
  switch (typed.kind) {
    case "field":
      return [typed.reading];
    case "arithmetic":
    case "compare":
    case "match":
    case "in-ranges":
      return operandsOf(typed).flatMap(strictFields);
    case "call":
      return strictOf(elasticForm(typed.name), typed.args).flatMap(strictFields);
    default:
      return [];
  }
}

function intervalOf(op: ComparisonOp, value: Bound): Interval {
  const { less, equal, greater } = COMPARISONS[op];
  return {
    low: less ? Number.NEGATIVE_INFINITY : value,
    lowOpen: greater && !equal,
    high: greater ? Number.POSITIVE_INFINITY : value,
    highOpen: less && !equal,
  };
}

/** How much work it is to compare two facts, in steps of a set look-up or of a pattern tried on a text. */
export function costOf(a: Fact, b: Fact): number {
  return sizeOf(a) * sizeOf(b);
}

function sizeOf(fact: Fact): number {
  if (fact.kind === "number") return fact.intervals.length;
  return fact.kind === "text" ? fact.patterns.exact.length + fact.patterns.globs.length + 1 : 1;
}

/** Whether no event can meet both. The facts are about the same field. */
export function exclude(a: Fact, b: Fact): boolean {
  if (a.kind === "missing") return needsValue(b);
  if (b.kind === "missing") return needsValue(a);
  if (a.kind === "present" || b.kind === "present") return false;
  if (!a.positive && !b.positive) return false;
  if (a.positive && b.positive) return hasOneValue(a.reading) && apart(a, b);
  return a.positive ? within(a, b) : within(b, a);
}

function needsValue(fact: Fact): boolean {
  return fact.kind === "present" || (fact.kind !== "missing" && fact.positive);
}

/** No value meets both. */
function apart(a: Demand, b: Demand): boolean {
  if (a.kind === "text" && b.kind === "text") return textsApart(a.patterns, b.patterns);
  if (a.kind === "number" && b.kind === "number") {
    const whole = a.reading.as === "long";
    return a.intervals.every((one) => b.intervals.every((other) => intervalsApart(one, other, whole)));
  }
  return a.kind === "truth" && b.kind === "truth" && a.value !== b.value;
}

/** Every value that meets `a` meets `b`. */
function within(a: Demand, b: Demand): boolean {
  if (a.kind === "text" && b.kind === "text") return textsWithin(a.patterns, b.patterns);
  if (a.kind === "number" && b.kind === "number")
    return a.intervals.every((one) => b.intervals.some((other) => intervalWithin(one, other)));
  return a.kind === "truth" && b.kind === "truth" && a.value === b.value;
}

function intervalsApart(a: Interval, b: Interval, whole: boolean): boolean {
  return endsBefore(a, b, whole) || endsBefore(b, a, whole);
}

function endsBefore(a: Interval, b: Interval, whole: boolean): boolean {
  if (a.high < b.low) return true;
  if (a.high === b.low) return a.highOpen || b.lowOpen;
  // Between two neighbouring whole numbers there is no other.
  return whole && a.highOpen && b.lowOpen && typeof a.high === "bigint" && a.high === plusOne(b.low);
}

function plusOne(bound: Bound): Bound {
  return typeof bound === "bigint" ? bound + 1n : bound + 1;
}

function intervalWithin(a: Interval, b: Interval): boolean {
  const low = a.low > b.low || (a.low === b.low && (a.lowOpen || !b.lowOpen));
  const high = a.high < b.high || (a.high === b.high && (a.highOpen || !b.highOpen));
  return low && high;
}

function textsApart(a: Patterns, b: Patterns): boolean {
  if (a.regexes.length > 0 || b.regexes.length > 0) return false;
  const fold = a.fold || b.fold;
  const as = a.exact.map((text) => (fold ? foldString(text) : text));
  const bs = new Set(b.exact.map((text) => (fold ? foldString(text) : text)));
  if (as.some((text) => bs.has(text))) return false;
  if (a.exact.some((text) => b.globs.some((glob) => wildcardMatches(glob.text, text, fold)))) return false;
  if (b.exact.some((text) => a.globs.some((glob) => wildcardMatches(glob.text, text, fold)))) return false;
  return a.globs.every((one) => b.globs.every((other) => globsApart(one, other, fold)));
}

/** Two patterns whose fixed beginnings, or fixed ends, differ. */
function globsApart(a: GlobPattern, b: GlobPattern, fold: boolean): boolean {
  const [x, y] = fold ? [foldString(a.text), foldString(b.text)] : [a.text, b.text];
  const [beginX, beginY] = [fixedStart(x), fixedStart(y)];
  if (!beginX.startsWith(beginY) && !beginY.startsWith(beginX)) return true;
  const [endX, endY] = [fixedEnd(x), fixedEnd(y)];
  return !endX.endsWith(endY) && !endY.endsWith(endX);
}

function fixedStart(glob: string): string {
  const end = glob.search(/[*?]/);
  return end < 0 ? glob : glob.slice(0, end);
}

function fixedEnd(glob: string): string {
  return glob.slice(Math.max(glob.lastIndexOf("*"), glob.lastIndexOf("?")) + 1);
}

function textsWithin(a: Patterns, b: Patterns): boolean {
  if (b.globs.some(({ tree }) => tree.kind === "any")) return true;
  // What `a` takes in any case must be taken in any case by `b` too.
  if (a.fold && !b.fold) return false;
  if (a.regexes.some(({ text }) => !b.regexes.some((other) => other.text === text))) return false;
  const key = (text: string): string => (b.fold ? foldString(text) : text);
  const exact = new Set(b.exact.map(key));
  const globs = new Set(b.globs.map(({ text }) => key(text)));
  if (a.globs.some(({ text }) => !globs.has(key(text)))) return false;
  return a.exact.every(
    (text) => exact.has(key(text)) || b.globs.some((glob) => wildcardMatches(glob.text, text, b.fold)),
  );
}

const PROCESS =
  /^(?:process|Effective_process|Target\.process)(?:\.parent)?\.(?:name|executable|pid|entity_id|command_line)$/;
const PROCESS_MORE =
  /^(?:process|Effective_process|Target\.process)(?:\.parent)?\.(?:working_directory|args_count|exit_code)$/;
const SIGNATURE = /^(?:process|process\.parent|dll|file)\.code_signature\.(?:exists|trusted|status|subject_name)$/;
const FILE = /^(?:file|dll)\.(?:name|path|extension|size)$/;
const REGISTRY = /^registry\.(?:path|key|value|hive)$/;
const HOST = /^host\.(?:id|os\.(?:type|platform|family|version))$/;
const EVENT = /^event\.(?:kind|outcome|code|dataset|module|provider)$|^data_stream\.dataset$/;
const NETWORK = /^(?:source|destination|client|server)\.(?:ip|port)$|^network\.(?:transport|direction|iana_number)$/;
const WINLOG = /^winlog\.(?:channel|event_id|provider_name|computer_name)$/;
const ONE_VALUE: readonly RegExp[] = [PROCESS, PROCESS_MORE, SIGNATURE, FILE, REGISTRY, HOST, EVENT, NETWORK, WINLOG];

function hasOneValue({ name }: Reading): boolean {
  return ONE_VALUE.some((pattern) => pattern.test(name));
}

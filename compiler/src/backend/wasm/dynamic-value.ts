// Values of the endgame dialect -> code. A value is evaluated in one of two forms: as a truth (i32: 0, 1, or 2 for null),
// which is what conditions mostly need, or as the address of a box (layouts: stdlib/src/abi.ts).
//
//   field        a local holds the box plus one once it has been read, another the folded one
//   and, or      (block $decided  set all = 1;  for each: br_if $decided when it decides, else all |= truth;  …)
//   search       a loop over the elements, whose boxes are given back to the arena after each
//
// INVARIANT: boxes that outlive one turn of a loop are made before it: the fields that its condition reads are read
// ahead. Read in the first turn, their boxes would be given back with the element, and later turns would find other
// bytes there.
// Deep parts become functions of their own, because Binaryen's passes recurse over nesting.

import {
  ARITHMETIC_ADD,
  ARITHMETIC_DIVIDE,
  ARITHMETIC_MULTIPLY,
  ARITHMETIC_REMAINDER,
  ARITHMETIC_SUBTRACT,
  ORDER_GREATER,
  ORDER_GREATER_EQUAL,
  ORDER_LESS,
  ORDER_LESS_EQUAL,
  TRUTH_NULL,
} from "@kestrel/stdlib/abi";
import { foldString } from "@kestrel/stdlib/text/case-folding";
import { type DynamicValue, isTruth, operandsOfDynamic, type Path } from "../../ir/dynamic-value.js";
import { type Reading, readingKey } from "../../ir/reading.js";
import type { Wildcard } from "../../patterns/wildcard.js";
import type { DataSection } from "./data-section.js";
import { addBox, addConstantList, addPath } from "./dynamic-constants.js";
import { ENDGAME_FUNCTIONS } from "./endgame-functions.js";
import { anyOf } from "./junctions.js";
import { addRanges, testAutomaton, testWildcard, textConstant } from "./patterns-to-tests.js";
import { type Builder, type Expression, i32, i64, type WasmType } from "./seam.js";
import type { StateLayout } from "./state.js";

export interface DynamicTarget {
  readonly b: Builder;
  readonly data: DataSection;
  readonly state: StateLayout;
}

/** A field that the function at hand reads, and its locals: each the address of a box plus one, 0 before it is read. */
interface Cache {
  readonly reading: Reading;
  readonly path: Path;
  readonly plain: number;
  readonly folded: number;
}

interface Scope extends DynamicTarget {
  readonly name: string;
  /** Locals of the elements that the searches around are at; the first are the function's parameters. */
  readonly elements: readonly number[];
  readonly params: number;
  readonly locals: WasmType[];
  readonly caches: Map<string, Cache>;
  /** Caches that the loop being built reads; null outside of loops. */
  readonly read: Set<Cache> | null;
  readonly depth: number;
}

/** How deep expressions nest before a part becomes a function. Bench `steering`, table "thresholds": no step is seen. */
const DEEPEST = 24;
/**
 * Operands of one `and` or `or` beyond this are functions of their own: Binaryen's time grows with a function's size. Bench
 * `steering`, table "thresholds": four times as many operands then take about twice as long to compile.
 */
const MOST_OPERANDS = 64;

/**
 * Adds a function that evaluates the value, as a truth or as a box. It takes the boxes of `elements` enclosing searches.
 */
export function addDynamicFunction(
  target: DynamicTarget,
  name: string,
  value: DynamicValue,
  form: "truth" | "box",
  elements = 0,
): void {
  const params = Array.from({ length: elements }, () => i32);
  const scope: Scope = {
    ...target,
    name,
    elements: params.map((_, index) => index),
    params: elements,
    locals: [],
    caches: new Map(),
    read: null,
    depth: 0,
  };
  const body = form === "truth" ? truthOf(value, scope) : boxOf(value, scope);
  target.b.define(name, target.b.types(params), i32, scope.locals, body);
}

function newLocal(scope: Scope, type: WasmType = i32): number {
  return scope.params + scope.locals.push(type) - 1;
}

function deeper(scope: Scope): Scope {
  return { ...scope, depth: scope.depth + 1 };
}

/** A call of a function of its own. */
function outlined(value: DynamicValue, form: "truth" | "box", scope: Scope): Expression {
  const { b, elements } = scope;
  const name = `${scope.name} ${b.label()}`;
  addDynamicFunction(scope, name, value, form, elements.length);
  return b.module.call(
    name,
    elements.map((local) => b.module.local.get(local, i32)),
    i32,
  );
}

function isSmall(value: DynamicValue): boolean {
  return value.kind === "constant" || value.kind === "field" || value.kind === "element" || value.kind === "flag";
}

export function truthOf(value: DynamicValue, outer: Scope): Expression {
  if (outer.depth >= DEEPEST && !isSmall(value)) return outlined(value, "truth", outer);
  const { b, data } = outer;
  const { module: m } = b;
  if (!isTruth(value)) return b.prelude("boxTruth", boxOf(value, outer));
  const scope = deeper(outer);
  switch (value.kind) {
    case "constant":
      return b.word(value.value === null ? TRUTH_NULL : value.value ? 1 : 0);
    case "flag":
      return m.i32.load8_u(0, 1, b.word(scope.state.lineageFlags + value.flag));
    case "and":
    case "or":
      return junction(
        value.operands.map((operand) => operandTruth(operand, value.operands.length, scope)),
        value.kind,
        scope,
      );
    case "not": {
      const local = newLocal(scope);
      // 0 and 1 change places, 2 stays.
      const flip = m.i32.sub(b.word(1), m.i32.shr_u(m.local.get(local, i32), b.word(1)));
      return m.i32.xor(m.local.tee(local, truthOf(value.operand, scope), i32), flip);
    }
    case "is-null":
      return isTruth(value.operand)
        ? m.i32.eq(truthOf(value.operand, scope), b.word(TRUTH_NULL))
        : m.i32.eqz(boxOf(value.operand, scope));
    case "equal":
      return b.prelude("boxEquals", foldedOf(value.left, scope), foldedOf(value.right, scope));
    case "order": {
      const op = { "<": ORDER_LESS, "<=": ORDER_LESS_EQUAL, ">": ORDER_GREATER, ">=": ORDER_GREATER_EQUAL }[value.op];
      return b.prelude("boxOrder", foldedOf(value.left, scope), foldedOf(value.right, scope), b.word(op));
    }
    case "member": {
      const list = addConstantList(value.constants, data);
      return b.prelude("boxIn", foldedOf(value.subject, scope), b.word(list));
    }
    case "wildcard":
      return textTest(value.subject, scope, (text) =>
        anyOf(
          b,
          value.patterns.map((pattern) => wildcardTest(pattern, text, scope)),
        ),
      );
    case "regex":
      return textTest(value.subject, scope, (text) => testAutomaton(b, data, value.patterns, true, text()));
    case "in-ranges": {
      const ranges = addRanges(data, value.ranges);
      return b.prelude("boxAddressIn", boxOf(value.subject, scope), b.word(ranges), b.word(value.ranges.length));
    }
    case "call":
      return call(value, scope);
    case "search":
      return search(value, scope);
    default:
      throw new Error(`${value.kind} is no truth`);
  }
}

/** Address of the value's box, 0 for null. */
export function boxOf(value: DynamicValue, outer: Scope): Expression {
  if (outer.depth >= DEEPEST && !isSmall(value)) return outlined(value, "box", outer);
  const { b, data } = outer;
  const { module: m } = b;
  if (value.kind === "constant") return b.word(addBox(value.value, false, data));
  if (isTruth(value)) return b.prelude("truthBox", truthOf(value, outer));
  const scope = deeper(outer);
  switch (value.kind) {
    case "field":
      return cached(cacheOf(value.reading, value.path, scope), false, scope);
    case "element": {
      const local = scope.elements[value.depth];
      if (local === undefined) throw new Error("an element is read outside of its search");
      const box = m.local.get(local, i32);
      const { address, steps } = addPath(value.path, data);
      return steps === 0 ? box : b.prelude("walkBox", box, b.word(address), b.word(steps));
    }
    case "arithmetic": {
      const op = {
        "+": ARITHMETIC_ADD,
        "-": ARITHMETIC_SUBTRACT,
        "*": ARITHMETIC_MULTIPLY,
        "/": ARITHMETIC_DIVIDE,
        "%": ARITHMETIC_REMAINDER,
      }[value.op];
      return b.prelude("boxArithmetic", boxOf(value.left, scope), boxOf(value.right, scope), b.word(op));
    }
    case "call":
      return call(value, scope);
    case "search":
      return search(value, scope);
    default:
      throw new Error(`${value.kind} has no box`);
  }
}

/** As boxOf, a string folded. */
function foldedOf(value: DynamicValue, scope: Scope): Expression {
  const { b } = scope;
  if (value.kind === "constant") return b.word(addBox(value.value, true, scope.data));
  if (value.kind === "field") return cached(cacheOf(value.reading, value.path, scope), true, scope);
  const box = boxOf(value, scope);
  return isTruth(value) || value.kind === "arithmetic" ? box : b.prelude("foldBox", box);
}

function cacheOf(reading: Reading, path: Path, scope: Scope): Cache {
  const key = JSON.stringify([readingKey(reading), path]);
  const known = scope.caches.get(key);
  const cache = known ?? { reading, path, plain: newLocal(scope), folded: newLocal(scope) };
  scope.caches.set(key, cache);
  scope.read?.add(cache);
  return cache;
}

/** (block (if (i32.eqz $local) (local.set $local (box + 1))) ($local - 1)) */
function cached(cache: Cache, folded: boolean, scope: Scope): Expression {
  const { b, data, state } = scope;
  const { module: m } = b;
  const local = folded ? cache.folded : cache.plain;
  const read = (): Expression => {
    if (folded) return b.prelude("foldBox", cached(cache, false, scope));
    const { address, steps } = addPath(cache.path, data);
    return b.prelude("fieldBox", b.word(state.slotOf(cache.reading)), b.word(address), b.word(steps));
  };
  return m.block(
    null,
    [
      m.if(m.i32.eqz(m.local.get(local, i32)), m.local.set(local, m.i32.add(read(), b.word(1)))),
      m.i32.sub(m.local.get(local, i32), b.word(1)),
    ],
    i32,
  );
}

function operandTruth(value: DynamicValue, siblings: number, scope: Scope): Expression {
  return siblings > MOST_OPERANDS && !isSmall(value) ? outlined(value, "truth", scope) : truthOf(value, scope);
}

/** A decisive operand (false in `and`, true in `or`) wins over null, null over the rest. */
function junction(truths: readonly Expression[], kind: "and" | "or", scope: Scope): Expression {
  const { b } = scope;
  const { module: m } = b;
  const [all, one] = [newLocal(scope), newLocal(scope)];
  const decisive = kind === "or" ? 1 : 0;
  const label = b.label();
  const steps = truths.flatMap((truth) => [
    m.drop(m.br_if(label, m.i32.eq(m.local.tee(one, truth, i32), b.word(decisive)), b.word(decisive))),
    m.local.set(all, m.i32.or(m.local.get(all, i32), m.local.get(one, i32))),
  ]);
  // Of truths that do not decide, the one that is null has bit 1 set.
  const some = m.i32.and(m.local.get(all, i32), b.word(TRUTH_NULL));
  const result = kind === "or" ? some : m.select(some, b.word(TRUTH_NULL), b.word(1));
  return m.block(label, [m.local.set(all, b.word(0)), ...steps, result], i32);
}

/** A test of the folded text, null when the subject is none. */
function textTest(subject: DynamicValue, scope: Scope, test: (text: () => Expression) => Expression): Expression {
  const { b } = scope;
  const { module: m } = b;
  const [box, text] = [newLocal(scope), newLocal(scope, i64)];
  return m.if(
    b.prelude("boxIsText", m.local.tee(box, foldedOf(subject, scope), i32)),
    m.block(
      null,
      [m.local.set(text, b.prelude("boxText", m.local.get(box, i32))), test(() => m.local.get(text, i64))],
      i32,
    ),
    b.word(TRUTH_NULL),
  );
}

function wildcardTest(pattern: Wildcard, text: () => Expression, { b, data }: Scope): Expression {
  if (pattern.kind !== "exact") return testWildcard(b, data, pattern, true, text);
  const { address, length } = data.addText(foldString(pattern.text));
  return b.prelude("equal", text(), textConstant(b, address, length));
}

/** As a truth where the function answers yes or no, as a box where it does not. */
function call({ name, args }: Extract<DynamicValue, { kind: "call" }>, scope: Scope): Expression {
  const { b } = scope;
  const at = (index: number): DynamicValue => args[index] ?? { kind: "constant", value: null };
  return ENDGAME_FUNCTIONS[name](
    {
      count: args.length,
      box: (index) => boxOf(at(index), scope),
      folded: (index) => foldedOf(at(index), scope),
      truth: (index) => truthOf(at(index), scope),
    },
    { b, local: () => newLocal(scope), either: (truths) => junction(truths, "or", scope) },
  );
}

/**
 * `arraySearch` as a truth, `arrayCount` as a box:
 *
 *   at = elementsOf(array); mark
 *   (block $found (loop  br_if $found when at = 0;  next = the place behind;  element = box at `at`
 *                        when the condition's truth is 1: count it, or leave;  release;  at = next;  again))
 */
function search(value: Extract<DynamicValue, { kind: "search" }>, scope: Scope): Expression {
  const { b } = scope;
  const { module: m } = b;
  const [at, next, element] = [newLocal(scope), newLocal(scope), newLocal(scope)];
  const [start, found] = [newLocal(scope), newLocal(scope)];
  const get = (local: number): Expression => m.local.get(local, i32);
  const array = m.local.set(at, b.prelude("elementsOf", boxOf(value.array, scope)));
  const read = new Set<Cache>();
  const inner: Scope = { ...scope, elements: [...scope.elements.slice(0, value.depth), element], read };
  const holds = m.i32.eq(truthOf(value.condition, inner), b.word(1));
  for (const cache of read) scope.read?.add(cache);
  const ahead = [...read].map((cache) => m.drop(cached(cache, true, scope)));
  const [out, again] = [b.label(), b.label()];
  const count = m.local.set(found, m.i32.add(get(found), b.word(1)));
  const body = m.block(null, [
    m.br_if(out, m.i32.eqz(b.prelude("takeStep"))),
    m.local.set(next, b.prelude("nextBoxElement", get(at))),
    m.local.set(element, b.prelude("elementBox", get(at))),
    m.if(holds, value.count ? count : m.block(null, [count, m.br(out)])),
    b.prelude("release", get(start)),
    m.local.set(at, get(next)),
    m.br_if(again, get(at)),
  ]);
  const result = value.count ? b.prelude("integerBox", m.i64.extend_u(get(found))) : get(found);
  return m.block(
    null,
    [
      m.local.set(found, b.word(0)),
      array,
      ...ahead,
      m.local.set(start, b.prelude("mark")),
      m.if(get(at), m.block(out, [m.loop(again, body)])),
      // A loop that is left in the middle of a turn, with the element found, has not given back that turn's boxes.
      b.prelude("release", get(start)),
      result,
    ],
    i32,
  );
}

/** Whether a search stands in it, so that the function has to begin with `startSteps`. */
export function searches(value: DynamicValue): boolean {
  return value.kind === "search" || operandsOfDynamic(value).some(searches);
}

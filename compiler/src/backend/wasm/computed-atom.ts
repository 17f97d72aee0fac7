// A computed atom -> a function that tries the combinations of its fields' values until one makes it true:
//
//   (func (result i32)
//     (for each field, one loop inside the other: its values, or once null when it has none)
//       value = the expression; when true and not null: return 1
//     return 0)
//
// Inside, every value is a local beside a local that says whether it is null, and null spreads as docs/language.md#missing-values has it.

import { COMBINATION_BYTES_SHIFT, COMBINATION_LIMIT, SLOT_COUNT, SLOT_VALUE, VALUE_SHIFT } from "@kestrel/stdlib/abi";
import type { ComparisonOp } from "../../ir/comparison.js";
import { type Domain, type Expression as IrExpression, type NodeOf, readingsOf } from "../../ir/expression.js";
import { type Reading, readingKey, type ValueType, valueTypeOf } from "../../ir/reading.js";
import { compareDoubles, compareLongs, compareWords } from "./comparisons.js";
import type { DataSection } from "./data-section.js";
import { ELASTIC_FUNCTIONS } from "./elastic-functions.js";
import { anyOf } from "./junctions.js";
import { anyNull, asType, constant, local, type Operand, type Scope, wasmType, withNull } from "./operands.js";
import { addRanges, testPatterns, textConstant } from "./patterns-to-tests.js";
import { type Builder, type Expression, f64, i32, i64, none, type WasmType } from "./seam.js";
import type { StateLayout } from "./state.js";

export function addComputedAtom(
  b: Builder,
  name: string,
  typed: IrExpression,
  state: StateLayout,
  data: DataSection,
  test: (atom: number) => Expression,
): void {
  const { module: m } = b;
  const locals: WasmType[] = [];
  const newLocal = (type: WasmType): number => locals.push(type) - 1;
  const loops = readingsOf(typed).map((reading) => {
    const slot = state.slotOf(reading);
    const type = wasmType(valueTypeOf(reading));
    return { reading, slot, type, index: newLocal(i32), value: newLocal(type) };
  });
  const count = (slot: number): Expression => m.i32.load(SLOT_COUNT, 4, b.word(slot));
  const fields = new Map<string, Operand>(
    loops.map((loop) => [
      readingKey(loop.reading),
      { value: () => m.local.get(loop.value, loop.type), isNull: () => m.i32.eqz(count(loop.slot)) },
    ]),
  );
  const tried = newLocal(i32);
  const scope: Scope = { b, data, locals, code: [], fields, test, evaluate: (operand) => evaluate(operand, scope) };
  const result = evaluate(typed, scope);
  const hit = result.isNull === null ? result.value() : m.i32.and(result.value(), m.i32.eqz(result.isNull()));
  let body = m.block(null, [...scope.code, m.if(hit, m.return(b.word(1)))]);
  if (loops.length > 1) {
    // A text takes part once for each value of the other fields, so its length counts as well: see COMBINATION_BYTES_SHIFT.
    const texts = loops.filter(({ reading }) => valueTypeOf(reading) === "string");
    const cost = texts.reduce((sum, { value }) => {
      const length = m.i32.wrap(m.local.get(value, i64));
      return m.i32.add(sum, m.i32.shr_u(length, b.word(COMBINATION_BYTES_SHIFT)));
    }, b.word(1));
    const next = m.local.tee(tried, m.i32.add(m.local.get(tried, i32), cost), i32);
    const giveUp = m.block(null, [b.prelude("countCombinations"), m.return(b.word(0))]);
    body = m.block(null, [m.if(m.i32.gt_u(next, b.word(COMBINATION_LIMIT)), giveUp), body]);
  }
  for (const [depth, loop] of [...loops.entries()].reverse()) {
    const label = `values ${depth}`;
    const one = m.i32.eq(count(loop.slot), b.word(1));
    const base = m.select(one, b.word(loop.slot + SLOT_VALUE), m.i32.load(SLOT_VALUE, 4, b.word(loop.slot)));
    const address = m.i32.add(base, m.i32.shl(m.local.get(loop.index, i32), b.word(VALUE_SHIFT)));
    const next = m.local.tee(loop.index, m.i32.add(m.local.get(loop.index, i32), b.word(1)), i32);
    body = m.block(null, [
      m.local.set(loop.index, b.word(0)),
      m.loop(
        label,
        m.block(null, [
          m.if(count(loop.slot), m.local.set(loop.value, loadValue(b, loop.reading, address))),
          body,
          m.br(label, m.i32.lt_u(next, count(loop.slot))),
        ]),
      ),
    ]);
  }
  b.define(name, none, i32, locals, m.block(null, [body, b.word(0)], i32));
}

/** The value at an address, in the form that operands have. */
function loadValue(b: Builder, reading: Reading, address: Expression): Expression {
  const { module: m } = b;
  switch (valueTypeOf(reading)) {
    case "string":
      // In memory the address stands in the low half; as an operand, in the high half.
      return m.i64.rotl(m.i64.load(0, 8, address), m.i64.const(32));
    case "double":
      return m.f64.load(0, 8, address);
    case "boolean":
    case null:
      return m.i32.load(0, 4, address);
    default:
      return m.i64.load(0, 8, address);
  }
}

function evaluate(t: IrExpression, scope: Scope): Operand {
  const { b, data } = scope;
  const { module: m } = b;
  switch (t.kind) {
    case "null":
      return { value: () => b.word(0), isNull: () => b.word(1) };
    case "string": {
      const { address, length } = data.addText(t.value);
      return constant(() => textConstant(b, address, length));
    }
    case "long":
      return constant(() => m.i64.const(t.value));
    case "date":
      return constant(() => m.i64.const(t.nanoseconds));
    case "double":
      return constant(() => m.f64.const(t.value));
    case "boolean":
      return constant(() => b.word(t.value ? 1 : 0));
    case "field": {
      const operand = scope.fields.get(readingKey(t.reading));
      if (operand === undefined) throw new Error(`${t.reading.name} is not bound`);
      return operand;
    }
    case "arithmetic":
      return evaluateArithmetic(t, scope);
    case "compare":
      return evaluateComparison(t, scope);
    case "is-null": {
      const operand = evaluate(t.operand, scope);
      return constant(operand.isNull ?? (() => b.word(0)));
    }
    case "not": {
      const operand = evaluate(t.operand, scope);
      return { value: local(scope, i32, m.i32.eqz(operand.value())), isNull: operand.isNull };
    }
    case "and":
    case "or":
      return evaluateJunction(t.kind, t.operands, scope);
    case "match": {
      const subject = asType(t.subject, "string", scope);
      const text = t.patterns.fold ? local(scope, i64, b.prelude("fold", subject.value())) : subject.value;
      return { value: local(scope, i32, testPatterns(b, data, t.patterns, text)), isNull: subject.isNull };
    }
    case "in-ranges": {
      const subject = asType(t.subject, "string", scope);
      const test = b.prelude("addressIn", subject.value(), b.word(addRanges(data, t.ranges)), b.word(t.ranges.length));
      return { value: local(scope, i32, test), isNull: subject.isNull };
    }
    case "call":
      return ELASTIC_FUNCTIONS[t.name](t, scope);
    case "test":
      return constant(() => scope.test(t.atom));
  }
}

/** Three-valued: a decisive operand (false in `and`, true in `or`) wins over null, null over the rest. */
function evaluateJunction(kind: "and" | "or", typed: readonly IrExpression[], scope: Scope): Operand {
  const { b } = scope;
  const { module: m } = b;
  const operands = typed.map((operand) => evaluate(operand, scope));
  const decisive = operands.map((operand) => {
    const decides = kind === "or" ? operand.value() : m.i32.eqz(operand.value());
    return operand.isNull === null ? decides : m.i32.and(decides, m.i32.eqz(operand.isNull()));
  });
  const decided = local(scope, i32, anyOf(b, decisive));
  const nulls = anyNull(scope, operands);
  return {
    value: local(scope, i32, kind === "or" ? decided() : m.i32.eqz(decided())),
    isNull: nulls === null ? null : local(scope, i32, m.i32.and(nulls(), m.i32.eqz(decided()))),
  };
}

function evaluateArithmetic(t: NodeOf<"arithmetic">, scope: Scope): Operand {
  const { b } = scope;
  const { module: m } = b;
  const left = asType(t.left, t.type, scope);
  const right = asType(t.right, t.type, scope);
  const nulls = anyNull(scope, [left, right]);
  const [x, y] = [left.value, right.value];
  if (t.type === "double") {
    if (t.op === "/" || t.op === "%") {
      const isNull = withNull(scope, nulls, m.f64.eq(y(), m.f64.const(0)));
      const value = t.op === "/" ? m.f64.div(x(), y()) : b.prelude("doubleModulo", x(), y());
      return { value: local(scope, f64, value), isNull };
    }
    const op = t.op === "+" ? m.f64.add : t.op === "-" ? m.f64.sub : m.f64.mul;
    return { value: local(scope, f64, op(x(), y())), isNull: nulls };
  }
  if (t.op === "/" || t.op === "%") {
    const zero = (): Expression => m.i64.eqz(y());
    const overflow = m.i32.and(m.i64.eq(y(), m.i64.const(-1n)), m.i64.eq(x(), m.i64.const(-(2n ** 63n))));
    const isNull = withNull(scope, nulls, t.op === "/" ? m.i32.or(zero(), overflow) : zero());
    // The machine traps where the language has null: divide by one instead.
    const divisor = m.select(isNull(), m.i64.const(1n), y());
    const op = t.op === "/" ? m.i64.div_s : m.i64.rem_s;
    return { value: local(scope, i64, op(x(), divisor)), isNull };
  }
  const [op, overflows] =
    t.op === "+"
      ? [m.i64.add, "addOverflows"]
      : t.op === "-"
        ? [m.i64.sub, "subtractOverflows"]
        : [m.i64.mul, "multiplyOverflows"];
  const isNull = withNull(scope, nulls, b.prelude(overflows, x(), y()));
  return { value: local(scope, i64, op(x(), y())), isNull };
}

function evaluateComparison(t: NodeOf<"compare">, scope: Scope): Operand {
  const { b } = scope;

  const type: ValueType = t.domain === "version" || t.domain === "address" ? "string" : t.domain;
  const left = asType(t.left, type, scope);
  const right = asType(t.right, type, scope);
  const isNull = anyNull(scope, [left, right]);
  const plain = { value: local(scope, i32, comparison(t.op, t.domain, left.value(), right.value(), b)), isNull };
  return t.fixed === undefined ? plain : orPresence(t.fixed, left, right, plain, scope);
}

/**
 * `==` with a side that no event decides. When `1 / 0` turns out null, `x == 1 / 0` asks what `x == null` does: is x
 * missing?
 */
function orPresence(
  fixed: "left" | "right" | "both",
  left: Operand,
  right: Operand,
  plain: Operand,
  scope: Scope,
): Operand {
  const { module: m, word } = scope.b;
  const [x, y] = [left.isNull, right.isNull];
  const absent = [...(fixed === "right" || x === null ? [] : [x()]), ...(fixed === "left" || y === null ? [] : [y()])];
  const [first, second] = absent;
  if (first === undefined) return plain;
  const test = local(scope, i32, second === undefined ? first : m.i32.or(first, second));
  const both = x === null || y === null ? word(0) : m.i32.and(x(), y());
  const value = local(scope, i32, m.select(test(), both, plain.value()));
  const isNull = plain.isNull === null ? null : local(scope, i32, m.i32.and(plain.isNull(), m.i32.eqz(test())));
  return { value, isNull };
}

function comparison(op: ComparisonOp, domain: Domain, x: Expression, y: Expression, b: Builder): Expression {
  switch (domain) {
    case "string":
      return op === "==" ? b.prelude("equal", x, y) : compareWords(b, op, b.prelude("compare", x, y), b.word(0));
    case "version":
      return compareWords(b, op, b.prelude("compareVersions", x, y), b.word(0));
    case "address":
      return b.prelude("addressesEqual", x, y);
    case "boolean":
      return b.module.i32.eq(x, y);
    case "double":
      return compareDoubles(b, op, x, y);
    default:
      return compareLongs(b, op, x, y);
  }
}

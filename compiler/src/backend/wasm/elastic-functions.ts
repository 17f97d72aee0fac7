// Functions of the elastic dialect -> code, one entry a function. Values and their nulls are operands (operands.ts).

import { foldString } from "@kestrel/stdlib/text/case-folding";
import type { FunctionName } from "../../functions/catalogue.js";
import { type Expression as IrExpression, type NodeOf, typeOf } from "../../ir/expression.js";
import { anyNull, asType, constant, local, type Operand, type Scope, withNull } from "./operands.js";
import { textConstant } from "./patterns-to-tests.js";
import { type Builder, type Expression, f64, i32, i64 } from "./seam.js";

type Lower = (call: NodeOf<"call">, scope: Scope) => Operand;

export const ELASTIC_FUNCTIONS: Readonly<Record<FunctionName, Lower>> = {
  between({ args: [text, left, right, greedy], fold }, scope) {
    const { b } = scope;
    const parts = [text, left, right].map((arg) => textArgument(arg, false, scope));
    const value = b.prelude(
      "between",
      ...parts.map((part) => part.value()),
      b.word(greedy?.kind === "boolean" && greedy.value ? 1 : 0),
      b.word(fold ? 1 : 0),
    );
    return { value: local(scope, i64, value), isNull: anyNull(scope, parts) };
  },
  concat({ args }, scope) {
    const parts = args.map((arg) => textOf(arg, scope));
    const isNull = anyNull(scope, parts);
    const joined = parts.reduce((sum, part) => ({
      value: local(scope, i64, scope.b.prelude("concat", sum.value(), part.value())),
      isNull,
    }));
    return { value: joined.value, isNull };
  },
  endsWith: textTest("endsWithText"),
  fold: ({ args: [text] }, scope) => textArgument(text, true, scope),
  indexOf({ args: [whole, wanted, third], fold }, scope) {
    const { b } = scope;
    const { module: m } = b;
    const [text, part] = [textArgument(whole, fold, scope), textArgument(wanted, fold, scope)];
    const from = third === undefined ? constant(() => m.i64.const(0n)) : asType(third, "long", scope);
    // A null start counts from the beginning.
    const start = from.isNull === null ? from.value() : m.select(from.isNull(), m.i64.const(0n), from.value());
    const value = local(scope, i64, b.prelude("indexOf", text.value(), part.value(), start));
    return { value, isNull: withNull(scope, anyNull(scope, [text, part]), m.i64.lt_s(value(), m.i64.const(0n))) };
  },
  length({ args: [only] }, scope) {
    const { b } = scope;
    const text = textArgument(only, false, scope);
    const value = local(scope, i64, b.module.i64.extend_u(b.prelude("length", text.value())));
    return { value, isNull: text.isNull };
  },
  number({ args: [only, base] }, scope) {
    const { b } = scope;
    const text = textArgument(only, false, scope);
    const value = local(scope, f64, b.prelude("number", text.value(), baseOf(base, b)));
    return { value, isNull: withNull(scope, text.isNull, b.module.f64.ne(value(), value())) };
  },
  numberInBase({ args: [only, base] }, scope) {
    const { b } = scope;
    const text = textArgument(only, false, scope);
    const value = local(scope, i64, b.prelude("numberInBase", text.value(), baseOf(base, b)));
    return { value, isNull: withNull(scope, text.isNull, b.prelude("numberFailed")) };
  },
  startsWith: textTest("startsWithText"),
  string: ({ args: [only = NOTHING] }, scope) => textOf(only, scope),
  stringContains: textTest("containsText"),
  substring({ args: [only, start = NOTHING, end = NOTHING] }, scope) {
    const { b } = scope;
    const { module: m } = b;
    const text = textArgument(only, false, scope);
    const from = asType(start, "long", scope);
    const to = asType(end, "long", scope);
    const last = to.isNull === null ? to.value() : m.select(to.isNull(), m.i64.const(2n ** 63n - 1n), to.value());
    const cut = b.prelude("substring", text.value(), from.value(), last);
    // Without a start the text stays whole.
    const value = from.isNull === null ? cut : m.select(from.isNull(), text.value(), cut);
    return { value: local(scope, i64, value), isNull: text.isNull };
  },
  toNumber({ args: [only] }, scope) {
    const { b } = scope;
    const text = textArgument(only, false, scope);
    const value = local(scope, f64, b.prelude("textToDouble", text.value()));
    return { value, isNull: withNull(scope, text.isNull, b.module.f64.ne(value(), value())) };
  },
};

const NOTHING: IrExpression = { kind: "null" };

/** A question about two texts, which a function of the prelude answers. */
function textTest(answer: string): Lower {
  return ({ args: [first, second], fold }, scope) => {
    const [text, part] = [textArgument(first, fold, scope), textArgument(second, fold, scope)];
    const isNull = anyNull(scope, [text, part]);
    return { value: local(scope, i32, scope.b.prelude(answer, text.value(), part.value())), isNull };
  };
}

/** As `string()` has it. */
function textOf(t: IrExpression, scope: Scope): Operand {
  const { b, data } = scope;
  const { module: m } = b;
  switch (typeOf(t)) {
    case "long": {
      const operand = scope.evaluate(t);
      return { value: local(scope, i64, b.prelude("longText", operand.value())), isNull: operand.isNull };
    }
    case "double": {
      const operand = scope.evaluate(t);
      return { value: local(scope, i64, b.prelude("doubleText", operand.value())), isNull: operand.isNull };
    }
    case "boolean": {
      const operand = scope.evaluate(t);
      const [yes, no] = [data.addText("true"), data.addText("false")];
      const value = m.select(
        operand.value(),
        textConstant(b, yes.address, yes.length),
        textConstant(b, no.address, no.length),
      );
      return { value: local(scope, i64, value), isNull: operand.isNull };
    }
    default:
      return asType(t, "string", scope);
  }
}

/** A text argument, folded where the function is insensitive. */
function textArgument(t: IrExpression | undefined, fold: boolean, scope: Scope): Operand {
  if (t === undefined) throw new Error("the binder let a call pass with too few arguments");
  if (fold && t.kind === "string") return scope.evaluate({ kind: "string", value: foldString(t.value) });
  const operand = asType(t, "string", scope);
  return fold
    ? { value: local(scope, i64, scope.b.prelude("fold", operand.value())), isNull: operand.isNull }
    : operand;
}

/** The base of `number`, which the binder has made a constant. */
function baseOf(base: IrExpression | undefined, b: Builder): Expression {
  return b.word(base?.kind === "long" ? Number(base.value) : 0);
}

// The operands of a computed atom: values in locals, each beside a local that says whether it is null.

import { type Expression as IrExpression, typeOf } from "../../ir/expression.js";
import type { ValueType } from "../../ir/reading.js";
import type { DataSection } from "./data-section.js";
import { anyOf } from "./junctions.js";
import { type Builder, type Expression, f64, i32, i64, type WasmType } from "./seam.js";

/** A value that code can read any number of times; `isNull` is null where it never is. */
export interface Operand {
  readonly value: () => Expression;
  readonly isNull: (() => Expression) | null;
}

export interface Scope {
  readonly b: Builder;
  readonly data: DataSection;
  readonly locals: WasmType[];
  readonly code: Expression[];
  readonly fields: ReadonlyMap<string, Operand>;
  /** The atom of a test, as an expression. */
  test(atom: number): Expression;
  /** The code of an operand; functions call it, and cannot import it because it calls them. */
  evaluate(operand: IrExpression): Operand;
}

export function wasmType(type: ValueType | null): WasmType {
  return type === "double" ? f64 : type === "boolean" || type === null ? i32 : i64;
}

export function local(scope: Scope, type: WasmType, value: Expression): () => Expression {
  const index = scope.locals.push(type) - 1;
  scope.code.push(scope.b.module.local.set(index, value));
  return () => scope.b.module.local.get(index, type);
}

export function constant(value: () => Expression): Operand {
  return { value, isNull: null };
}

/** Null when any of the operands is. */
export function anyNull(scope: Scope, operands: readonly Operand[]): (() => Expression) | null {
  const nulls = operands.flatMap((operand) => (operand.isNull === null ? [] : [operand.isNull]));
  const [first, ...rest] = nulls;
  if (first === undefined) return null;
  if (rest.length === 0) return first;
  return local(
    scope,
    i32,
    anyOf(
      scope.b,
      nulls.map((isNull) => isNull()),
    ),
  );
}

/** The operand as a value of the wanted type; null and long give way to it. */
export function asType(t: IrExpression, wanted: ValueType, scope: Scope): Operand {
  const { b } = scope;
  const { module: m } = b;
  const type = typeOf(t);
  if (type === null) {
    const zero =
      wanted === "double" ? () => m.f64.const(0) : wanted === "boolean" ? () => b.word(0) : () => m.i64.const(0);
    return { value: zero, isNull: () => b.word(1) };
  }
  const operand = scope.evaluate(t);
  if (wanted === "double" && type === "long") {
    return { value: () => m.f64.convert_s.i64(operand.value()), isNull: operand.isNull };
  }
  return operand;
}

export function withNull(scope: Scope, isNull: (() => Expression) | null, also: Expression): () => Expression {
  const { module: m } = scope.b;
  return local(scope, i32, isNull === null ? also : m.i32.or(isNull(), also));
}

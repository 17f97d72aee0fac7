// Atoms that are met when one value of their reading is -> how one value is asked. The loop over the values is in atoms-to-code.ts.

import { VALUE_BYTES, VALUE_SHIFT } from "@kestrel/stdlib/abi";
import type { Atom } from "../../ir/pack-ir.js";
import type { Reading } from "../../ir/reading.js";
import { compareDoubles, compareLongs } from "./comparisons.js";
import type { DataSection } from "./data-section.js";
import { addRanges, patternTests } from "./patterns-to-tests.js";
import { type Builder, type Expression, f64, i32, i64 } from "./seam.js";
import type { StateLayout } from "./state.js";
import { addUnfolded } from "./unfolded-tables.js";

export interface ValueTest {
  readonly reading: Reading;
  /** Whether folded texts are asked. */
  readonly fold: boolean;
  /** Where `fold`, the table by which most texts are decided without being folded, if there is one. */
  readonly unfolded: number | null;
  /** Whether asking takes a few instructions. */
  readonly isSmall: boolean;
  /** The value at an address meets the atom when one of these tests holds, made in this order. */
  tests(address: () => Expression): Expression[];
}

/** What gives the test of an atom, null for atoms of other kinds; `textLocal` is an i64 of the function where tests stand. */
export function createValueTests(
  b: Builder,
  state: StateLayout,
  data: DataSection,
  textLocal: number,
): (atom: Atom) => ValueTest | null {
  const { module: m } = b;
  const searches = new Set<string>();
  // (func $number in (param $value) (param $at i32) (param $left i32)): binary search in a sorted table
  const numberSearch = (type: "i64" | "f64"): string => {
    const name = `${type} in`;
    if (searches.has(name)) return name;
    searches.add(name);
    const [value, at, left, half, middle] = [0, 1, 2, 3, 4];
    const get = (index: number): Expression => m.local.get(index, i32);
    const wanted = (): Expression => m.local.get(value, type === "i64" ? i64 : f64);
    const found = (): Expression => (type === "i64" ? m.i64.load(0, 8, get(middle)) : m.f64.load(0, 8, get(middle)));
    const above = m.block(null, [
      m.local.set(at, m.i32.add(get(middle), b.word(VALUE_BYTES))),
      m.local.set(left, m.i32.sub(m.i32.sub(get(left), get(half)), b.word(1))),
    ]);
    const step = m.block(null, [
      m.if(m.i32.eqz(get(left)), m.return(b.word(0))),
      m.local.set(half, m.i32.shr_u(get(left), b.word(1))),
      m.local.set(middle, m.i32.add(get(at), m.i32.shl(get(half), b.word(VALUE_SHIFT)))),
      m.if(type === "i64" ? m.i64.eq(found(), wanted()) : m.f64.eq(found(), wanted()), m.return(b.word(1))),
      m.if(
        type === "i64" ? m.i64.lt_s(found(), wanted()) : m.f64.lt(found(), wanted()),
        above,
        m.local.set(left, get(half)),
      ),
      m.br("search"),
    ]);
    const params = b.types([type === "i64" ? i64 : f64, i32, i32]);
    b.define(name, params, i32, [i32, i32], m.block(null, [m.loop("search", step), m.unreachable()], i32), "settled");
    return name;
  };

  const doubleAt = ({ as }: Reading, address: Expression): Expression =>
    as === "long" ? m.f64.convert_s.i64(m.i64.load(0, 8, address)) : m.f64.load(0, 8, address);

  /** How one value is asked; null for atoms that are not met by one of the values of a reading. */
  return (atom) => {
    const asked = { fold: false, unfolded: null, isSmall: false };
    const long = (address: Expression): Expression => m.i64.load(0, 8, address);
    switch (atom.kind) {
      case "pattern": {
        const { reading, patterns } = atom;
        const { fold, globs, regexes } = patterns;
        const unfolded = fold && regexes.length === 0 ? addUnfolded(data, globs, state.foldedRecordOf(reading)) : null;
        return {
          ...{ reading, fold, unfolded, isSmall: false },
          tests(address) {
            // The first test is made of every value, and keeps the text for the others.
            let isKept = false;
            const text = (): Expression => {
              if (isKept) return m.local.get(textLocal, i64);
              isKept = true;
              return m.local.tee(textLocal, m.i64.rotl(long(address()), m.i64.const(32n)), i64);
            };
            return patternTests(b, data, { ...patterns, exact: [] }, text);
          },
        };
      }
      case "in-ranges": {
        const { reading, ranges } = atom;
        return {
          ...{ reading, ...asked },
          tests(address) {
            const text = m.i64.rotl(long(address()), m.i64.const(32n));
            return [b.prelude("addressIn", text, b.word(addRanges(data, ranges)), b.word(ranges.length))];
          },
        };
      }
      case "boolean": {
        const { reading, value } = atom;
        const load = (address: Expression): Expression => m.i32.load(0, 4, address);
        const tests = (address: () => Expression): Expression[] => [m.i32.eq(load(address()), b.word(value ? 1 : 0))];
        return { reading, fold: false, unfolded: null, isSmall: true, tests };
      }
      case "integer": {
        const { reading, op, value } = atom;
        const tests = (address: () => Expression): Expression[] => [
          compareLongs(b, op, long(address()), m.i64.const(value)),
        ];
        return { reading, fold: false, unfolded: null, isSmall: true, tests };
      }
      case "double": {
        const { reading, op, value } = atom;
        return {
          ...{ reading, ...asked },
          tests: (address) => [compareDoubles(b, op, doubleAt(reading, address()), m.f64.const(value))],
        };
      }
      case "integer-set": {
        const { reading, values } = atom;
        return {
          ...{ reading, ...asked },
          tests(address) {
            const table = [b.word(data.add(integerBytes(values))), b.word(values.length)];
            return [m.call(numberSearch("i64"), [long(address()), ...table], i32)];
          },
        };
      }
      case "double-set": {
        const { reading, values } = atom;
        return {
          ...{ reading, ...asked },
          tests(address) {
            const table = [b.word(data.add(doubleBytes(values))), b.word(values.length)];
            return [m.call(numberSearch("f64"), [doubleAt(reading, address()), ...table], i32)];
          },
        };
      }
      default:
        return null;
    }
  };
}

function integerBytes(values: readonly bigint[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * VALUE_BYTES));
  for (const [index, value] of values.entries()) view.setBigInt64(index * VALUE_BYTES, value, true);
  return new Uint8Array(view.buffer);
}

function doubleBytes(values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * VALUE_BYTES));
  for (const [index, value] of values.entries()) view.setFloat64(index * VALUE_BYTES, value, true);
  return new Uint8Array(view.buffer);
}

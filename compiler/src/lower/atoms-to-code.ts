// Atoms -> i32 expressions, 1 or 0, over the slots of the current event.
//   exists, boolean   a load or two in place
//   set               symbol of the value (looked up once an event), then a comparison or a bit; a call for several values
//   others            a function that loops over the values; with a memo word when several predicates ask
// A group's symbol function gives the symbol of a single value, 0 for none, and -1 when there are several.

import type { Field } from "@kestrel/stdlib/schema/types";
import type { Atom, AtomId, NumberOp } from "../plan/ir.js";
import { addComputedAtom } from "./computed-atom.js";
import type { DataSection } from "./data-section.js";
import { addRanges, PatternTooLarge, testPatterns } from "./patterns-to-tests.js";
import { type Builder, type Expression, i32, i64, none, type WasmType } from "./seam.js";
import { groupKey, type StateLayout, type SymbolGroup } from "./state.js";
import { addSymbolBits, addSymbolTable, type SymbolTable } from "./symbol-tables.js";

export { PatternTooLarge };

export interface GroupCode {
  readonly group: SymbolGroup;
  readonly table: SymbolTable;
  /** Address of the group descriptor, whose posting index is filled in later. */
  readonly descriptor: number;
  readonly symbolFunction: string;
}

export interface AtomCode {
  /** The atom as an expression; may be asked for any number of times. */
  test(id: AtomId): Expression;
  readonly groups: ReadonlyMap<string, GroupCode>;
}

export function createAtomCode(
  b: Builder,
  atoms: readonly Atom[],
  state: StateLayout,
  data: DataSection,
  descriptorOf: (key: string) => number,
): AtomCode {
  const { module: m } = b;
  const groups = new Map<string, GroupCode>();
  for (const [key, group] of state.groups) {
    const code = {
      group,
      table: addSymbolTable(group.texts, data),
      descriptor: descriptorOf(key),
      symbolFunction: `symbol of ${key}`,
    };
    addSymbolFunction(b, code, state);
    groups.set(key, code);
  }
  const functions = new Map<AtomId, string>();

  const count = (field: Field): Expression => m.i32.load(0, 4, b.word(state.slotOf(field)));

  const testSet = (atom: Extract<Atom, { kind: "set" }>): Expression => {
    const code = groups.get(groupKey(atom.field, atom.fold));
    if (code === undefined) throw new Error(`no symbol group for ${atom.field.name}`);
    const bits = addSymbolBits(atom.texts, code.table, data);
    const [only] = atom.texts;
    const symbol = atom.texts.length === 1 && only !== undefined ? code.table.symbols.get(only) : undefined;
    return symbol === undefined
      ? m.call(setFunction(code), [b.word(bits)], i32)
      : m.call(literalFunction(code), [b.word(symbol), b.word(bits)], i32);
  };

  // (func $is (param $symbol i32) (param $bits i32) …): s == -1 ? anySymbol(bits) : s == $symbol
  const helpers = new Set<string>();
  const helper = (name: string, params: readonly WasmType[], build: () => Expression, locals: WasmType[]): string => {
    if (helpers.has(name)) return name;
    helpers.add(name);
    m.addFunction(name, b.types(params), i32, locals, build());
    return name;
  };
  const literalFunction = (code: GroupCode): string =>
    helper(
      `${code.symbolFunction} is`,
      [i32, i32],
      () => {
        const symbol = m.local.tee(2, m.call(code.symbolFunction, [], i32), i32);
        const many = b.prelude("anySymbol", b.word(code.descriptor), m.local.get(1, i32));
        return m.if(m.i32.eq(symbol, b.word(-1)), many, m.i32.eq(m.local.get(2, i32), m.local.get(0, i32)));
      },
      [i32],
    );
  const setFunction = (code: GroupCode): string =>
    helper(
      `${code.symbolFunction} in`,
      [i32],
      () => {
        const symbol = m.local.tee(1, m.call(code.symbolFunction, [], i32), i32);
        const many = b.prelude("anySymbol", b.word(code.descriptor), m.local.get(0, i32));
        const byte = m.i32.load8_u(0, 1, m.i32.add(m.local.get(0, i32), m.i32.shr_u(m.local.get(1, i32), b.word(3))));
        const bit = m.i32.and(m.i32.shr_u(byte, m.i32.and(m.local.get(1, i32), b.word(7))), b.word(1));
        return m.if(m.i32.eq(symbol, b.word(-1)), many, bit);
      },
      [i32],
    );

  /** A function that asks `test` of each value's address until one says yes. */
  const addLoop = (
    name: string,
    field: Field,
    fold: boolean,
    test: (address: () => Expression) => Expression,
  ): void => {
    const slot = state.slotOf(field);
    const [at, end] = [0, 1];
    const plain = m.select(m.i32.eq(count(field), b.word(1)), b.word(slot + 8), m.i32.load(8, 4, b.word(slot)));
    const start = fold ? b.prelude("foldedValues", b.word(slot), b.word(state.foldedRecordOf(field))) : plain;
    const next = m.local.tee(at, m.i32.add(m.local.get(at, i32), b.word(8)), i32);
    const body = m.block(
      null,
      [
        m.if(m.i32.eqz(count(field)), m.return(b.word(0))),
        m.local.set(at, start),
        m.local.set(end, m.i32.add(m.local.get(at, i32), m.i32.shl(count(field), b.word(3)))),
        m.loop(
          "values",
          m.block(null, [
            m.if(
              test(() => m.local.get(at, i32)),
              m.return(b.word(1)),
            ),
            m.br("values", m.i32.lt_u(next, m.local.get(end, i32))),
          ]),
        ),
        b.word(0),
      ],
      i32,
    );
    m.addFunction(name, none, i32, [i32, i32, i64], body);
  };

  const addFunction = (id: AtomId, atom: Atom, name: string): void => {
    switch (atom.kind) {
      case "pattern":
        addLoop(name, atom.field, atom.patterns.fold, (address) => {
          const text = m.local.set(2, m.i64.rotl(m.i64.load(0, 8, address()), m.i64.const(32n)));
          return m.block(
            null,
            [text, testPatterns(b, data, { ...atom.patterns, exact: [] }, () => m.local.get(2, i64))],
            i32,
          );
        });
        break;
      case "in-ranges":
        addLoop(name, atom.field, false, (address) => {
          const text = m.i64.rotl(m.i64.load(0, 8, address()), m.i64.const(32n));
          return b.prelude("addressIn", text, b.word(addRanges(data, atom.ranges)), b.word(atom.ranges.length));
        });
        break;
      case "boolean":
        addLoop(name, atom.field, false, (address) =>
          m.i32.eq(m.i32.load(0, 4, address()), b.word(atom.value ? 1 : 0)),
        );
        break;
      case "integer":
        addLoop(name, atom.field, false, (address) =>
          compareLongs(b, atom.op, m.i64.load(0, 8, address()), m.i64.const(atom.value)),
        );
        break;
      case "double":
        addLoop(name, atom.field, false, (address) => {
          const value =
            atom.field.type === "long" ? m.f64.convert_s.i64(m.i64.load(0, 8, address())) : m.f64.load(0, 8, address());
          return compareDoubles(b, atom.op, value, m.f64.const(atom.value));
        });
        break;
      case "computed":
        addComputedAtom(b, name, atom.typed, state, data);
        break;
      default:
        throw new Error(`atom ${id} needs no function`);
    }
  };

  const memoised = (id: AtomId, name: string, memo: number): string => {
    const outer = `${name} once`;
    const generation = b.prelude("currentGeneration");
    const body = m.block(
      null,
      [
        m.local.set(0, generation),
        m.if(m.i32.eq(m.i32.load(0, 4, b.word(memo)), m.i32.shl(m.local.get(0, i32), b.word(1))), m.return(b.word(0))),
        m.if(
          m.i32.eq(m.i32.load(0, 4, b.word(memo)), m.i32.or(m.i32.shl(m.local.get(0, i32), b.word(1)), b.word(1))),
          m.return(b.word(1)),
        ),
        m.local.set(1, m.call(name, [], i32)),
        m.i32.store(0, 4, b.word(memo), m.i32.or(m.i32.shl(m.local.get(0, i32), b.word(1)), m.local.get(1, i32))),
        m.local.get(1, i32),
      ],
      i32,
    );
    m.addFunction(outer, none, i32, [i32, i32], body);
    functions.set(id, outer);
    return outer;
  };

  return {
    groups,
    test(id) {
      const atom = atoms[id];
      if (atom === undefined) throw new Error(`there is no atom ${id}`);
      if (atom.kind === "exists") return m.i32.ne(count(atom.field), b.word(0));
      if (atom.kind === "set") return testSet(atom);
      let name = functions.get(id);
      if (name === undefined) {
        name = `atom ${id}`;
        addFunction(id, atom, name);
        functions.set(id, name);
        const memo = state.memoOf(id);
        if (memo !== null) name = memoised(id, name, memo);
      }
      return m.call(name, [], i32);
    },
  };
}

function addSymbolFunction(b: Builder, code: GroupCode, state: StateLayout): void {
  const { module: m } = b;
  const slot = state.slotOf(code.group.field);
  const { record } = code.group;
  const body = m.block(
    null,
    [
      m.local.set(0, m.i32.load(0, 4, b.word(slot))),
      m.if(m.i32.eqz(m.local.get(0, i32)), m.return(b.word(0))),
      m.if(m.i32.gt_u(m.local.get(0, i32), b.word(1)), m.return(b.word(-1))),
      m.if(
        m.i32.ne(m.i32.load(0, 4, b.word(record)), b.prelude("currentGeneration")),
        m.drop(b.prelude("symbolsOf", b.word(code.descriptor))),
      ),
      m.i32.load(8, 4, b.word(record)),
    ],
    i32,
  );
  m.addFunction(code.symbolFunction, none, i32, [i32], body);
}

function compareLongs(b: Builder, op: NumberOp, x: Expression, y: Expression): Expression {
  const { i64: long } = b.module;
  return { "==": long.eq, "<": long.lt_s, "<=": long.le_s, ">": long.gt_s, ">=": long.ge_s }[op](x, y);
}

function compareDoubles(b: Builder, op: NumberOp, x: Expression, y: Expression): Expression {
  const { f64: double } = b.module;
  return { "==": double.eq, "<": double.lt, "<=": double.le, ">": double.gt, ">=": double.ge }[op](x, y);
}

// Atoms -> i32 expressions, 1 or 0, over the slots of the current event.
//   exists, boolean   a load or two in place
//   set               symbol of the value (looked up once an event), then a comparison or a bit; a call for several values
//   lineage           a load in place
//   search            a function that reads one element after the other into slots of its own and tests its circuit
//   foreign           a call of the host
//   others            a function that loops over the values; with a memo word when several predicates ask
// A group's symbol function gives the symbol of a single value, 0 for none, and -1 when there are several.

import {
  COMBINATION_LIMIT,
  MEMO_RESULT_BITS,
  SLOT_COUNT,
  SLOT_VALUE,
  SLOT_VERSION,
  SYMBOLS_ROOM,
  SYMBOLS_STAMP,
  VALUE_ADDRESS,
  VALUE_BYTES,
  VALUE_LENGTH,
  VALUE_SHIFT,
} from "@kestrel/stdlib/abi";
import type { Circuit } from "../../ir/circuit.js";
import { rulesOf } from "../../ir/origins.js";
import type { Atom, AtomId, AtomOf, PackIr } from "../../ir/pack-ir.js";
import type { Reading } from "../../ir/reading.js";
import { compareDoubles, compareLongs } from "./comparisons.js";
import { addComputedAtom } from "./computed-atom.js";
import type { DataSection } from "./data-section.js";
import { addDynamicAtom } from "./dynamic-atom.js";
import { addForeignTest } from "./foreign-code.js";
import { allOf, anyOf } from "./junctions.js";
import { naming } from "./lowering-error.js";
import { addRanges, testPatterns } from "./patterns-to-tests.js";
import { type Builder, type Expression, f64, i32, i64, none, type WasmType } from "./seam.js";
import { groupKey, type StateLayout, type SymbolGroup } from "./state.js";
import { addSymbolBits, addSymbolTable, type SymbolTable } from "./symbol-tables.js";

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
  /** The same for a circuit. */
  testCircuit(circuit: Circuit): Expression;
  readonly groups: ReadonlyMap<string, GroupCode>;
}

/** Addresses of what is filled in once all code is made. */
export interface Descriptors {
  /** Of a symbol group. */
  group(key: string): number;
  /** Of the elements of arrays, by nesting depth. */
  readonly elements: ReadonlyMap<number, number>;
}

export function createAtomCode(
  b: Builder,
  { atoms, origins }: PackIr,
  state: StateLayout,
  data: DataSection,
  descriptors: Descriptors,
): AtomCode {
  const { module: m } = b;
  const groups = new Map<string, GroupCode>();
  for (const [key, group] of state.groups) {
    const code = {
      group,
      table: addSymbolTable(group.texts, data),
      descriptor: descriptors.group(key),
      symbolFunction: `symbol of ${key}`,
    };
    addSymbolFunction(b, code, state);
    groups.set(key, code);
  }
  const functions = new Map<AtomId, string>();

  const count = (reading: Reading): Expression => m.i32.load(SLOT_COUNT, 4, b.word(state.slotOf(reading)));

  const testSet = (atom: AtomOf<"set">): Expression => {
    const code = groups.get(groupKey(atom.reading, atom.fold));
    if (code === undefined) throw new Error(`no symbol group for ${atom.reading.name}`);
    const [only] = atom.texts;
    const symbol = atom.texts.length === 1 && only !== undefined ? code.table.symbols.get(only) : undefined;
    return symbol === undefined
      ? m.call(setFunction(code), [b.word(addSymbolBits(atom.texts, code.table, data))], i32)
      : m.call(literalFunction(code), [b.word(symbol)], i32);
  };

  // (func $is (param $symbol i32) …): s == -1 ? hasSymbol($symbol) : s == $symbol
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
      [i32],
      () => {
        const symbol = m.local.tee(1, m.call(code.symbolFunction, [], i32), i32);
        const many = b.prelude("hasSymbol", b.word(code.descriptor), m.local.get(0, i32));
        return m.if(m.i32.eq(symbol, b.word(-1)), many, m.i32.eq(m.local.get(1, i32), m.local.get(0, i32)));
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

  // (func $number in (param $value) (param $at i32) (param $left i32)): binary search in a sorted table
  const numberSearch = (type: "i64" | "f64"): string => {
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
    const params = [type === "i64" ? i64 : f64, i32, i32];
    return helper(`${type} in`, params, () => m.block(null, [m.loop("search", step), m.unreachable()], i32), [
      i32,
      i32,
    ]);
  };

  /**
   * A function that asks `test` of each value's address until one says yes. A small test is said twice, so that of one value, which most slots hold, nothing
   * is computed but the test.
   */
  const addLoop = (
    name: string,
    reading: Reading,
    fold: boolean,
    test: (address: () => Expression) => Expression,
    isSmall = false,
  ): void => {
    const slot = state.slotOf(reading);
    const [at, end] = [0, 1];
    const plain = m.select(
      m.i32.eq(count(reading), b.word(1)),
      b.word(slot + SLOT_VALUE),
      m.i32.load(SLOT_VALUE, 4, b.word(slot)),
    );
    const start = fold ? b.prelude("foldedValues", b.word(slot), b.word(state.foldedRecordOf(reading))) : plain;
    const next = m.local.tee(at, m.i32.add(m.local.get(at, i32), b.word(VALUE_BYTES)), i32);
    const body = m.block(
      null,
      [
        ...(isSmall
          ? [m.if(m.i32.eq(count(reading), b.word(1)), m.return(test(() => b.word(slot + SLOT_VALUE))))]
          : []),
        m.if(m.i32.eqz(count(reading)), m.return(b.word(0))),
        m.local.set(at, isSmall ? m.i32.load(SLOT_VALUE, 4, b.word(slot)) : start),
        m.local.set(end, m.i32.add(m.local.get(at, i32), m.i32.shl(count(reading), b.word(VALUE_SHIFT)))),
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

  // for each raw value: for each element in it: if the circuit holds, return 1
  // The turns of the searches inside have a bound together, past which the outermost counts as not met.
  const addSearch = (atom: AtomOf<"search">, name: string): void => {
    const descriptor = descriptors.elements.get(atom.depth);
    if (descriptor === undefined) throw new Error(`no slots for the elements of depth ${atom.depth}`);
    const [value, last, at, end] = [0, 1, 2, 3];
    const get = (index: number): Expression => m.local.get(index, i32);
    const values = m.select(
      m.i32.eq(count(atom.reading), b.word(1)),
      b.word(state.slotOf(atom.reading) + SLOT_VALUE),
      m.i32.load(SLOT_VALUE, 4, b.word(state.slotOf(atom.reading))),
    );
    const next = m.local.tee(at, b.prelude("nextElement", get(at), get(end), b.word(descriptor)), i32);
    const isInner = atom.depth > 0;
    const test = m.if(testCircuit(atom.circuit), m.return(isInner ? b.word(1) : b.prelude("stepsHeld")));
    const step = m.if(m.i32.eqz(b.prelude(isInner ? "takeStep" : "stepsHeld")), m.return(b.word(0)));
    const turn = isInner ? [step, test] : [test, step];
    const elements = m.loop("elements", m.if(next, m.block(null, [...turn, m.br("elements")])));
    const body = m.block(
      null,
      [
        m.if(m.i32.eqz(count(atom.reading)), m.return(b.word(0))),
        m.local.set(value, values),
        m.local.set(last, m.i32.add(get(value), m.i32.shl(count(atom.reading), b.word(VALUE_SHIFT)))),
        m.loop(
          "values",
          m.block(null, [
            m.local.set(at, m.i32.load(VALUE_ADDRESS, 4, get(value))),
            m.local.set(end, m.i32.add(get(at), m.i32.load(VALUE_LENGTH, 4, get(value)))),
            elements,
            m.br("values", m.i32.lt_u(m.local.tee(value, m.i32.add(get(value), b.word(VALUE_BYTES)), i32), get(last))),
          ]),
        ),
        b.word(0),
      ],
      i32,
    );
    const loop = isInner ? name : `${name} elements`;
    m.addFunction(loop, none, i32, [i32, i32, i32, i32], body);
    if (isInner) return;
    const outermost = m.block(
      null,
      [
        b.prelude("startSteps", b.word(COMBINATION_LIMIT)),
        m.local.set(0, m.call(loop, [], i32)),
        m.if(m.i32.eqz(b.prelude("stepsHeld")), b.prelude("countCombinations")),
        m.local.get(0, i32),
      ],
      i32,
    );
    m.addFunction(name, none, i32, [i32], outermost);
  };

  const addFunction = (id: AtomId, atom: Atom, name: string): void => {
    switch (atom.kind) {
      case "pattern":
        addLoop(name, atom.reading, atom.patterns.fold, (address) => {
          const text = m.local.set(2, m.i64.rotl(m.i64.load(0, 8, address()), m.i64.const(32n)));
          return m.block(
            null,
            [text, testPatterns(b, data, { ...atom.patterns, exact: [] }, () => m.local.get(2, i64))],
            i32,
          );
        });
        break;
      case "in-ranges":
        addLoop(name, atom.reading, false, (address) => {
          const text = m.i64.rotl(m.i64.load(0, 8, address()), m.i64.const(32n));
          return b.prelude("addressIn", text, b.word(addRanges(data, atom.ranges)), b.word(atom.ranges.length));
        });
        break;
      case "boolean":
        addLoop(
          name,
          atom.reading,
          false,
          (address) => m.i32.eq(m.i32.load(0, 4, address()), b.word(atom.value ? 1 : 0)),
          true,
        );
        break;
      case "integer":
        addLoop(
          name,
          atom.reading,
          false,
          (address) => compareLongs(b, atom.op, m.i64.load(0, 8, address()), m.i64.const(atom.value)),
          true,
        );
        break;
      case "double":
        addLoop(name, atom.reading, false, (address) => {
          const value =
            atom.reading.as === "long" ? m.f64.convert_s.i64(m.i64.load(0, 8, address())) : m.f64.load(0, 8, address());
          return compareDoubles(b, atom.op, value, m.f64.const(atom.value));
        });
        break;
      case "integer-set":
        addLoop(name, atom.reading, false, (address) =>
          m.call(
            numberSearch("i64"),
            [m.i64.load(0, 8, address()), b.word(data.add(integerBytes(atom.values))), b.word(atom.values.length)],
            i32,
          ),
        );
        break;
      case "double-set":
        addLoop(name, atom.reading, false, (address) => {
          const value =
            atom.reading.as === "long" ? m.f64.convert_s.i64(m.i64.load(0, 8, address())) : m.f64.load(0, 8, address());
          const table = data.add(doubleBytes(atom.values));
          return m.call(numberSearch("f64"), [value, b.word(table), b.word(atom.values.length)], i32);
        });
        break;
      case "search":
        addSearch(atom, name);
        break;
      case "computed":
        addComputedAtom(b, name, atom.expression, state, data, (inner) => test(inner as AtomId));
        break;
      case "dynamic":
        addDynamicAtom(b, name, atom.value, state, data);
        break;
      case "foreign":
        addForeignTest(b, name, atom.foreign, state.foreignRests);
        break;
      default:
        throw new Error(`atom ${id} needs no function`);
    }
  };

  const memoised = (id: AtomId, atom: Atom, name: string, memo: number): string => {
    const outer = `${name} once`;
    const reading = atom.kind === "pattern" || atom.kind === "in-ranges" ? atom.reading : null;
    // What is asked of one reading holds as long as its slot has the same version, which testing may move on.
    const stamp = (): Expression =>
      m.i32.shl(
        reading === null ? b.prelude("currentGeneration") : m.i32.load(SLOT_VERSION, 4, b.word(state.slotOf(reading))),
        b.word(MEMO_RESULT_BITS),
      );
    const body = m.block(
      null,
      [
        ...(reading === null ? [] : [m.if(m.i32.eqz(count(reading)), m.return(b.word(0)))]),
        m.local.set(0, m.i32.xor(m.i32.load(0, 4, b.word(memo)), stamp())),
        m.if(m.i32.le_u(m.local.get(0, i32), b.word(1)), m.return(m.local.get(0, i32))),
        m.local.set(0, m.call(name, [], i32)),
        m.i32.store(0, 4, b.word(memo), m.i32.or(stamp(), m.local.get(0, i32))),
        m.local.get(0, i32),
      ],
      i32,
    );
    m.addFunction(outer, none, i32, [i32], body);
    functions.set(id, outer);
    return outer;
  };

  function test(id: AtomId): Expression {
    const atom = atoms[id];
    if (atom === undefined) throw new Error(`there is no atom ${id}`);
    if (atom.kind === "exists") return m.i32.ne(count(atom.reading), b.word(0));
    if (atom.kind === "lineage") return m.i32.load8_u(atom.flag, 1, b.word(state.lineageFlags));
    if (atom.kind === "set") return testSet(atom);
    let name = functions.get(id);
    if (name === undefined) {
      name = `atom ${id}`;
      functions.set(id, name);
      naming(
        () => rulesOf(origins.atoms[id] ?? []),
        () => addFunction(id, atom, `atom ${id}`),
      );
      const memo = state.memoOf(id);
      if (memo !== null) name = memoised(id, atom, name, memo);
    }
    return m.call(name, [], i32);
  }

  function testCircuit(circuit: Circuit): Expression {
    switch (circuit.kind) {
      case "constant":
        return b.word(circuit.value ? 1 : 0);
      case "atom":
        return test(circuit.atom);
      case "not":
        return m.i32.eqz(testCircuit(circuit.operand));
      case "and":
      case "or": {
        const tests = circuit.operands.map(testCircuit);
        return circuit.kind === "and" ? allOf(b, tests) : anyOf(b, tests);
      }
    }
  }

  return { groups, test, testCircuit };
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

function addSymbolFunction(b: Builder, code: GroupCode, state: StateLayout): void {
  const { module: m } = b;
  const slot = state.slotOf(code.group.reading);
  const { record } = code.group;
  const body = m.block(
    null,
    [
      m.local.set(0, m.i32.load(SLOT_COUNT, 4, b.word(slot))),
      m.if(m.i32.eqz(m.local.get(0, i32)), m.return(b.word(0))),
      m.if(m.i32.gt_u(m.local.get(0, i32), b.word(1)), m.return(b.word(-1))),
      m.if(
        m.i32.ne(m.i32.load(SYMBOLS_STAMP, 4, b.word(record)), m.i32.load(SLOT_VERSION, 4, b.word(slot))),
        m.drop(b.prelude("symbolsOf", b.word(code.descriptor))),
      ),
      m.i32.load(SYMBOLS_ROOM, 4, b.word(record)),
    ],
    i32,
  );
  m.addFunction(code.symbolFunction, none, i32, [i32], body);
}

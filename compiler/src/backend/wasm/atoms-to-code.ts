// Atoms -> i32 expressions, 1 or 0, over the slots of the current event.
//   exists            a load in place
//   set               symbol of the value (looked up once an event), then a comparison or a bit; a call for several values
//   lineage           a load in place
//   search            a function that reads one element after the other into slots of its own and tests its circuit
//   foreign           a call of the host
//   others            a loop over the values: in place where one predicate asks, in a function where several do, with a memo word where that pays
// A group's symbol function gives the symbol of a single value, 0 for none, and -1 when there are several.

import {
  COMBINATION_LIMIT,
  MEMO_RESULT_BITS,
  SLOT_COUNT,
  SLOT_VALUE,
  SLOT_VERSION,
  SYMBOLS_ROOM,
  SYMBOLS_STAMP,
  UNFOLDED_NO,
  UNFOLDED_YES,
  VALUE_ADDRESS,
  VALUE_BYTES,
  VALUE_LENGTH,
  VALUE_SHIFT,
} from "@kestrel/stdlib/abi";
import { atomsOf, type Circuit } from "../../ir/circuit.js";
import { rulesOf } from "../../ir/origins.js";
import type { Atom, AtomId, AtomOf, PackIr } from "../../ir/pack-ir.js";
import type { Reading } from "../../ir/reading.js";
import { leaveWhen } from "./circuit-to-jumps.js";
import { addComputedAtom } from "./computed-atom.js";
import type { DataSection } from "./data-section.js";
import { addDynamicAtom } from "./dynamic-atom.js";
import { addForeignTest } from "./foreign-code.js";
import { allOf, anyOf } from "./junctions.js";
import { naming } from "./lowering-error.js";
import { type Builder, type Expression, i32, i64, none, type WasmType } from "./seam.js";
import { groupKey, isOfOneReading, type StateLayout, type SymbolGroup } from "./state.js";
import { addSymbolBits, addSymbolTable, type SymbolTable } from "./symbol-tables.js";
import { createValueTests, type ValueTest } from "./value-tests.js";

/**
 * In a predicate of more atoms than this each stays a function: what an engine needs for a function grows faster than its size. Bench `steering`, table
 * "thresholds": in place an event takes a fifth less, and the module is larger by a third; of 4,000 atoms the engine's better code took 150 MB more.
 */
const MANY_ATOMS = 500;
/** What a loop over the values of a slot takes: where it is, where it ends, and the text at hand. */
const [AT, END, TEXT] = [0, 1, 2] as const;
const LOOP_LOCALS: readonly WasmType[] = [i32, i32, i64];
/** Behind them, the result that is kept of an atom. */
const RESULT = 3;
const MEMO_LOCALS: readonly WasmType[] = [...LOOP_LOCALS, i32];

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
  /** Code for a function of its own that goes to `label` unless the circuit holds, and the locals that it takes, from the first on. */
  leaveUnless(
    circuit: Circuit,
    label: string,
  ): { readonly code: readonly Expression[]; readonly locals: readonly WasmType[] };
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
    groups.set(key, code);
  }
  const functions = new Map<AtomId, string>();
  const valueTestOf = createValueTests(b, state, data, TEXT);

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

  const helpers = new Set<string>();
  const symbolOf = (code: GroupCode): Expression => {
    if (!helpers.has(code.symbolFunction)) addSymbolFunction(b, code, state);
    helpers.add(code.symbolFunction);
    return m.call(code.symbolFunction, [], i32);
  };
  // (func $is (param $symbol i32) …): s == -1 ? hasSymbol($symbol) : s == $symbol
  const helper = (name: string, params: readonly WasmType[], build: () => Expression, locals: WasmType[]): string => {
    if (helpers.has(name)) return name;
    helpers.add(name);
    b.define(name, b.types(params), i32, locals, build(), "settled");
    return name;
  };
  const literalFunction = (code: GroupCode): string =>
    helper(
      `${code.symbolFunction} is`,
      [i32],
      () => {
        const symbol = m.local.tee(1, symbolOf(code), i32);
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
        const symbol = m.local.tee(1, symbolOf(code), i32);
        const many = b.prelude("anySymbol", b.word(code.descriptor), m.local.get(0, i32));
        const byte = m.i32.load8_u(0, 1, m.i32.add(m.local.get(0, i32), m.i32.shr_u(m.local.get(1, i32), b.word(3))));
        const bit = m.i32.and(m.i32.shr_u(byte, m.i32.and(m.local.get(1, i32), b.word(7))), b.word(1));
        return m.if(m.i32.eq(symbol, b.word(-1)), many, bit);
      },
      [i32],
    );

  /** Goes to `label` when one of the values meets the test, or (`when` false) when none does. Takes the locals of LOOP_LOCALS. */
  const leaveByValues = (asked: ValueTest, when: boolean, label: string): Expression => {
    const { reading, fold, unfolded, isSmall, tests } = asked;
    const slot = state.slotOf(reading);
    const after = b.label();
    const [met, unmet] = when ? [label, after] : [after, label];
    const values = `${after} values`;
    const isOnlyOne = (): Expression => m.i32.eq(count(reading), b.word(1));
    const start = (): Expression => {
      if (fold) return b.prelude("foldedValues", b.word(slot), b.word(state.foldedRecordOf(reading)));
      const list = m.i32.load(SLOT_VALUE, 4, b.word(slot));
      return isSmall ? list : m.select(isOnlyOne(), b.word(slot + SLOT_VALUE), list);
    };
    const next = m.local.tee(AT, m.i32.add(m.local.get(AT, i32), b.word(VALUE_BYTES)), i32);
    const leaveIfMet = (address: () => Expression): Expression[] => tests(address).map((test) => m.br_if(met, test));
    const only = (): Expression => m.block(null, [...leaveIfMet(() => b.word(slot + SLOT_VALUE)), m.br(unmet)]);
    const leaveUnfolded = (table: number): Expression[] => [
      m.local.set(AT, b.prelude("askUnfolded", b.word(slot), b.word(table))),
      m.br_if(unmet, m.i32.eq(m.local.get(AT, i32), b.word(UNFOLDED_NO))),
      m.br_if(met, m.i32.eq(m.local.get(AT, i32), b.word(UNFOLDED_YES))),
    ];
    return m.block(
      after,
      [
        // A small test is said twice, so that of one value, which most slots hold, nothing is computed but the test.
        ...(isSmall ? [m.if(isOnlyOne(), only())] : []),
        ...(unfolded === null ? [m.br_if(unmet, m.i32.eqz(count(reading)))] : leaveUnfolded(unfolded)),
        m.local.set(AT, start()),
        m.local.set(END, m.i32.add(m.i32.shl(count(reading), b.word(VALUE_SHIFT)), m.local.get(AT, i32))),
        m.loop(
          values,
          m.block(null, [
            ...leaveIfMet(() => m.local.get(AT, i32)),
            m.br_if(values, m.i32.lt_u(next, m.local.get(END, i32))),
          ]),
        ),
        ...(when ? [] : [m.br(label)]),
      ],
      none,
    );
  };

  /** 1 when one of the values meets the test, 0 when none does. */
  const testValues = (asked: ValueTest): Expression => {
    const [met, decided] = [b.label(), b.label()];
    const search = m.block(met, [leaveByValues(asked, true, met), m.br(decided, undefined, b.word(0))], none);
    return m.block(decided, [search, b.word(1)], i32);
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
    b.define(loop, none, i32, [i32, i32, i32, i32], body);
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
    b.define(name, none, i32, [i32], outermost);
  };

  const addFunction = (id: AtomId, atom: Atom, name: string): void => {
    const asked = valueTestOf(atom);
    if (asked !== null) {
      b.define(name, none, i32, LOOP_LOCALS, testValues(asked), "settled");
      return;
    }
    switch (atom.kind) {
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

  /** What a result is kept with, in the bits above it: what is asked of one reading holds as long as its slot has the same version, which testing may move on. */
  const stampOf = (atom: Atom): Expression =>
    m.i32.shl(
      isOfOneReading(atom)
        ? m.i32.load(SLOT_VERSION, 4, b.word(state.slotOf(atom.reading)))
        : b.prelude("currentGeneration"),
      b.word(MEMO_RESULT_BITS),
    );
  /** The result that is kept, when it is 0 or 1. */
  const remembered = (atom: Atom, memo: number): Expression => m.i32.xor(m.i32.load(0, 4, b.word(memo)), stampOf(atom));
  const remember = (atom: Atom, memo: number, result: Expression): Expression =>
    m.i32.store(0, 4, b.word(memo), m.i32.or(stampOf(atom), result));

  const addMemoised = (id: AtomId, atom: Atom, name: string, memo: number): void => {
    const asked = valueTestOf(atom);
    if (asked === null) addFunction(id, atom, `${name} itself`);
    const result = (): Expression => m.local.get(RESULT, i32);
    const body = m.block(
      null,
      [
        ...(isOfOneReading(atom) ? [m.if(m.i32.eqz(count(atom.reading)), m.return(b.word(0)))] : []),
        m.local.set(RESULT, remembered(atom, memo)),
        m.if(m.i32.le_u(result(), b.word(1)), m.return(result())),
        m.local.set(RESULT, asked === null ? m.call(`${name} itself`, [], i32) : testValues(asked)),
        remember(atom, memo, result()),
        result(),
      ],
      i32,
    );
    b.define(name, none, i32, MEMO_LOCALS, body, "settled");
  };

  /** As leaveByValues, where the result is kept. Takes the locals of MEMO_LOCALS. */
  const leaveByMemo = (
    atom: AtomOf<"pattern" | "in-ranges">,
    asked: ValueTest,
    memo: number,
    when: boolean,
    label: string,
  ): Expression => {
    const [after, holds] = [b.label(), b.label()];
    const [met, unmet] = when ? [label, after] : [after, label];
    const result = (): Expression => m.local.get(RESULT, i32);
    return m.block(
      after,
      [
        m.br_if(unmet, m.i32.eqz(count(atom.reading))),
        m.br_if(unmet, m.i32.eqz(m.local.tee(RESULT, remembered(atom, memo), i32))),
        m.br_if(met, m.i32.eq(result(), b.word(1))),
        m.block(holds, [leaveByValues(asked, true, holds), remember(atom, memo, b.word(0)), m.br(unmet)], none),
        remember(atom, memo, b.word(1)),
        ...(when ? [m.br(label)] : []),
      ],
      none,
    );
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
      const memo = state.memoOf(id);
      naming(
        () => rulesOf(origins.atoms[id] ?? []),
        () => (memo === null ? addFunction(id, atom, `atom ${id}`) : addMemoised(id, atom, `atom ${id}`, memo)),
      );
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

  function leaveUnless(
    circuit: Circuit,
    label: string,
  ): { readonly code: readonly Expression[]; readonly locals: readonly WasmType[] } {
    let locals: readonly WasmType[] = [];
    const isLarge = atomsOf(circuit).length > MANY_ATOMS;
    const code = leaveWhen(b, circuit, false, label, (id, when, to) => {
      const atom = atoms[id];
      const asked = atom === undefined || isLarge || !state.isAskedOnce(id) ? null : valueTestOf(atom);
      if (atom !== undefined && asked !== null) {
        const memo = isOfOneReading(atom) ? state.memoOf(id) : null;
        if (memo !== null || locals.length === 0) locals = memo === null ? LOOP_LOCALS : MEMO_LOCALS;
        return naming(
          () => rulesOf(origins.atoms[id] ?? []),
          () =>
            isOfOneReading(atom) && memo !== null
              ? leaveByMemo(atom, asked, memo, when, to)
              : leaveByValues(asked, when, to),
        );
      }
      const holds = atom?.kind === "exists" ? count(atom.reading) : test(id);
      return m.br_if(to, when ? holds : m.i32.eqz(holds));
    });
    return { code, locals };
  }

  return { groups, test, testCircuit, leaveUnless };
}

function addSymbolFunction(b: Builder, code: GroupCode, state: StateLayout): void {
  const { module: m } = b;
  const slot = state.slotOf(code.group.reading);
  const { record } = code.group;
  const body = m.block(
    null,
    [
      m.if(m.i32.eqz(m.local.tee(0, m.i32.load(SLOT_COUNT, 4, b.word(slot)), i32)), m.return(b.word(0))),
      m.if(m.i32.gt_u(m.local.get(0, i32), b.word(1)), m.return(b.word(-1))),
      m.if(
        m.i32.ne(m.i32.load(SYMBOLS_STAMP, 4, b.word(record)), m.i32.load(SLOT_VERSION, 4, b.word(slot))),
        m.drop(b.prelude("symbolsOf", b.word(code.descriptor))),
      ),
      m.i32.load(SYMBOLS_ROOM, 4, b.word(record)),
    ],
    i32,
  );
  b.define(code.symbolFunction, none, i32, [i32], body, "settled");
}

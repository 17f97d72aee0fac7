// A module that asks for foreign code -> its answers. One tester belongs to one instance of the module, and keeps an instance of each
// code, made when it is first asked for.
//
// Code that faults has said no to the event, is counted, and begins anew with the next; when it faults again and again it has less fuel, and says
// no without being asked (trust.ts): the module counts the events that are left of that.
//
// INVARIANT: whatever foreign code does, the module goes on, and what other rules find does not change.

import { CONTROL_BASE, CONTROL_COMBINATIONS, CONTROL_LINE, FOREIGN_REST_BYTES } from "@kestrel/stdlib/abi";
import { FOREIGN_MILLISECONDS, MOST_CAPTURES } from "@kestrel/stdlib/host-api";
import type { ManifestForeign } from "@kestrel/stdlib/package-format";
import {
  type Captures,
  type FaultKind,
  ForeignFault,
  type ForeignInstance,
  type GeneratedHost,
  type Limits,
  type MakeForeign,
} from "../foreign/foreign-host.js";
import { callForeign } from "../load/call-module.js";
import type { ForeignTest, PackInstance } from "../load/instantiate.js";
import type { Package } from "../load/load-package.js";
import { type MemoryView, refresh, viewMemory } from "../load/memory-view.js";
import { createEventValues, type EventValues } from "./foreign-values.js";
import { fuelFor, isLeftOut, noteAnswer, noteFault, type Trust, trusted } from "./trust.js";

/** What one foreign code did. */
export interface ForeignCounters {
  readonly name: string;
  /** Whether eqlc has made the code, which nobody wrote by hand. */
  readonly isGenerated: boolean;
  readonly evaluated: number;
  readonly matched: number;
  readonly faults: number;
  /** Events that it was not asked about, because it was in quarantine, and how often it came there. */
  readonly skipped: number;
  readonly quarantines: number;
  /** Of the last fault. */
  readonly lastFault: string | null;
}

/** One fault, as it is told of. */
export interface ForeignFaultReport {
  readonly name: string;
  /** Whether eqlc has made the code, which nobody wrote by hand. */
  readonly isGenerated: boolean;
  readonly kind: FaultKind;
  readonly message: string;
  /** How many faults of this code there have been, this one included. */
  readonly count: number;
  /** For how many of its events it is left out now; 0 when it is not. */
  readonly quarantined: number;
}

export interface ForeignTester {
  readonly test: ForeignTest;
  /** What has been captured since `forget`: by line within the batch, then by the number of the code. */
  readonly captures: ReadonlyMap<number, ReadonlyMap<number, Captures>>;
  forget(): void;
  counters(): readonly ForeignCounters[];
}

interface State {
  readonly spec: ManifestForeign;
  readonly code: MakeForeign;
  /** Those of the next call. */
  readonly limits: Limits & { fuel: number };
  readonly host: GeneratedHost;
  /** Where the module counts the events of its quarantine. */
  readonly restAt: number;
  instance: ForeignInstance | null;
  evaluated: number;
  matched: number;
  faults: number;
  /** Events of all its quarantines. */
  rested: number;
  quarantines: number;
  lastFault: string | null;
  readonly evaluating: Trust;
  /** Of pred_capture by itself: what is wrong with it costs no match. */
  readonly capturing: Trust;
}

const NO_CAPTURES: Captures = [];

/** `instance` is only asked for once the module runs. */
export function createForeignTester(
  { manifest: { foreign: specs }, foreign: code }: Package,
  instance: () => PackInstance,
  onFault: (fault: ForeignFaultReport) => void,
): ForeignTester {
  const captures = new Map<number, Map<number, Captures>>();
  let memory: MemoryView | null = null;
  /** Of the evaluation that is under way. */
  let emitted = false;
  let captured: [string, string][] = [];

  function memoryOf(): MemoryView {
    const { memory: own } = instance();
    memory ??= viewMemory(own);
    refresh(memory, own);
    return memory;
  }

  function createHost(spec: ManifestForeign): GeneratedHost {
    const values = createEventValues(memoryOf(), spec.readings);
    const names = new Map(spec.readings.map(({ field, name }) => [field, name]));
    const types = new Map(spec.readings.map(({ field, type }) => [field, type]));
    const { first, regexes, globs } = spec.patterns;
    const match = (pattern: number, text: Uint8Array): boolean => {
      const { foreign } = instance();
      if (foreign === null || text.length > foreign.capacity)
        throw new ForeignFault("host", "a text is too long to be matched");
      memoryOf().bytes.set(text, foreign.base);
      return foreign.match(pattern, text.length) !== 0;
    };
    return {
      ...values,
      regex(id, text) {
        if (id < 0 || id >= regexes) throw new ForeignFault("host", `asked for regular expression ${id} of ${regexes}`);
        return match(first + id, text);
      },
      glob(id, text) {
        if (id < 0 || id >= globs) throw new ForeignFault("host", `asked for wildcard ${id} of ${globs}`);
        return match(first + regexes + id, text);
      },
      typeOf(field) {
        const type = types.get(field);
        if (type === undefined) throw new ForeignFault("host", `asked for reading ${field} of ${types.size}`);
        return type;
      },
      flag: (query) => memoryOf().bytes[instance().lineageFlags + query] === 1,
      gaveUp() {
        const { view } = memoryOf();
        const at = CONTROL_BASE + CONTROL_COMBINATIONS;
        view.setBigUint64(at, view.getBigUint64(at, true) + 1n, true);
      },
      emit() {
        emitted = true;
      },
      capture(field) {
        const name = names.get(field) ?? "";
        const value = textOf(values, field);
        if (value === null || captured.some(([known]) => known === name)) return;
        if (captured.length >= MOST_CAPTURES)
          throw new ForeignFault("host", `captured more than ${MOST_CAPTURES} values`);
        captured.push([name, value]);
      },
    };
  }

  const states: (State | null)[] = specs.map(() => null);

  function stateOf(number: number): State | null {
    const known = states[number];
    if (known !== null) return known ?? null;
    const [spec, own] = [specs[number], code[number]];
    if (spec === undefined || own === undefined) return null;
    const made: State = {
      spec,
      code: own,
      limits: {
        fuel: spec.limits.fuel,
        memoryBytes: spec.limits.memory_bytes,
        milliseconds: FOREIGN_MILLISECONDS,
      },
      host: createHost(spec),
      restAt: (instance().foreign?.rests ?? 0) + number * FOREIGN_REST_BYTES,
      instance: null,
      ...{ evaluated: 0, matched: 0, faults: 0, rested: 0, quarantines: 0, lastFault: null },
      evaluating: trusted(),
      capturing: trusted(),
    };
    states[number] = made;
    return made;
  }

  /** Notes a fault of one of its entries, which ends the instance. */
  function fault(state: State, trust: Trust, error: unknown): void {
    if (!(error instanceof ForeignFault)) throw error;
    const { kind, message } = error;
    const { name, library } = state.spec;
    state.instance = null;
    state.faults++;
    state.lastFault = `${kind}: ${message}`;
    // What eqlc has made ends by itself, however much it takes.
    const entersQuarantine = noteFault(trust, kind, library === null);
    const quarantined = entersQuarantine && trust === state.evaluating ? trust.rest : 0;
    if (quarantined > 0) {
      state.quarantines++;
      state.rested += quarantined;
      memoryOf().view.setUint32(state.restAt, quarantined, true);
    }
    onFault({ name, isGenerated: library !== null, kind, message, count: state.faults, quarantined });
  }

  function start(state: State): ForeignInstance {
    const made = state.code(state.host, state.limits);
    made.init();
    state.instance = made;
    return made;
  }

  /** What pred_capture says; a fault in it costs the captures, not the match, and after several it is not asked for a while. */
  function ask(state: State, instance: ForeignInstance): Captures {
    if (isLeftOut(state.capturing)) return NO_CAPTURES;
    try {
      state.limits.fuel = fuelFor(state.capturing, state.spec.limits.fuel);
      const said = instance.capture();
      noteAnswer(state.capturing);
      return said;
    } catch (error) {
      fault(state, state.capturing, error);
      return NO_CAPTURES;
    }
  }

  function keepCaptures(state: State, instance: ForeignInstance, number: number): void {
    const said = ask(state, instance);
    if (captured.length + said.length === 0) return;
    const at = memoryOf().view.getUint32(CONTROL_BASE + CONTROL_LINE, true);
    const there = captures.get(at) ?? new Map<number, Captures>();
    captures.set(at, there.set(number, [...captured, ...said].slice(0, MOST_CAPTURES)));
  }

  function testCode(number: number): number {
    const state = stateOf(number);
    if (state === null) return 0;
    state.evaluated++;
    memoryOf();
    emitted = false;
    captured = [];
    try {
      state.limits.fuel = fuelFor(state.evaluating, state.spec.limits.fuel);
      const own = state.instance ?? start(state);
      const said = own.evaluate();
      noteAnswer(state.evaluating);
      if (!emitted && !said) return 0;
      state.matched++;
      keepCaptures(state, own, number);
      return 1;
    } catch (error) {
      fault(state, state.evaluating, error);
      return 0;
    }
  }

  return {
    captures,
    test: (number) => callForeign(() => testCode(number)),
    forget: () => captures.clear(),
    counters: () =>
      states.flatMap((state) => {
        if (state === null) return [];
        const { spec, evaluated, matched, faults, rested, quarantines, lastFault } = state;
        const skipped = rested - memoryOf().view.getUint32(state.restAt, true);
        const { name, library } = spec;
        const isGenerated = library !== null;
        return [{ name, isGenerated, evaluated, matched, faults, skipped, quarantines, lastFault }];
      }),
  };
}

function textOf(values: EventValues, field: number): string | null {
  if (values.count(field) === 0) return null;
  const text = values.text(field, 0);
  if (text !== null) return Buffer.from(text).toString("utf8");
  const value = values.integer(field, 0) ?? values.double(field, 0) ?? values.boolean(field, 0);
  return value === null ? null : String(value);
}

// A late test and the lines it reads -> whether it holds, and under which keys: the calls of "Late tests" in abi.ts.
//
// The lines are written into the module's late region one after the other, and read only when they are not the ones that
// were read last: several tests of one event cost one reading.
//
// The tests have an instance of their own: they write where `run` writes, so that an evaluator's instance would have to be
// read out before any test. It is made only for a package that has tests, because each instance has its memory.
//
// A test whose lines do not fit the region, or cannot be read together, does not hold, and is counted.

import {
  INPUT_PADDING,
  KEYS_LOST,
  LATE_BROKEN,
  LATE_NO_MEMORY,
  LATE_ROOT_EVENT,
  LATE_ROOT_STAGES,
  MATCH_BYTES,
  MATCH_KEY_BYTES,
} from "@kestrel/stdlib/abi";
import { flagCount, type LateTest, lateTestsOf } from "@kestrel/stdlib/sequence-tables";
import { LINE_FEED } from "@kestrel/stdlib/text/characters";
import { createForeignTester, type ForeignCounters, type ForeignFaultReport } from "../evaluate/foreign-tester.js";
import { createKeyReader } from "../event/join-keys.js";
import type { EvidenceEvent } from "../event/stream-event.js";
import { callModule } from "../load/call-module.js";
import { type ModuleCounters, readCounters } from "../load/control-block.js";
import { instantiate, type PackInstance } from "../load/instantiate.js";
import type { Package } from "../load/load-package.js";
import { refresh, viewMemory } from "../load/memory-view.js";
import type { Ask } from "./pipes.js";

export interface LateTester {
  /** Throws ModuleError when the module fails. */
  readonly test: Ask;
  counters(): LateCounters;
}

export interface LateCounters {
  /** Tests made, and those given up because their lines did not fit. */
  readonly made: number;
  readonly lost: number;
  readonly keysCut: number;
  /** What the tests' own instance has counted. */
  readonly module: ModuleCounters;
  readonly foreign: readonly ForeignCounters[];
}

const NO_KEYS: readonly string[] = [];

/** A tester over its own instance of the package's module; null for a package that has no tests. */
export function createLateTester(
  pack: Package,
  onFault: (fault: ForeignFaultReport) => void = () => undefined,
): LateTester | null {
  if (lateTestsOf(pack).length === 0) return null;
  const foreign = pack.foreign.length === 0 ? null : createForeignTester(pack, () => instance, onFault);
  const instance: PackInstance = instantiate(pack.module, undefined, pack.timeUnit, foreign?.test);
  const { memory, lateBase, outputBase, lineageFlags } = instance;
  const room = instance.lateCapacity - INPUT_PADDING;
  const flags = flagCount(pack.lineage);
  const keys = createKeyReader();
  const now = viewMemory(memory);
  let made = 0;
  let lost = 0;
  let keysCut = 0;
  /** What the module has read: the event's line first, then those of `stages`. */
  let lines: (Uint8Array | null)[] = [];
  let stages: readonly number[] = [];
  let isRead = false;

  function hasRead(test: LateTest, event: EvidenceEvent, others: readonly (EvidenceEvent | null)[]): boolean {
    if (lines[0] !== event.bytes || stages.length !== test.stages.length) return false;
    for (let at = 0; at < stages.length; at++) {
      if (stages[at] !== test.stages[at] || (lines[at + 1] ?? null) !== (others[at]?.bytes ?? null)) return false;
    }
    return true;
  }

  /** Whether the lines of a test stand in the module now. */
  function read(test: LateTest, event: EvidenceEvent, others: readonly (EvidenceEvent | null)[]): boolean {
    if (hasRead(test, event, others)) return isRead;
    lines = [event.bytes];
    stages = test.stages;
    isRead = false;
    let size = event.bytes.length + 1;
    for (let at = 0; at < stages.length; at++) {
      const line = others[at]?.bytes ?? null;
      lines.push(line);
      if (line !== null) size += line.length + 1;
    }
    if (size > room) return false;
    const where = placeOf(event);
    callModule(instance.lateBegin, where);
    let address = lateBase;
    for (const [at, line] of lines.entries()) {
      if (line === null) continue;
      const root = at === 0 ? LATE_ROOT_EVENT : LATE_ROOT_STAGES + (stages[at - 1] ?? 0);
      const start = address;
      refresh(now, memory);
      now.bytes.set(line, start);
      now.bytes[start + line.length] = LINE_FEED;
      if (callModule(() => instance.lateEvent(root, start, line.length + 1), where) === LATE_BROKEN) return false;
      address += line.length + 1;
    }
    isRead = true;
    return true;
  }

  /** 1, 0, or LATE_NO_MEMORY when the test does not fit. */
  function ask(test: LateTest, event: EvidenceEvent, others: readonly (EvidenceEvent | null)[]): number {
    if (!read(test, event, others)) return LATE_NO_MEMORY;
    refresh(now, memory);
    if (event.lineage === null) now.bytes.fill(0, lineageFlags, lineageFlags + flags);
    else now.bytes.set(event.lineage, lineageFlags);
    return callModule(() => instance.lateTest(test.predicate), placeOf(event));
  }

  return {
    test(test, event, others) {
      made++;
      let held = ask(test, event, others);
      if (held === LATE_NO_MEMORY) {
        // Tests of the same lines share one arena, which earlier ones may have filled: reading the lines again empties
        // it.
        lines = [];
        held = ask(test, event, others);
      }
      if (held === LATE_NO_MEMORY) lost++;
      if (held <= 0) return null;
      refresh(now, memory);
      const length = now.view.getUint32(outputBase + MATCH_KEY_BYTES, true);
      if (length === KEYS_LOST) return NO_KEYS;
      if (keys.isCut(now, outputBase + MATCH_BYTES, length)) keysCut++;
      return keys.read(now, outputBase + MATCH_BYTES, length);
    },
    counters() {
      refresh(now, memory);
      return { made, lost, keysCut, module: readCounters(now.view), foreign: foreign?.counters() ?? [] };
    },
  };
}

function placeOf({ file, fileLine }: EvidenceEvent): () => string {
  return () => `in a test of ${file} line ${fileLine}`;
}

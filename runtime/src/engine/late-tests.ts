// A late test and the lines it reads -> whether it holds, and under which keys: the calls of "Late tests" in abi.ts.
//
// The lines are written into the module's late region one after the other, and read only when they are not the ones that
// were read last: several tests of one event cost one reading.
//
// INVARIANT: what the module holds of earlier tests is used again only as long as nothing else ran in it (`forget`).
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
import type { LateTest } from "@kestrel/stdlib/sequence-tables";
import { LINE_FEED } from "@kestrel/stdlib/text/characters";
import type { PackInstance } from "../load/instantiate.js";
import type { KeyReader } from "./join-keys.js";

/** An event that can be asked about again. */
export interface LateEvent {
  readonly line: Uint8Array;
  /** One byte for each lineage flag, as it was when the event's turn came; null when none was set. */
  readonly lineage: Uint8Array | null;
}

export interface LateTester {
  /**
   * The key strings under which a test holds for an event, or null when it does not hold. `others[i]` is the event of stage
   * `test.stages[i]`, null when there is none.
   */
  test(test: LateTest, event: LateEvent, others: readonly (LateEvent | null)[]): readonly string[] | null;
  /** Says that something else ran in the module. */
  forget(): void;
  /** Tests made, and those given up because their lines did not fit. */
  readonly made: number;
  readonly lost: number;
}

const NO_KEYS: readonly string[] = [];

/** A tester over an instance; `flags` is the number of lineage flags. What the module throws goes through `guard`. */
export function createLateTester(
  instance: PackInstance,
  keys: KeyReader,
  flags: number,
  guard: <Result>(call: () => Result) => Result,
): LateTester {
  const { memory, lateBase, outputBase, lineageFlags } = instance;
  const room = instance.lateCapacity - INPUT_PADDING;
  let view = new DataView(memory.buffer);
  let bytes = Buffer.from(memory.buffer);
  let made = 0;
  let lost = 0;
  /** What the module has read: the event's line first, then those of `stages`. */
  let lines: (Uint8Array | null)[] = [];
  let stages: readonly number[] = [];
  let isRead = false;

  function refresh(): void {
    if (view.buffer === memory.buffer) return;
    view = new DataView(memory.buffer);
    bytes = Buffer.from(memory.buffer);
  }

  function hasRead(test: LateTest, event: LateEvent, others: readonly (LateEvent | null)[]): boolean {
    if (lines[0] !== event.line || stages.length !== test.stages.length) return false;
    for (let at = 0; at < stages.length; at++) {
      if (stages[at] !== test.stages[at] || (lines[at + 1] ?? null) !== (others[at]?.line ?? null)) return false;
    }
    return true;
  }

  /** Whether the lines of a test stand in the module now. */
  function read(test: LateTest, event: LateEvent, others: readonly (LateEvent | null)[]): boolean {
    if (hasRead(test, event, others)) return isRead;
    lines = [event.line];
    stages = test.stages;
    isRead = false;
    let size = event.line.length + 1;
    for (let at = 0; at < stages.length; at++) {
      const line = others[at]?.line ?? null;
      lines.push(line);
      if (line !== null) size += line.length + 1;
    }
    if (size > room) return false;
    guard(instance.lateBegin);
    let address = lateBase;
    for (const [at, line] of lines.entries()) {
      if (line === null) continue;
      const root = at === 0 ? LATE_ROOT_EVENT : LATE_ROOT_STAGES + (stages[at - 1] ?? 0);
      const start = address;
      refresh();
      bytes.set(line, start);
      bytes[start + line.length] = LINE_FEED;
      if (guard(() => instance.lateEvent(root, start, line.length + 1)) === LATE_BROKEN) return false;
      address += line.length + 1;
    }
    isRead = true;
    return true;
  }

  /** 1, 0, or LATE_NO_MEMORY when the test does not fit. */
  function ask(test: LateTest, event: LateEvent, others: readonly (LateEvent | null)[]): number {
    if (!read(test, event, others)) return LATE_NO_MEMORY;
    refresh();
    if (event.lineage === null) bytes.fill(0, lineageFlags, lineageFlags + flags);
    else bytes.set(event.lineage, lineageFlags);
    return guard(() => instance.lateTest(test.predicate));
  }

  return {
    test(test, event, others) {
      made++;
      let held = ask(test, event, others);
      if (held === LATE_NO_MEMORY) {
        // Tests before this one may have used up the memory.
        lines = [];
        held = ask(test, event, others);
      }
      if (held === LATE_NO_MEMORY) lost++;
      if (held <= 0) return null;
      refresh();
      const length = view.getUint32(outputBase + MATCH_KEY_BYTES, true);
      if (length === KEYS_LOST) return NO_KEYS;
      return keys.read(view, bytes, outputBase + MATCH_BYTES, length);
    },
    forget() {
      lines = [];
    },
    get made() {
      return made;
    },
    get lost() {
      return lost;
    },
  };
}

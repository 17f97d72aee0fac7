// Slots of the event at hand -> values of JavaScript. Layouts: stdlib/src/abi.ts.
//
// An event that has filled the arena is given up when it has been evaluated, but is evaluated to its end; the addresses in its slots may then lead
// anywhere. So every address is compared with the memory, and what lies outside is missing.

import { SLOT_COUNT, SLOT_VALUE, VALUE_ADDRESS, VALUE_BYTES, VALUE_LENGTH } from "@kestrel/stdlib/abi";
import type { ManifestForeign } from "@kestrel/stdlib/package-format";
import { copyCharacters } from "../foreign/copy-characters.js";
import { ForeignFault, type ForeignHost } from "../foreign/foreign-host.js";
import type { MemoryView } from "../load/memory-view.js";

/** The part of a ForeignHost that reads events. */
export type EventValues = Pick<ForeignHost, "count" | "text" | "copyText" | "integer" | "double" | "boolean">;

type ListedReading = ManifestForeign["readings"][number];

/** Values of the readings that foreign code may ask for, each by its field's number. */
export function createEventValues(memory: MemoryView, readings: readonly ListedReading[]): EventValues {
  const byField = new Map(readings.map((reading) => [reading.field, reading]));

  function readingOf(field: number): ListedReading {
    const reading = byField.get(field);
    if (reading === undefined)
      throw new ForeignFault("host", `asked for field ${field}, which the package does not list`);
    return reading;
  }

  function valuesOf(slot: number): number {
    return memory.view.getUint32(slot + SLOT_COUNT, true);
  }

  /** The address of a value; 0 when there is none. */
  function addressOf({ slot }: ListedReading, index: number): number {
    const count = valuesOf(slot);
    if (index < 0 || index >= count) return 0;
    if (count === 1) return slot + SLOT_VALUE;
    const address = memory.view.getUint32(slot + SLOT_VALUE, true) + index * VALUE_BYTES;
    return address + VALUE_BYTES <= memory.bytes.length ? address : 0;
  }

  /** Finds a text: where it stands, and how long it is. */
  let address = 0;
  let length = 0;
  function findText(field: number, index: number): boolean {
    const reading = readingOf(field);
    if (!isText(reading.type)) return false;
    const at = addressOf(reading, index);
    if (at === 0) return false;
    length = memory.view.getUint32(at + VALUE_LENGTH, true);
    address = length === 0 ? 0 : memory.view.getUint32(at + VALUE_ADDRESS, true);
    return address + length <= memory.bytes.length;
  }

  return {
    count: (field) => valuesOf(readingOf(field).slot),
    text: (field, index) => (findText(field, index) ? memory.bytes.subarray(address, address + length) : null),
    copyText: (field, index, into, start, room) =>
      findText(field, index) ? copyCharacters(memory.bytes, address, length, into, start, room) : 0,
    integer(field, index) {
      const reading = readingOf(field);
      if (reading.type !== "long" && reading.type !== "date") return null;
      const at = addressOf(reading, index);
      return at === 0 ? null : memory.view.getBigInt64(at, true);
    },
    double(field, index) {
      const reading = readingOf(field);
      if (reading.type !== "long" && reading.type !== "double") return null;
      const at = addressOf(reading, index);
      if (at === 0) return null;
      return reading.type === "double" ? memory.view.getFloat64(at, true) : Number(memory.view.getBigInt64(at, true));
    },
    boolean(field, index) {
      const reading = readingOf(field);
      if (reading.type !== "boolean") return null;
      const at = addressOf(reading, index);
      return at === 0 ? null : memory.view.getUint32(at, true) !== 0;
    },
  };
}

function isText(type: ListedReading["type"]): boolean {
  return type === "keyword" || type === "ip" || type === "version" || type === "raw";
}

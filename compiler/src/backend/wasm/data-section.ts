// The constant bytes of a pack: literals, patterns, tables. Addresses are final as soon as they are given out.

import { BLOCK_BYTES } from "@kestrel/stdlib/abi";
import { type MakeAutomaton, makeAutomaton } from "../../patterns/regex-automata.js";
import type { RegexTooLarge } from "../../patterns/regex-compile.js";
import type { RegexNode } from "../../patterns/regex-parse.js";

export interface DataSection {
  /** Puts bytes at the next 8-byte boundary and returns their address; equal bytes are stored once. */
  add(bytes: Uint8Array): number;
  /** As add, but never shared, for bytes that are filled in later. */
  reserve(bytes: Uint8Array): number;
  /** The UTF-8 bytes of a text. */
  addText(text: string): { readonly address: number; readonly length: number };
  /** The automaton of a list of regular expressions. */
  addAutomaton(
    nodes: readonly RegexNode[],
    fold: boolean,
  ): { readonly kind: "dfa" | "nfa"; readonly address: number } | RegexTooLarge;
  /** A table of u32 words, little-endian. */
  addWords(words: readonly number[]): number;
  readonly base: number;
  /** Address behind the last byte. */
  end(): number;
  bytes(): Uint8Array;
}

const utf8 = new TextEncoder();

export function createDataSection(base: number, automatonOf: MakeAutomaton = makeAutomaton): DataSection {
  const parts: { address: number; bytes: Uint8Array }[] = [];
  const known = new Map<string, number>();
  let next = base;
  const reserve = (bytes: Uint8Array): number => {
    const address = next;
    parts.push({ address, bytes });
    next = align(address + bytes.byteLength);
    return address;
  };
  const add = (bytes: Uint8Array): number => {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    const before = known.get(key);
    if (before !== undefined) return before;
    const address = reserve(bytes);
    known.set(key, address);
    return address;
  };
  return {
    base,
    add,
    reserve,
    addText(text) {
      const bytes = utf8.encode(text);
      return { address: add(bytes), length: bytes.byteLength };
    },
    addAutomaton(nodes, fold) {
      const made = automatonOf(nodes, fold);
      return made.kind === "too-large" ? made : { kind: made.kind, address: add(made.bytes) };
    },
    addWords(words) {
      const bytes = new Uint8Array(words.length * 4);
      const view = new DataView(bytes.buffer);
      for (const [index, word] of words.entries()) view.setUint32(index * 4, word, true);
      return add(bytes);
    },
    end: () => next + BLOCK_BYTES,
    bytes() {
      const all = new Uint8Array(next + BLOCK_BYTES - base);
      for (const { address, bytes } of parts) all.set(bytes, address - base);
      return all;
    },
  };
}

export function align(address: number): number {
  return (address + 7) & ~7;
}

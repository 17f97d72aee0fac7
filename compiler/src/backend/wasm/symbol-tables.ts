// The literals that a pack's set atoms compare one field with -> a symbol table for the field, raw or folded.
// Layout: GROUP_* and SYMBOL_ENTRY_* in stdlib/src/abi.ts; the hash is hashText in stdlib/prelude/bytes.ts.

import {
  LENGTHS_MASK,
  SYMBOL_ENTRY_ADDRESS,
  SYMBOL_ENTRY_BYTES,
  SYMBOL_ENTRY_HASH,
  SYMBOL_ENTRY_LENGTH,
  SYMBOL_ENTRY_SYMBOL,
} from "@kestrel/stdlib/abi";
import type { DataSection } from "./data-section.js";

const utf8 = new TextEncoder();
const MASK_64 = 0xffffffffffffffffn;

export interface SymbolTable {
  readonly address: number;
  readonly mask: number;
  readonly longest: number;
  /** Bit n is set when a literal's length in bytes is n modulo 32. */
  readonly lengths: number;
  /** Symbols count from 1; 0 is any other text. */
  readonly symbols: ReadonlyMap<string, number>;
}

/** Writes the table of distinct `texts`. */
export function addSymbolTable(texts: readonly string[], data: DataSection): SymbolTable {
  let size = 4;
  while (size < texts.length * 2) size *= 2;
  const bytes = new Uint8Array(size * SYMBOL_ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  const symbols = new Map<string, number>();
  let longest = 0;
  let lengths = 0;
  for (const [index, text] of texts.entries()) {
    const { address, length } = data.addText(text);
    const hash = hashText(utf8.encode(text));
    let at = hash & (size - 1);
    while (view.getUint32(at * SYMBOL_ENTRY_BYTES + SYMBOL_ENTRY_SYMBOL, true) !== 0) at = (at + 1) & (size - 1);
    const offset = at * SYMBOL_ENTRY_BYTES;
    view.setUint32(offset + SYMBOL_ENTRY_HASH, hash, true);
    view.setUint32(offset + SYMBOL_ENTRY_ADDRESS, address, true);
    view.setUint32(offset + SYMBOL_ENTRY_LENGTH, length, true);
    view.setUint32(offset + SYMBOL_ENTRY_SYMBOL, index + 1, true);
    symbols.set(text, index + 1);
    longest = Math.max(longest, length);
    lengths |= 1 << (length & LENGTHS_MASK);
  }
  return { address: data.add(bytes), mask: size - 1, longest, lengths: lengths >>> 0, symbols };
}

/** A bit for each symbol of the group, set for those in `texts`. */
export function addSymbolBits(texts: readonly string[], table: SymbolTable, data: DataSection): number {
  const bits = new Uint8Array((table.symbols.size >> 3) + 1);
  for (const text of texts) {
    const symbol = table.symbols.get(text);
    if (symbol === undefined) throw new Error(`the symbol table lacks ${JSON.stringify(text)}`);
    bits[symbol >> 3] = (bits[symbol >> 3] ?? 0) | (1 << (symbol & 7));
  }
  return data.add(bits);
}

/** The hash of stdlib/prelude/bytes.ts; test/cases/hashes.txt pins both. */
export function hashText(bytes: Uint8Array): number {
  const { length } = bytes;
  const word = (at: number, count = 8): bigint => {
    let value = 0n;
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i] ?? 0);
    return value;
  };
  const parts = (): bigint =>
    word(0) ^
    rotated(word((length - 8) >> 1), 11n) ^
    rotated(word(Math.max(0, length - 16)), 43n) ^
    rotated(word(length - 8), 23n);
  const sample = length < 8 ? word(0, length) : parts();
  const salted = (BigInt(length) * 0x9e3779b97f4a7c15n + sample) & MASK_64;
  return Number((((salted ^ (salted >> 32n)) * 0xff51afd7ed558ccdn) & MASK_64) >> 32n);
}

function rotated(word: bigint, by: bigint): bigint {
  return ((word << by) | (word >> (64n - by))) & MASK_64;
}

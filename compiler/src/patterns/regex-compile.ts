// Regex trees -> a program that matches whole values in one pass: a DFA where it stays small, else the NFA it came from.
//
// Both are written for the runtime as bytes, little endian.
//
//   DFA   u32 states, u32 classCount, u32 start, u32 0
//         classes[256]                        the class of each byte
//         accept[states], padded to 4         1 where the value may end
//         next u16[states * classCount], padded to 4; state 0 is dead
//
//   NFA   u32 states, u32 start, u32 0, u32 0
//         for each state: u8 op (0 match, 1 range, 2 split), u8 lo, u8 hi, u8 0, u16 a, u16 b
//         a range goes to a on a byte from lo to hi (on none when lo > hi), a split to a and to b without a byte
//
// The runtime walks the DFA a byte at a time, and simulates the NFA with two sets of states: neither ever goes back.

import { buildDfa, type Dfa } from "./regex-dfa.js";
import { buildNfa, type Nfa } from "./regex-nfa.js";
import type { RegexNode } from "./regex-parse.js";

export interface RegexLimits {
  /** DFA states while it is built, before it is made minimal; at most 65,535. */
  readonly maxDfaStates: number;
  /** NFA states with all repeats written out. */
  readonly maxNfaStates: number;
  /** NFA states looked at while the DFA is built: keeps small DFAs of large NFAs from taking seconds. */
  readonly maxDfaWork: number;
}

export const DEFAULT_LIMITS: RegexLimits = { maxDfaStates: 4_096, maxNfaStates: 100_000, maxDfaWork: 8_000_000 };

/** An encoded NFA numbers its states in 16 bits. */
const MAX_ENCODED_NFA_STATES = 0xffff;

export type RegexProgram = Dfa | Nfa;

/** The patterns are well-formed, but their automaton would pass a limit. */
export interface RegexTooLarge {
  readonly kind: "too-large";
  readonly message: string;
}

/**
 * Compiles a list of patterns to one automaton that accepts what any of them accepts. With `fold` matching is insensitive:
 * the automaton expects values folded by simple case folding. Patterns that differ in sensitivity go into separate calls.
 */
export function compileRegex(
  nodes: readonly RegexNode[],
  fold: boolean,
  limits: Partial<RegexLimits> = {},
): RegexProgram | RegexTooLarge {
  const { maxDfaStates, maxNfaStates, maxDfaWork } = { ...DEFAULT_LIMITS, ...limits };
  const nfa = buildNfa(nodes, fold, maxNfaStates);
  if (nfa === null) {
    return { kind: "too-large", message: `written out, the pattern takes more than ${maxNfaStates} states` };
  }
  const dfa = buildDfa(nfa, maxDfaStates, maxDfaWork);
  if (dfa !== null) return dfa;
  if (nfa.states > MAX_ENCODED_NFA_STATES) {
    return {
      kind: "too-large",
      message: `the pattern takes ${nfa.states} states; without a table at most ${MAX_ENCODED_NFA_STATES} are possible`,
    };
  }
  return nfa;
}

const HEADER_BYTES = 16;

function padTo4(size: number): number {
  return (size + 3) & ~3;
}

function withHeader(size: number, header: readonly number[]): { out: Uint8Array; view: DataView } {
  const out = new Uint8Array(HEADER_BYTES + size);
  const view = new DataView(out.buffer);
  for (const [index, value] of header.entries()) view.setUint32(index * 4, value, true);
  return { out, view };
}

/** The bytes of a DFA, laid out as in the header of this file. */
export function encodeDfa(dfa: Dfa): Uint8Array {
  const acceptSize = padTo4(dfa.states);
  const size = 256 + acceptSize + padTo4(dfa.next.length * 2);
  const { out, view } = withHeader(size, [dfa.states, dfa.classCount, dfa.start]);
  out.set(dfa.classes, HEADER_BYTES);
  out.set(dfa.accept, HEADER_BYTES + 256);
  const base = HEADER_BYTES + 256 + acceptSize;
  for (const [index, target] of dfa.next.entries()) view.setUint16(base + index * 2, target, true);
  return out;
}

/**
 * The bytes of an NFA, laid out as in the header of this file.
 * @throws RangeError past 65,535 states, which `compileRegex` never hands out.
 */
export function encodeNfa(nfa: Nfa): Uint8Array {
  if (nfa.states > MAX_ENCODED_NFA_STATES) throw new RangeError("the automaton has too many states to be encoded");
  const { out, view } = withHeader(nfa.states * 8, [nfa.states, nfa.start]);
  for (let state = 0; state < nfa.states; state++) {
    const at = HEADER_BYTES + state * 8;
    out[at] = nfa.op[state] ?? 0;
    out[at + 1] = nfa.lo[state] ?? 0;
    out[at + 2] = nfa.hi[state] ?? 0;
    view.setUint16(at + 4, nfa.a[state] ?? 0, true);
    view.setUint16(at + 6, nfa.b[state] ?? 0, true);
  }
  return out;
}

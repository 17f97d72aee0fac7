// Regex trees -> a program that matches whole values in one pass: a DFA where it stays small, else the NFA it came from.
//
// Both are written for the runtime as bytes: DFA_* and NFA_* in stdlib/src/abi.ts. The runtime walks the DFA a byte at a time, and simulates the NFA with two sets of states: neither ever goes back.

import {
  DFA_CLASS_COUNT,
  DFA_CLASSES_BYTES,
  DFA_HEADER_BYTES,
  DFA_NEXT_BYTES,
  DFA_PADDING,
  DFA_START,
  DFA_STATES,
  NFA_HEADER_BYTES,
  NFA_START,
  NFA_STATE_A,
  NFA_STATE_B,
  NFA_STATE_BYTES,
  NFA_STATE_HIGH,
  NFA_STATE_LOW,
  NFA_STATE_OP,
  NFA_STATES,
} from "@kestrel/stdlib/abi";
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

function padded(size: number): number {
  return (size + DFA_PADDING) & ~DFA_PADDING;
}

/** The bytes of a DFA, laid out as in stdlib/src/abi.ts. */
export function encodeDfa(dfa: Dfa): Uint8Array {
  const accept = DFA_HEADER_BYTES + DFA_CLASSES_BYTES;
  const next = accept + padded(dfa.states);
  const out = new Uint8Array(next + padded(dfa.next.length * DFA_NEXT_BYTES));
  const view = new DataView(out.buffer);
  view.setUint32(DFA_STATES, dfa.states, true);
  view.setUint32(DFA_CLASS_COUNT, dfa.classCount, true);
  view.setUint32(DFA_START, dfa.start, true);
  out.set(dfa.classes, DFA_HEADER_BYTES);
  out.set(dfa.accept, accept);
  for (const [index, target] of dfa.next.entries()) view.setUint16(next + index * DFA_NEXT_BYTES, target, true);
  return out;
}

/**
 * The bytes of an NFA, laid out as in stdlib/src/abi.ts.
 * @throws RangeError past 65,535 states, which `compileRegex` never hands out.
 */
export function encodeNfa(nfa: Nfa): Uint8Array {
  if (nfa.states > MAX_ENCODED_NFA_STATES) throw new RangeError("the automaton has too many states to be encoded");
  const out = new Uint8Array(NFA_HEADER_BYTES + nfa.states * NFA_STATE_BYTES);
  const view = new DataView(out.buffer);
  view.setUint32(NFA_STATES, nfa.states, true);
  view.setUint32(NFA_START, nfa.start, true);
  for (let state = 0; state < nfa.states; state++) {
    const at = NFA_HEADER_BYTES + state * NFA_STATE_BYTES;
    out[at + NFA_STATE_OP] = nfa.op[state] ?? 0;
    out[at + NFA_STATE_LOW] = nfa.lo[state] ?? 0;
    out[at + NFA_STATE_HIGH] = nfa.hi[state] ?? 0;
    view.setUint16(at + NFA_STATE_A, nfa.a[state] ?? 0, true);
    view.setUint16(at + NFA_STATE_B, nfa.b[state] ?? 0, true);
  }
  return out;
}

// The lineage rules as a list of processes that is gone through from end to end for each question. The runtime must agree
// with it, caps and ages included.

import type { LineageProgram } from "@kestrel/stdlib/sequence-tables";

/** What one event says to one tree. */
export interface TreeEvent {
  readonly ts: bigint;
  readonly own: string | null;
  readonly parent: string | null;
  readonly start: boolean;
  readonly end: boolean;
  /** endgame: whether it is of type process, and whether the system starts. */
  readonly process: boolean;
  readonly reset: boolean;
  /** For each query, whether its predicate holds, and whether its late test would. */
  readonly queries: readonly boolean[];
  readonly lates: readonly boolean[];
}

interface Known {
  readonly id: string;
  linked: boolean;
  ended: bigint | null;
  /** How many ends were noted before its own. */
  endedAt: number;
  readonly marked: Set<number>;
  readonly child: Set<number>;
  readonly descendant: Set<number>;
}

export interface LineageModel {
  /** The flags that are set for the event. */
  take(event: TreeEvent): number[];
  /** How many processes are known in the end. */
  known(): number;
}

const HOUR = 3_600_000_000_000n;

export function lineageModel(program: LineageProgram, capacity: number): LineageModel {
  let list: Known[] = [];
  let now = 0n;
  let ends = 0;
  const isElastic = program.dialect === "elastic";

  const find = (id: string | null): Known | undefined => {
    // Over is what had ended an hour before the event that asks.
    if (isElastic) list = list.filter((one) => one.id !== id || one.ended === null || now - one.ended <= HOUR);
    return list.find((one) => one.id === id);
  };
  const open = (id: string): Known => {
    const known = find(id);
    if (known !== undefined) return known;
    const fresh = {
      id,
      linked: false,
      ended: null,
      endedAt: -1,
      marked: new Set<number>(),
      child: new Set<number>(),
      descendant: new Set<number>(),
    };
    list.push(fresh);
    if (list.length > capacity) {
      // Of those that have ended the one whose end was noted first, else the one that became known first.
      const ended = list.filter((one) => one.ended !== null).sort((a, b) => a.endedAt - b.endedAt);
      const gone = ended[0] ?? list[0];
      list = list.filter((one) => one !== gone);
    }
    return fresh;
  };
  const link = (own: string, parent: string | null): void => {
    // What is known of the parent is read before anything makes room.
    const above = find(parent);
    const gained = {
      child: [...(above?.marked ?? [])],
      descendant: [...(above?.marked ?? []), ...(above?.descendant ?? [])],
    };
    if (!isElastic && gained.descendant.length === 0) return;
    const process = open(own);
    process.linked = true;
    for (const query of gained.child) process.child.add(query);
    for (const query of gained.descendant) process.descendant.add(query);
  };

  return {
    take(event) {
      const { own, parent } = event;
      now = event.ts;
      if (!isElastic && event.process) list = list.filter(({ ended }) => ended === null);
      if (!isElastic && event.reset) list = [];
      if (own === null) return [];
      if (isElastic) {
        if (event.start) list = list.filter(({ id, ended }) => id !== own || ended === null);
        if (event.start || (parent !== null && find(own)?.linked !== true)) link(own, parent);
      } else if (event.start && parent !== null) link(own, parent);
      if (event.end && (isElastic || !event.start)) {
        const process = open(own);
        process.ended = event.ts;
        process.endedAt = ends++;
      }
      const flags: number[] = [];
      for (const [at, query] of program.queries.entries()) {
        const isMarked = event.queries[at] === true && (query.late === null || event.lates[at] === true);
        if (isMarked && (isElastic || own !== "0")) open(own).marked.add(at);
        const process = find(own);
        const family = { event: process?.marked, child: process?.child, descendant: process?.descendant }[
          query.relation
        ];
        if (family?.has(at)) flags.push(query.flag);
      }
      return flags;
    },
    known: () => list.length,
  };
}

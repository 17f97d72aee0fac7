// The processes that a lineage program knows of, by identity, with what each query says of them.
//
// INVARIANT: `ended` holds exactly the processes of `processes` that have ended, in the order in which that was noted.
// INVARIANT: whether a process is over is decided by the time of the event that asks for it: another host's clock ends none.
// What is over and not asked for stays until there is no room.
//
// Bounded: at most `capacity` processes. The one that ended first goes first, then the one that became known first; both are
// counted.

import { oldestOf } from "../order/oldest.js";

/** What a query says of a process, as bits. */
export const MARKED = 1;
export const CHILD = 2;
export const DESCENDANT = 4;

export interface Process {
  readonly id: string;
  /** One byte for each query. */
  readonly relations: Uint8Array;
  /** Whether any query says something of it. */
  isTold: boolean;
  /** The lineage flags of its events; null when they have not been asked for since `relations` changed. They are shared, and stay as they are. */
  flags: Uint8Array | null;
  /** Whether its parent has been looked at. */
  isLinked: boolean;
  /** The time of its end; null while it runs. */
  ended: bigint | null;
}

export interface Tree {
  /** The process of this identity at a time; undefined when it is not known, or no longer. */
  find(id: string, ts: bigint): Process | undefined;
  /** The process of this identity at a time, made when it is not known. */
  open(id: string, ts: bigint): Process;
  /** Notes an end. */
  end(process: Process, ts: bigint): void;
  forget(process: Process): void;
  /** Forgets the processes that have ended. */
  forgetEnded(): void;
  forgetAll(): void;
  readonly known: number;
  readonly forgottenForCap: number;
  readonly forgottenForAge: number;
}

/** A tree for this many queries. `keptNs` is how long a process is kept after its end; null for no limit. */
export function createTree(queries: number, capacity: number, keptNs: bigint | null): Tree {
  const processes = new Map<string, Process>();
  const ended = new Map<string, Process>();
  let forgottenForCap = 0;
  let forgottenForAge = 0;

  function isOver({ ended: end }: Process, ts: bigint): boolean {
    return end !== null && keptNs !== null && ts - end > keptNs;
  }

  function forget({ id }: Process): void {
    processes.delete(id);
    ended.delete(id);
  }

  function find(id: string, ts: bigint): Process | undefined {
    const process = processes.get(id);
    if (process === undefined || !isOver(process, ts)) return process;
    forget(process);
    forgottenForAge++;
    return undefined;
  }

  return {
    find,
    open(id, ts) {
      const known = find(id, ts);
      if (known !== undefined) return known;
      const process: Process = {
        id,
        relations: new Uint8Array(queries),
        isTold: false,
        flags: null,
        isLinked: false,
        ended: null,
      };
      processes.set(id, process);
      if (processes.size > capacity) {
        const gone = oldestOf(ended.size > 0 ? ended : processes);
        if (gone !== undefined) forget(gone);
        forgottenForCap++;
      }
      return process;
    },
    end(process, ts) {
      process.ended = ts;
      ended.delete(process.id);
      ended.set(process.id, process);
    },
    forget,
    forgetEnded() {
      for (const id of ended.keys()) processes.delete(id);
      ended.clear();
    },
    forgetAll() {
      processes.clear();
      ended.clear();
    },
    get known() {
      return processes.size;
    },
    get forgottenForCap() {
      return forgottenForCap;
    },
    get forgottenForAge() {
      return forgottenForAge;
    },
  };
}

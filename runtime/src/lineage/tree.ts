// The processes that a lineage program knows of, by identity, with what each query says of them.
//
// INVARIANT: `ended` holds exactly the processes of `processes` that have ended, in the order of their ends.
// INVARIANT: a process whose time is over is never found again, whether it has been removed yet or not: ends can come out
// of order, so one may stand in `ended` behind another that stays longer. Until it is removed it counts for the capacity.
//
// Bounded: at most `capacity` processes. The one that ended first goes first, then the one that became known first; both are
// counted.

/** What a query says of a process, as bits. */
export const MARKED = 1;
export const CHILD = 2;
export const DESCENDANT = 4;

export interface Process {
  readonly id: string;
  /** One byte for each query. */
  readonly relations: Uint8Array;
  /** Whether its parent has been looked at. */
  isLinked: boolean;
  /** The time of its end; null while it runs. */
  ended: bigint | null;
}

export interface Tree {
  /** The process of this identity; undefined when it is not known, or no longer. */
  find(id: string): Process | undefined;
  /** The process of this identity, made when it is not known. */
  open(id: string): Process;
  /** Notes an end. */
  end(process: Process, ts: bigint): void;
  forget(process: Process): void;
  /** Forgets the processes that have ended. */
  forgetEnded(): void;
  forgetAll(): void;
  /** Says that event time has reached `ts`. */
  advance(ts: bigint): void;
  readonly known: number;
  readonly forgottenForCap: number;
  readonly forgottenForAge: number;
}

/** A tree for this many queries. `keptNs` is how long a process is kept after its end; null for no limit. */
export function createTree(queries: number, capacity: number, keptNs: bigint | null): Tree {
  const processes = new Map<string, Process>();
  const ended = new Map<string, Process>();
  let clock: bigint | null = null;
  let forgottenForCap = 0;
  let forgottenForAge = 0;

  function isOver({ ended: end }: Process): boolean {
    return end !== null && keptNs !== null && clock !== null && clock - end > keptNs;
  }

  function forget({ id }: Process): void {
    processes.delete(id);
    ended.delete(id);
  }

  function find(id: string): Process | undefined {
    const process = processes.get(id);
    if (process === undefined || !isOver(process)) return process;
    forget(process);
    forgottenForAge++;
    return undefined;
  }

  return {
    find,
    open(id) {
      const known = find(id);
      if (known !== undefined) return known;
      const process: Process = { id, relations: new Uint8Array(queries), isLinked: false, ended: null };
      processes.set(id, process);
      if (processes.size > capacity) {
        const [gone] = ended.size > 0 ? ended.values() : processes.values();
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
    advance(ts) {
      if (clock !== null && ts <= clock) return;
      clock = ts;
      for (const process of ended.values()) {
        if (!isOver(process)) break;
        forget(process);
        forgottenForAge++;
      }
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

// Events in their final order -> the lineage flags of each: whether its process is what `descendant of [ ]`, `child of [ ]`
// or `event of [ ]` asks for (docs/language.md#process-lineage).
//
// An event that matches the query in the brackets marks its process. A process inherits when it starts: where its
// parent is marked it is a child and a descendant, and where its parent is a descendant it is one too. In the elastic
// dialect events of any kind name a parent, so a process whose start was not seen inherits at the first event that
// names one.
// The order at one event: its process inherits; then, query by query, the event marks its process and gets the query's
// flag.
//
// A process is known by its entity id, otherwise by host and pid (elastic), or by its pid (endgame). Of several values the
// first counts.
//   elastic   a process that ended is kept for an hour of event time; a start of one that has ended is another process
//   endgame   at an event of type process the processes that ended before it are forgotten, and all when the system starts

import { flagCount, type LateTest, type LineageProgram, type LineageQuery } from "@kestrel/stdlib/sequence-tables";
import type { StageMatch } from "../event/stream-event.js";
import { createReach, type Identities, type Reach } from "./reach.js";
import { CHILD, createTree, DESCENDANT, MARKED, type Process, type Tree } from "./tree.js";

/** How many processes each dialect's tree holds. */
export const PROCESS_LIMIT = 100_000;
const KEPT_NS = 3_600_000_000_000n;

/** An event that the tree grows by; its flags are set here. */
export interface LineageEvent {
  readonly ts: bigint;
  /** One byte for each flag; null while none is set. It may be that of other events too. */
  lineage: Uint8Array | null;
}

export interface LineageCounters {
  /** Processes kept now. */
  readonly known: number;
  /** Processes forgotten because there were too many, and because they had ended long enough ago. */
  readonly forgottenForCap: number;
  readonly forgottenForAge: number;
}

export interface Lineage<Event extends LineageEvent> {
  /** Takes the next event and the predicates that held for it, and sets its flags. */
  update(event: Event, matches: readonly StageMatch[]): void;
  /** How many trees there are, one for each program. */
  readonly trees: number;
  /** What keeps the events of a tree together that have to be in order, which is their host; null for no event of this tree. */
  partitionOf(tree: number, matches: readonly StageMatch[]): string | null;
  /**
   * The flags of an event with these keys of the only tree, which neither starts nor ends its process and asks nothing about it; undefined when
   * it changes the tree, and has to be told.
   */
  flagsOf(key: string, ts: bigint): Uint8Array | null | undefined;
  /** Of the keys of the only tree in a stream that is judged at its end. */
  readonly reach: Reach;
  /** As update, for one tree alone. */
  updateTree(tree: number, event: Event, matches: readonly StageMatch[]): void;
  counters(): LineageCounters;
}

interface Source {
  readonly program: LineageProgram;
  readonly tree: Tree;
}

/** So many identities of key strings are remembered; events of one process bring the same again and again. */
const KNOWN_IDENTITIES = 4096;

const NULL_PART = "null";
/** The idle process. Endgame's events without a process carry its pid: a mark on it would hold for all of them. */
const IDLE = "0";

/** Lineage over the programs of a package; `askLate` is asked once the flags of the queries before are set. */
export function createLineage<Event extends LineageEvent>(
  programs: readonly LineageProgram[],
  askLate: (test: LateTest, event: Event) => boolean,
  capacity: number = PROCESS_LIMIT,
): Lineage<Event> {
  if (!(capacity >= 1)) throw new RangeError("a tree must hold at least one process");
  const flags = flagCount(programs);
  const sources = programs.map((program): Source => {
    const keptNs = program.dialect === "elastic" ? KEPT_NS : null;
    return { program, tree: createTree(program.queries.length, capacity, keptNs) };
  });
  const used = programs.flatMap((one) => [
    one.feed,
    one.starts,
    one.ends,
    one.processes ?? 0,
    one.resets ?? 0,
    ...one.queries.map(({ predicate }) => predicate),
  ]);
  const identities = { elastic: rememberingOf(elasticIdentities), endgame: rememberingOf(endgameIdentities) };
  /** The number of the last event that each predicate held for. */
  const heldAt = new Float64Array(used.reduce((most, predicate) => Math.max(most, predicate), -1) + 1);
  const reach = createReach(identities[programs[0]?.dialect ?? "elastic"], capacity, KEPT_NS);
  let number = 0;

  function holds(predicate: number | null): boolean {
    return predicate !== null && heldAt[predicate] === number;
  }

  /** The flags of a process's events; null when none is set. */
  function flagsOfProcess({ queries }: LineageProgram, process: Process): Uint8Array | null {
    if (!process.isTold) return null;
    if (process.flags !== null) return process.flags;
    process.flags = new Uint8Array(flags);
    for (let at = 0; at < queries.length; at++) {
      const query = queries[at];
      if (query !== undefined && isAsked(query, process.relations[at] ?? 0)) process.flags[query.flag] = 1;
    }
    return process.flags;
  }

  function setFlags(event: Event, more: Uint8Array | null): void {
    if (more === null) return;
    if (event.lineage === null) event.lineage = more;
    else event.lineage = event.lineage.map((set, flag) => set | (more[flag] ?? 0));
  }

  /** `isAsking` says whether a query's predicate may hold for the event. */
  function step({ program, tree }: Source, event: Event, ids: Identities, isAsking: boolean): void {
    if (holds(program.processes)) tree.forgetEnded();
    if (holds(program.resets)) tree.forgetAll();
    const { own } = ids;
    if (own === null) return;
    const { ts } = event;
    if (program.dialect === "elastic") inheritElastic(program, tree, ts, own, ids.parent);
    else inheritEndgame(program, tree, ts, own, ids.parent);
    // Of an event that is both, the endgame dialect sees the start alone.
    const isEnd = holds(program.ends) && !(program.dialect === "endgame" && holds(program.starts));
    if (isEnd) tree.end(tree.open(own, ts), ts);
    let known = tree.find(own, ts);
    for (let at = 0; isAsking && at < program.queries.length; at++) {
      const query = program.queries[at];
      if (query === undefined || !holds(query.predicate)) continue;
      if (query.late !== null) {
        // The test may ask for the flags of the queries before.
        if (known !== undefined) setFlags(event, flagsOfProcess(program, known));
        if (!askLate(query.late, event)) continue;
      }
      mark(program, tree, ts, own, at);
      known = tree.find(own, ts);
    }
    if (known !== undefined) setFlags(event, flagsOfProcess(program, known));
  }

  function inheritElastic(program: LineageProgram, tree: Tree, ts: bigint, own: string, parent: string | null): void {
    const isStart = holds(program.starts);
    const known = tree.find(own, ts);
    if (isStart && known !== undefined && known.ended !== null) tree.forget(known);
    if (!isStart && (parent === null || known?.isLinked === true)) return;
    // Before `open`: a full tree forgets its oldest process to make room, and that may be the parent.
    const above = parent === null ? undefined : tree.find(parent, ts);
    const process = tree.open(own, ts);
    process.isLinked = true;
    if (above !== undefined) inherit(process, above);
  }

  /** Endgame's tree forgets nothing by age, so a process is kept only where it inherits something. */
  function inheritEndgame(program: LineageProgram, tree: Tree, ts: bigint, own: string, parent: string | null): void {
    if (!holds(program.starts) || parent === null) return;
    const above = tree.find(parent, ts);
    if (above?.relations.some((bits) => (bits & (MARKED | DESCENDANT)) !== 0)) inherit(tree.open(own, ts), above);
  }

  function mark({ dialect }: LineageProgram, tree: Tree, ts: bigint, own: string, at: number): void {
    if (dialect === "endgame" && own === IDLE) return;
    const process = tree.open(own, ts);
    process.relations[at] = (process.relations[at] ?? 0) | MARKED;
    process.isTold = true;
    process.flags = null;
  }

  function updateTree(at: number, event: Event, matches: readonly StageMatch[]): void {
    const source = sources[at];
    const key = source === undefined ? undefined : feedKey(source, matches);
    if (source === undefined || key === undefined) return;
    number++;
    for (const { predicate } of matches) if (predicate < heldAt.length) heldAt[predicate] = number;
    step(source, event, identities[source.program.dialect](key), matches.length > 1);
  }

  return {
    update(event, matches) {
      event.lineage = null;
      for (let at = 0; at < sources.length; at++) updateTree(at, event, matches);
    },
    trees: sources.length,
    partitionOf(at, matches) {
      const source = sources[at];
      const key = source === undefined ? undefined : feedKey(source, matches);
      if (source === undefined || key === undefined) return null;
      return source.program.dialect === "elastic" ? (key.split("\n")[4] ?? NULL_PART) : "";
    },
    flagsOf(key, ts) {
      const source = sources[0];
      if (source === undefined || source.program.dialect !== "elastic") return undefined;
      const { own, parent } = identities.elastic(key);
      if (own === null) return null;
      const known = source.tree.find(own, ts);
      if (known === undefined) return parent === null ? null : undefined;
      return known.isLinked || parent === null ? flagsOfProcess(source.program, known) : undefined;
    },
    reach,
    updateTree,
    counters: () => ({
      known: sources.reduce((sum, { tree }) => sum + tree.known, 0),
      forgottenForCap: sources.reduce((sum, { tree }) => sum + tree.forgottenForCap, 0),
      forgottenForAge: sources.reduce((sum, { tree }) => sum + tree.forgottenForAge, 0),
    }),
  };
}

function feedKey({ program: { feed } }: Source, matches: readonly StageMatch[]): string | undefined {
  for (const { predicate, keys } of matches) if (predicate === feed) return keys[0];
  return undefined;
}

function rememberingOf(read: (key: string) => Identities): (key: string) => Identities {
  const known = new Map<string, Identities>();
  return (key) => {
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = read(key);
    if (known.size === KNOWN_IDENTITIES) known.clear();
    known.set(key, made);
    return made;
  };
}

function inherit(process: Process, parent: Process): void {
  if (!parent.isTold) return;
  for (const [at, above] of parent.relations.entries()) {
    let gained = 0;
    if ((above & MARKED) !== 0) gained = CHILD | DESCENDANT;
    else if ((above & DESCENDANT) !== 0) gained = DESCENDANT;
    process.relations[at] = (process.relations[at] ?? 0) | gained;
    process.isTold ||= gained !== 0;
    process.flags = null;
  }
}

function isAsked({ relation }: LineageQuery, bits: number): boolean {
  switch (relation) {
    case "event":
      return (bits & MARKED) !== 0;
    case "child":
      return (bits & CHILD) !== 0;
    case "descendant":
      return (bits & DESCENDANT) !== 0;
  }
}

function elasticIdentities(key: string): Identities {
  const [entity = NULL_PART, pid = NULL_PART, parentEntity = NULL_PART, parentPid = NULL_PART, host = NULL_PART] =
    key.split("\n");
  return { own: elasticIdentity(entity, pid, host), parent: elasticIdentity(parentEntity, parentPid, host) };
}

function elasticIdentity(entity: string, pid: string, host: string): string | null {
  if (entity !== NULL_PART) return entity;
  return pid === NULL_PART ? null : `${host}\n${pid}`;
}

function endgameIdentities(key: string): Identities {
  const [pid = NULL_PART, parent = NULL_PART] = key.split("\n");
  return { own: pid === NULL_PART ? null : pid, parent: parent === NULL_PART ? null : parent };
}

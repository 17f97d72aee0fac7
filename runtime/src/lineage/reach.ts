// The events of a process tree, in any order -> which of them have to be judged in order. An event is plain where it comes to nothing unless its process has one
// of some lineage flags: most are, and need not be sorted.
//
// Events come again and again with the key of one process, and of those many match the same: they are of one kind, for which is decided once what makes
// something of its events.
//
// SOUND: a process has a flag because a query marked it or one that it descends from, by parents that events named. Reached by a flag is whatever its
// mark leads to by any of these parents, whatever the order and the times. So what is not reached never has the flag. Nothing inherits one through what no flag
// reaches: the tree is the same for all others whether it is told of that process or not. Of a process that is reached, a plain event, which neither
// starts nor ends nor marks it, changes the tree only by the parent that it names, and only where the process is not linked to one. It is linked by the first that names one,
// or by its start, and stays so until it is forgotten, which is so long after its end or by another start. So of the plain events of one key, which name one parent, the first in order
// and those so long after an end are all that the tree needs.
// One thing joins processes besides, the room in the tree: where so many are named that it could be short, all events count.

/** The identities in the key of a tree; null where the event names none. */
export interface Identities {
  readonly own: string | null;
  readonly parent: string | null;
}

/** The plain events, by their slots. */
export interface PlainEvents {
  readonly slots: readonly number[];
  /** What is the same of events with one key that ask for the same flags. */
  kindOf(slot: number): number;
  /** Whether one of these flags, a byte each, makes something of events of a kind. */
  asksFor(kind: number, flags: Uint8Array): boolean;
  /** By the order in which they are judged. */
  compare(a: number, b: number): number;
  time(slot: number): bigint;
}

export interface Reach {
  /** Takes the key of an event that is not plain, the flags of the queries that may mark its process, and its time if it may end it. */
  note(key: string, marks: readonly number[], end: bigint | null): void;
  /** Takes the key of a kind of plain events. */
  notePlain(key: string, kind: number): void;
  /** By all that was noted, what the flags that are asked for reach. */
  reachedBy(isAsked: (flag: number) => boolean): Reached;
}

export interface Reached {
  /** Whether one of them reaches the process of a key; where not, the tree need not be told of it. */
  has(key: string): boolean;
  /** The slots of the plain events that have to be judged. */
  plainOf(events: PlainEvents): number[];
}

/** What has one key. */
interface Group extends Identities {
  readonly kinds: number[];
}

/** A group of which plain events may have to be judged. */
interface ReachedGroup {
  readonly isNaming: boolean;
  /** When its process may have ended, at first. */
  readonly end: bigint | null;
  /** The first of its plain events of all, and whether it is judged anyway. */
  first: number | null;
  isFirstFound: boolean;
}

/** `capacity` is how many processes the tree has room for, and `keptNs` how long it keeps one that has ended at least. */
export function createReach(identitiesOf: (key: string) => Identities, capacity: number, keptNs: bigint): Reach {
  /** By key, of which there are no fewer than processes; the children of each process; of each flag the processes marked; and of each process the first time at which it may end. */
  const groups = new Map<string, Group>();
  const children = new Map<string, Set<string>>();
  const marked = new Map<number, Set<string>>();
  const ends = new Map<string, bigint>();
  /** Whether there were too many keys, of which nothing is known any more. */
  let isFull = false;

  /** undefined once there are too many. */
  function groupOf(key: string): Group | undefined {
    const known = groups.get(key);
    if (known !== undefined || isFull) return known;
    if (groups.size === capacity) {
      for (const noted of [groups, children, marked, ends]) noted.clear();
      isFull = true;
      return undefined;
    }
    const { own, parent } = identitiesOf(key);
    const group = { own, parent, kinds: [] };
    groups.set(key, group);
    if (own !== null && parent !== null) addTo(children, parent, own);
    return group;
  }

  /** For each process that one of the flags reaches, a byte for each that does. */
  function flagsByProcess(flags: readonly number[]): ReadonlyMap<string, Uint8Array> {
    const most = flags.reduce((greatest, flag) => Math.max(greatest, flag), -1);
    const found = new Map<string, Uint8Array>();
    for (const flag of flags) {
      const reached = new Set(marked.get(flag));
      // A set gives what is added to it while it is gone through, too.
      for (const process of reached) {
        for (const child of children.get(process) ?? []) reached.add(child);
        const own = found.get(process) ?? new Uint8Array(most + 1);
        own[flag] = 1;
        found.set(process, own);
      }
    }
    return found;
  }

  return {
    note(key, marks, end) {
      const own = groupOf(key)?.own ?? null;
      if (own === null) return;
      for (const flag of marks) addTo(marked, flag, own);
      const known = ends.get(own);
      if (end !== null && (known === undefined || end < known)) ends.set(own, end);
    },
    notePlain(key, kind) {
      groupOf(key)?.kinds.push(kind);
    },
    reachedBy(isAsked) {
      const flagsOf = flagsByProcess([...marked.keys()].filter(isAsked));
      return {
        has(key) {
          const { own } = identitiesOf(key);
          return isFull || (own !== null && flagsOf.has(own));
        },
        plainOf: (events) => (isFull ? [...events.slots] : plainOf(flagsOf, events)),
      };
    },
  };

  function plainOf(
    flagsOf: ReadonlyMap<string, Uint8Array>,
    { slots, kindOf, asksFor, compare, time }: PlainEvents,
  ): number[] {
    const reached: ReachedGroup[] = [];
    /** By kind. */
    const groupOfKind: (ReachedGroup | undefined)[] = [];
    const isAsking: boolean[] = [];
    for (const { own, parent, kinds } of groups.values()) {
      const flags = own === null ? undefined : flagsOf.get(own);
      if (own === null || flags === undefined) continue;
      const group = { isNaming: parent !== null, end: ends.get(own) ?? null, first: null, isFirstFound: false };
      reached.push(group);
      for (const kind of kinds) {
        groupOfKind[kind] = group;
        isAsking[kind] = asksFor(kind, flags);
      }
    }
    const found: number[] = [];
    for (const slot of slots) {
      const kind = kindOf(slot);
      const group = groupOfKind[kind];
      if (group === undefined) continue;
      const isFound = isAsking[kind] === true || (group.end !== null && time(slot) - group.end > keptNs);
      if (isFound) found.push(slot);
      if (group.isNaming && (group.first === null || compare(slot, group.first) < 0)) {
        group.first = slot;
        group.isFirstFound = isFound;
      }
    }
    for (const { first, isFirstFound } of reached) if (first !== null && !isFirstFound) found.push(first);
    return found;
  }
}

function addTo<Key>(sets: Map<Key, Set<string>>, key: Key, member: string): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([member]));
  else set.add(member);
}

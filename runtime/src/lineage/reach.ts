// The events of a process tree, in any order -> which of them may have a lineage flag when their turn comes. What only asks for flags of others
// comes to nothing, and need not be sorted.
//
// Events come again and again with the key of one process, so they are put together by key: what their process may have is decided once.
//
// SOUND: a process has a flag because a query marked it or one that it descends from, by parents that events named. Reached is whatever a
// mark leads to by any of these parents, whatever the order and the times. So what is not reached never has a flag, and nothing inherits
// one through it: the tree is the same for all others whether it is told of that process or not. One thing joins processes besides, the room in
// the tree: where so many are named that it could be short, all count as reached.

/** The identities in the key of a tree; null where the event names none. */
export interface Identities {
  readonly own: string | null;
  readonly parent: string | null;
}

export interface Reach {
  /**
   * Takes the key of an event, the flags of the queries that may mark its process, and the event's slot if it comes to nothing unless its process
   * has a flag.
   */
  note(key: string, marks: readonly number[], slot: number | null): void;
  /** By all that was noted: the slots of the events whose process may have one of the flags that are asked for. */
  reachedBy(isAsked: (flag: number) => boolean): number[];
}

/** The events of one key. */
interface Group {
  readonly own: string | null;
  readonly slots: number[];
}

/** `capacity` is how many processes the tree has room for. */
export function createReach(identitiesOf: (key: string) => Identities, capacity: number): Reach {
  /** By key, of which there are no fewer than processes; the children of each process; and of each flag the processes marked. */
  const groups = new Map<string, Group>();
  const children = new Map<string, Set<string>>();
  const marked = new Map<number, Set<string>>();
  /** Those of events of any process, once there are too many. */
  const others: number[] = [];
  let isFull = false;

  function learn(key: string): Group {
    const { own, parent } = identitiesOf(key);
    const group = { own, slots: [] };
    groups.set(key, group);
    if (own !== null && parent !== null) addTo(children, parent, own);
    return group;
  }

  function giveUp(): void {
    for (const { slots } of groups.values()) for (const slot of slots) others.push(slot);
    for (const known of [groups, children, marked]) known.clear();
    isFull = true;
  }

  return {
    note(key, marks, slot) {
      let group = groups.get(key);
      if (group === undefined && !isFull) {
        if (groups.size === capacity) giveUp();
        else group = learn(key);
      }
      if (slot !== null) (group?.slots ?? others).push(slot);
      const own = group?.own ?? null;
      if (own !== null) for (const flag of marks) addTo(marked, flag, own);
    },
    reachedBy(isAsked) {
      const reached = new Set([...marked].flatMap(([flag, own]) => (isAsked(flag) ? [...own] : [])));
      // A set gives what is added to it while it is gone through, too.
      for (const process of reached) for (const child of children.get(process) ?? []) reached.add(child);
      const found = [...others];
      for (const { own, slots } of groups.values()) {
        if (own !== null && reached.has(own)) for (const slot of slots) found.push(slot);
      }
      return found;
    },
  };
}

function addTo<Key>(sets: Map<Key, Set<string>>, key: Key, member: string): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([member]));
  else set.add(member);
}

// The keys of all events of a process tree, in any order -> the processes that may have a lineage flag at some time. What only asks for flags
// of others comes to nothing, and need not be sorted.
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
  /** Takes the key of an event, and the flags of the queries that may mark its process. */
  note(key: string, marks: readonly number[]): void;
  /** By all that was noted: whether the process of an event with a key may have one of the flags that are asked for. */
  reachedBy(isAsked: (flag: number) => boolean): (key: string) => boolean;
}

/** `capacity` is how many processes the tree has room for. */
export function createReach(identitiesOf: (key: string) => Identities, capacity: number): Reach {
  /** The process of each key, which are no fewer than processes; the children of each process; and of each flag the processes marked. */
  const processes = new Map<string, string | null>();
  const children = new Map<string, Set<string>>();
  const marked = new Map<number, Set<string>>();
  let isFull = false;

  function learn(key: string): string | null {
    const { own, parent } = identitiesOf(key);
    processes.set(key, own);
    if (own !== null && parent !== null) addTo(children, parent, own);
    return own;
  }

  return {
    note(key, marks) {
      if (isFull) return;
      let own = processes.get(key);
      if (own === undefined) {
        if (processes.size === capacity) {
          isFull = true;
          for (const known of [processes, children, marked]) known.clear();
          return;
        }
        own = learn(key);
      }
      if (own !== null) for (const flag of marks) addTo(marked, flag, own);
    },
    reachedBy(isAsked) {
      if (isFull) return () => true;
      const reached = new Set([...marked].flatMap(([flag, own]) => (isAsked(flag) ? [...own] : [])));
      // A set gives what is added to it while it is gone through, too.
      for (const process of reached) for (const child of children.get(process) ?? []) reached.add(child);
      return (key) => {
        const own = processes.get(key);
        return own === undefined || (own !== null && reached.has(own));
      };
    },
  };
}

function addTo<Key>(sets: Map<Key, Set<string>>, key: Key, member: string): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([member]));
  else set.add(member);
}

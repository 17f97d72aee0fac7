// The events of partial matches, as lists in one block of memory.
//
// Most lists are short: what packs hold most waits with one event, and then the place of that event is the list itself, a number
// above 0. A longer list is a node, written as the number below 0 that is its complement: the newest event and the list of those
// before. Lists are not shared: each has its nodes for itself.

const FIRST_NODES = 64;

export interface EventLists {
  /** Event and list by turns; a free node has the next free one in place of its list. */
  nodes: Int32Array;
  /** The first free node, -1 for none, and the first that was never used. */
  free: number;
  next: number;
}

export function createEventLists(): EventLists {
  return { nodes: new Int32Array(2 * FIRST_NODES), free: -1, next: 0 };
}

/** The newest event of a list. */
export function newestOf({ nodes }: EventLists, list: number): number {
  return list > 0 ? list : (nodes[2 * ~list] ?? 0);
}

/** The list without its newest event; 0 when that was the only one. */
export function restOf({ nodes }: EventLists, list: number): number {
  return list > 0 ? 0 : (nodes[2 * ~list + 1] ?? 0);
}

/** The list with an event more; `list` is a part of it from now on. */
export function withEvent(lists: EventLists, list: number, event: number): number {
  let node = lists.free;
  if (node >= 0) lists.free = lists.nodes[2 * node + 1] ?? -1;
  else {
    node = lists.next++;
    if (2 * node >= lists.nodes.length) {
      const nodes = new Int32Array(2 * lists.nodes.length);
      nodes.set(lists.nodes);
      lists.nodes = nodes;
    }
  }
  lists.nodes[2 * node] = event;
  lists.nodes[2 * node + 1] = list;
  return ~node;
}

/** Frees the nodes of a list. */
export function freeList(lists: EventLists, list: number): void {
  for (let left = list; left < 0; ) {
    const node = ~left;
    left = lists.nodes[2 * node + 1] ?? 0;
    lists.nodes[2 * node + 1] = lists.free;
    lists.free = node;
  }
}

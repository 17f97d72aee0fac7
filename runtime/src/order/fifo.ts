// What comes first goes first.

export interface Fifo<Item> {
  /** Those before `head` are gone. */
  readonly items: (Item | undefined)[];
  head: number;
}

/** So many places may be empty before those behind them are moved. */
const EMPTY_PLACES = 4096;

export function createFifo<Item>(): Fifo<Item> {
  return { items: [], head: 0 };
}

/** Takes out the first; there must be one. */
export function removeHead(fifo: Fifo<unknown>): void {
  const { items } = fifo;
  items[fifo.head++] = undefined;
  if (fifo.head === items.length) {
    items.length = 0;
    fifo.head = 0;
  } else if (fifo.head >= EMPTY_PLACES && fifo.head * 2 >= items.length) {
    // At least as many are cut off as are moved, so this costs each item one move.
    items.splice(0, fifo.head);
    fifo.head = 0;
  }
}

// The events that match the terms of a sample -> which of them each sample takes, in both dialects.
//
// Elasticsearch leaves the choice open so Kestrel states one (docs/language.md#samples): the
// first one that is found by trying, term by term, the matches in the order of their events, and going back when the later
// terms are left without an event of their own. Over a whole file the choice is among all events; in a stream it is made
// when the first event comes that makes one possible, and among the events up to that one.

/** An event matches a term under a key. */
export interface Hit<Event, Key> {
  readonly event: Event;
  readonly term: number;
  readonly key: Key;
  /** Equal for equal keys only. */
  readonly id: string;
}

export interface Chosen<Event, Key> {
  readonly key: Key;
  /** One for each term, all of them distinct. */
  readonly events: readonly Event[];
}

/** `hits` in the order of events, terms and keys. At most `limit` samples for each key, keys in the order of their first hit. */
export function chooseFromAll<Event, Key>(
  hits: readonly Hit<Event, Key>[],
  terms: number,
  limit: number,
): Chosen<Event, Key>[] {
  const byKey = groupBy(hits, ({ id }) => id);
  return [...byKey.values()].flatMap((own) =>
    choices(own, terms, limit).flatMap((events) => own.slice(0, 1).map(({ key }) => ({ key, events }))),
  );
}

/**
 * One sample for each key and window, in the order of completion. Of several keys that one event completes, those go first
 * that it has for an earlier term, then those that the event names first.
 */
export function chooseInStream<Event extends { readonly ts: bigint }, Key>(
  hits: readonly Hit<Event, Key>[],
  terms: number,
  windowNs: bigint,
): Chosen<Event, Key>[] {
  const windows = new Map<string, { readonly began: bigint; readonly hits: Hit<Event, Key>[]; done: boolean }>();
  const found: Chosen<Event, Key>[] = [];
  for (const [event, own] of groupBy(hits, (hit) => hit.event)) {
    for (const hit of own) {
      let window = windows.get(hit.id);
      if (window === undefined || event.ts > window.began + windowNs) {
        window = { began: event.ts, hits: [], done: false };
        windows.set(hit.id, window);
      }
      window.hits.push(hit);
    }
    for (const { id, key } of own) {
      const window = windows.get(id);
      if (window === undefined || window.done) continue;
      const [events] = choices(window.hits, terms, 1);
      if (events === undefined) continue;
      window.done = true;
      found.push({ key, events });
    }
  }
  return found;
}

/** Up to `limit` choices among the hits of one key. */
function choices<Event>(hits: readonly Hit<Event, unknown>[], terms: number, limit: number): (readonly Event[])[] {
  const candidates = Array.from({ length: terms }, (_, term) =>
    hits.filter((hit) => hit.term === term).map(({ event }) => event),
  );
  const found: (readonly Event[])[] = [];
  if (candidates.some((events) => events.length === 0)) return found;
  const extend = (chosen: readonly Event[]): void => {
    if (chosen.length === terms) found.push(chosen);
    for (const event of candidates[chosen.length] ?? []) {
      if (found.length >= limit) return;
      if (!chosen.includes(event)) extend([...chosen, event]);
    }
  };
  extend([]);
  return found;
}

function groupBy<Item, By>(items: readonly Item[], by: (item: Item) => By): Map<By, Item[]> {
  const groups = new Map<By, Item[]>();
  for (const item of items) {
    const group = groups.get(by(item));
    if (group === undefined) groups.set(by(item), [item]);
    else group.push(item);
  }
  return groups;
}

// Equal things get one id: a table from a canonical text to the first of its kind.

export interface Interner<T, Id extends number> {
  readonly items: T[];
  intern(item: T): Id;
}

/** Two items are equal when `key` gives the same text for both. */
export function createInterner<T, Id extends number>(key: (item: T) => string): Interner<T, Id> {
  const ids = new Map<string, Id>();
  const items: T[] = [];
  return {
    items,
    intern(item) {
      const text = key(item);
      const known = ids.get(text);
      if (known !== undefined) return known;
      const id = items.length as Id;
      items.push(item);
      ids.set(text, id);
      return id;
    },
  };
}

/**
 * A text that is the same for structurally equal values; tells apart -0 and 0, and big integers from numbers. The trees of
 * patterns are left out, because their text stands beside them.
 */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (key, part: unknown) => {
    if (key === "tree") return undefined;
    if (typeof part === "bigint") return `${part}n`;
    if (typeof part === "number" && (Object.is(part, -0) || !Number.isFinite(part)))
      return `number ${Object.is(part, -0) ? "-0" : part}`;
    if (part instanceof Uint8Array) return Array.from(part);
    return part;
  });
}

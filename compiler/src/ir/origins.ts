// Where an atom or a predicate was written: the rule and the span of its query. What several rules ask has several origins.

/** UTF-16 offsets into the query of rule `rule`, an index into the rules of the pack. */
export interface Origin {
  readonly rule: number;
  readonly start: number;
  readonly end: number;
}

export interface Origins {
  /** For each atom, and for each predicate. */
  readonly atoms: readonly (readonly Origin[])[];
  readonly predicates: readonly (readonly Origin[])[];
}

/**
 * Each origin once, in order, so that the same pack always says the same. Lists are gathered first and settled once: a rule may
 * ask one question in a hundred thousand places.
 */
export function settleOrigins(lists: readonly (readonly Origin[])[]): readonly (readonly Origin[])[] {
  return lists.map((list) => {
    if (list.length < 2) return list;
    const sorted = [...list].sort((x, y) => x.rule - y.rule || x.start - y.start || x.end - y.end);
    return sorted.filter((origin, at) => {
      const before = sorted[at - 1];
      return origin.rule !== before?.rule || origin.start !== before.start || origin.end !== before.end;
    });
  });
}

/** The rules among origins, ascending. */
export function rulesOf(origins: readonly Origin[]): readonly number[] {
  return [...new Set(origins.map(({ rule }) => rule))].sort((a, b) => a - b);
}

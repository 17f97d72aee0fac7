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

/** Both, each once; in order, so that the same pack always says the same. */
export function joinOrigins(a: readonly Origin[], b: readonly Origin[]): readonly Origin[] {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const found = new Map<string, Origin>();
  for (const origin of [...a, ...b]) found.set(`${origin.rule} ${origin.start} ${origin.end}`, origin);
  return found.size === a.length
    ? a
    : [...found.values()].sort((x, y) => x.rule - y.rule || x.start - y.start || x.end - y.end);
}

/** The rules among origins, ascending. */
export function rulesOf(origins: readonly Origin[]): readonly number[] {
  return [...new Set(origins.map(({ rule }) => rule))].sort((a, b) => a - b);
}

// Numbers that name things of a pack: places in its tables.

export type AtomId = number & { readonly brand: "AtomId" };
export type PredicateId = number & { readonly brand: "PredicateId" };

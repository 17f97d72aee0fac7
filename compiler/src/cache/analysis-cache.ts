// What the front makes of a rule's text, kept in a store.
//
// SOUND: an entry has the name of its query (query-name.ts), which is made of all that `analyseText` (front.ts) reads. Where a rule stands, its name and what it
// suppresses are added afterwards. Typed queries that use hand-written code are not kept: the plan knows code again as the object that it is.

import { deserialize, serialize } from "node:v8";
import type { TypedQuery } from "../analyse/typed.js";
import type { Analysis, AnalysisCache } from "../front.js";
import type { QueryNames } from "./query-name.js";
import type { Store } from "./store.js";

/** What an entry holds: the typed query, which is most of it, in bytes of its own, since only a pack that is planned needs it. */
type Kept = Omit<Analysis, "typed"> & { readonly typed: Uint8Array | null };

/** The analyses of queries that have a name by themselves. */
export function createAnalysisCache(store: Store, nameOf: QueryNames): AnalysisCache {
  return {
    get(rule) {
      const name = nameOf(rule);
      const content = name === null ? null : store.get(name.toString("hex"));
      if (content === null) return null;
      const { typed, ...others } = deserialize(content) as Kept;
      return { ...others, typed: typed === null ? null : readOnce(typed) };
    },
    put(rule, { query, typed, directives, problems }) {
      const name = nameOf(rule);
      if (name === null) return;
      const kept: Kept = {
        query: query && { dialect: query.dialect, span: query.span },
        typed: typed === null ? null : serialize(typed()),
        directives,
        problems,
      };
      store.put(name.toString("hex"), serialize(kept));
    },
  };
}

/** Gives what was serialized as `bytes`, which are let go when it was first asked for. */
function readOnce(bytes: Uint8Array): () => TypedQuery {
  let kept: Uint8Array | TypedQuery = bytes;
  return () => {
    if (kept instanceof Uint8Array) kept = deserialize(kept) as TypedQuery;
    return kept;
  };
}

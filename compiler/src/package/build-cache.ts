// What a build keeps of what it made: analyses of rules, automata of regular expressions, and the parts of whole packs.

import { createAnalysisCache } from "../cache/analysis-cache.js";
import { createAutomatonCache } from "../cache/automaton-cache.js";
import { compilerDigest } from "../cache/compiler-digest.js";
import { createQueryNames } from "../cache/query-name.js";
import type { Store } from "../cache/store.js";
import type { CompileOptions } from "../compile-options.js";
import type { AnalysisCache } from "../front.js";
import type { MakeAutomaton } from "../patterns/regex-automata.js";
import { createPackCache, type PackCache } from "./pack-cache.js";

export interface BuildCache {
  readonly analyses: AnalysisCache;
  readonly automatonOf: MakeAutomaton;
  readonly packs: PackCache;
}

/** What `compiler`, by its digest, made with these options. */
export function createBuildCache(store: Store, options: CompileOptions, compiler = compilerDigest()): BuildCache {
  const nameOf = createQueryNames(options, compiler);
  return {
    analyses: createAnalysisCache(store, nameOf),
    automatonOf: createAutomatonCache(store, compiler),
    packs: createPackCache(store, nameOf, options.profile),
  };
}

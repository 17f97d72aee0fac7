// Time to compile each real pack and size of what comes out.

import { performance } from "node:perf_hooks";
import { type CompiledPack, DEFAULT_OPTIONS, analyseRules, compilePack } from "@kestrel/compiler/compile";
import { collectRules } from "@kestrel/compiler/sources/collect-rules";

export interface CompileResult {
  readonly pack: CompiledPack;
  readonly rules: number;
  readonly milliseconds: number;
}

export function compile(path: string): CompileResult {
  const start = performance.now();
  const { rules } = collectRules([path]);
  const analysed = analyseRules(rules, DEFAULT_OPTIONS);
  const pack = compilePack(analysed.rules, DEFAULT_OPTIONS);
  return { pack, rules: rules.length, milliseconds: performance.now() - start };
}

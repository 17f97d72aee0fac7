// The whole replay against JSON.parse of each line, the lines being strings already: run after run in one process, each
// run of the one beside a run of the other, and the ratio taken pair by pair. The matches of every run must be the same.

import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";
import type { CompiledPack } from "@kestrel/compiler/compile";
import { createDetector } from "@kestrel/runtime/engine/detector";
import { type Package, packageFromMemory } from "@kestrel/runtime/load/load-package";
import { ABI_VERSION } from "@kestrel/stdlib/abi";
import { FORMAT_VERSION, MODULE_FILE, type PackageManifest, SEQUENCES_FILE, digestText } from "@kestrel/stdlib/package-format";
import { encodeSequences } from "@kestrel/stdlib/sequence-tables";
import type { Input } from "./corpus.js";

export interface ReplayResult {
  readonly pairs: readonly { readonly detect: number; readonly parse: number; readonly ratio: number }[];
  readonly alerts: number;
  readonly matched: number;
  /** Predicates tried for each event. */
  readonly tried: number;
}

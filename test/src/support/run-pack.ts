// Rules, compiled in this process, over lines of NDJSON: what the Wasm side finds, in a form that tests can compare.

import { createHash } from "node:crypto";
import { analyseRules, type CompiledRule, type CompileOptions, compilePack } from "@kestrel/compiler/compile";
import type { Diagnostic } from "@kestrel/compiler/diagnostics/diagnostic";
import type { Rule } from "@kestrel/compiler/sources/rule";
import type { DetectorCounters } from "@kestrel/runtime/engine/detector";
import { createDetector, type DetectorOptions } from "@kestrel/runtime/engine/detector";
import { type Package, packageFromMemory } from "@kestrel/runtime/load/load-package";
import { ABI_VERSION } from "@kestrel/stdlib/abi";
import {
  digestText,
  FORMAT_VERSION,
  MODULE_FILE,
  type PackageManifest,
  SEQUENCES_FILE,
} from "@kestrel/stdlib/package-format";
import { encodeSequences } from "@kestrel/stdlib/sequence-tables";

/** A rule with nothing but a query. */
export function ruleOf(id: string, query: string): Rule {
  return {
    id,
    name: id,
    description: "",
    version: "1.0.0",
    author: [],
    severity: "medium",
    riskScore: null,
    tags: [],
    references: [],
    threat: [],
    tests: [],
    dialect: null,
    query,
    metadata: {},
    source: { file: id, queryOffset: null },
  };
}

export interface PackUnderTest {
  readonly pack: Package;
  readonly rules: readonly CompiledRule[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Compiles what compiles; the rest is in `diagnostics`. */
export async function compileForTest(rules: readonly Rule[], options: CompileOptions): Promise<PackUnderTest> {
  const analysed = analyseRules(rules, options);
  const { lowered, ir } = compilePack(analysed.rules, options);
  const sequences = encodeSequences([...ir.sequences]);
  const file = (path: string, bytes: Uint8Array): PackageManifest["files"][number] => ({
    path,
    bytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  });
  const unsigned: PackageManifest = {
    format_version: FORMAT_VERSION,
    abi_version: ABI_VERSION,
    package: { name: "test", version: "1.0.0", digest: "" },
    compiler: { name: "eqlc", version: "test" },
    schema: {
      version: "1.0",
      timestamp_field: options.timestampField,
      tiebreaker_field: options.tiebreakerField,
      category_field: options.categoryField,
      fields: lowered.fields.map(({ id, name, type }) => ({ id, name, type })),
    },
    rules: analysed.rules.map(({ rule, typed }) => ({
      id: rule.id,
      name: rule.name,
      kind: typed.kind,
      version: rule.version,
      description: "",
      author: [],
      severity: rule.severity,
      risk_score: null,
      tags: [],
      references: [],
      threat: [],
      dialect: "elastic",
      source: "test.eql",
      keys: typed.kind === "event" ? [] : (typed.terms[0]?.keys.map((key) => key.name) ?? []),
      capabilities: {
        supports_inline: true,
        requires_alert: true,
        requires_block: false,
        max_span_ms: null,
        mitre_attack: [],
      },
    })),
    predicates: ir.eventRules,
    files: [
      file(MODULE_FILE, lowered.binary),
      file(SEQUENCES_FILE, sequences),
      file("sources/test.eql", new Uint8Array()),
    ],
  };
  const digest = createHash("sha256").update(digestText(unsigned)).digest("hex");
  const manifest = { ...unsigned, package: { ...unsigned.package, digest } };
  return {
    pack: await packageFromMemory({ manifest, module: lowered.binary, sequences }),
    rules: analysed.rules,
    diagnostics: analysed.diagnostics,
  };
}

export interface Found {
  /** For each rule, its detections in order: the arrival ordinals of their events, -1 for a missing one. */
  readonly byRule: readonly (readonly (readonly number[])[])[];
  readonly counters: DetectorCounters;
}

/** Runs a package over the bytes of whole lines, in exact order unless told otherwise. */
export function runLines(pack: Package, bytes: Buffer, options: Partial<DetectorOptions> = {}, chunk = 1 << 20): Found {
  const byRule: number[][][] = pack.manifest.rules.map(() => []);
  const detector = createDetector(pack, {
    latenessNs: null,
    onAlert: (detection) => byRule[detection.rule]?.push(detection.events.map((event) => event?.ordinal ?? -1)),
    ...options,
  });
  let line = 1;
  for (let start = 0; start < bytes.length; ) {
    let end = Math.min(start + chunk, bytes.length);
    end = end === bytes.length ? end : bytes.lastIndexOf(10, end - 1) + 1;
    if (end <= start) end = bytes.indexOf(10, start) + 1;
    line += detector.feed(bytes.subarray(start, end), { file: "test", firstLine: line });
    start = end;
  }
  detector.finish();
  return { byRule, counters: detector.counters() };
}

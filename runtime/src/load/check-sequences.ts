// The bytes of sequences.bin -> programs whose rules and predicates exist in the manifest.

import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { SEQUENCES_FILE } from "@kestrel/stdlib/package-format";
import { decodeSequences, type SequenceProgram, SequenceTablesError } from "@kestrel/stdlib/sequence-tables";
import type { Report } from "./problems.js";

/** Decodes and checks the tables; null, with reasons reported, when they cannot be used. */
export function checkSequences(
  bytes: Uint8Array,
  manifest: PackageManifest,
  report: Report,
): readonly SequenceProgram[] | null {
  let failed = false;
  const fail = (message: string): void => {
    failed = true;
    report("E_PACKAGE_SEQUENCES", SEQUENCES_FILE, message);
  };
  let programs: SequenceProgram[];
  try {
    programs = decodeSequences(bytes);
  } catch (error) {
    if (!(error instanceof SequenceTablesError)) throw error;
    fail(`${error.code}: ${error.message}`);
    return null;
  }
  const predicates = manifest.predicates.length;
  for (const [index, { rule, kind, stages, until }] of programs.entries()) {
    const found = manifest.rules[rule];
    if (found === undefined) fail(`program ${index}: there is no rule ${rule}`);
    else if (found.kind !== kind) fail(`program ${index} is a ${kind}, but its rule ${rule} is of kind ${found.kind}`);
    for (const { predicate } of stages) {
      if (predicate >= predicates) fail(`program ${index}: a stage names predicate ${predicate} of ${predicates}`);
    }
    if (until !== null && until >= predicates) {
      fail(`program ${index}: until names predicate ${until} of ${predicates}`);
    }
  }
  return failed ? null : programs;
}

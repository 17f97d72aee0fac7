// The bytes of sequences.bin -> tables whose rules and predicates exist in the manifest.

import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { SEQUENCES_FILE } from "@kestrel/stdlib/package-format";
import {
  decodeSequences,
  type LateTest,
  type LineageProgram,
  type SequenceProgram,
  type SequenceTables,
  SequenceTablesError,
  testOf,
} from "@kestrel/stdlib/sequence-tables";
import type { Report } from "./problems.js";

/** A predicate that a table names, and what it is there. */
type Named = readonly [what: string, predicate: number];

/**
 * Decodes and checks the tables; null, with reasons reported, when they cannot be used. Pipes that need the end of the
 * matches are refused unless `batch`.
 */
export function checkSequences(
  bytes: Uint8Array,
  manifest: PackageManifest,
  batch: boolean,
  report: Report,
): SequenceTables | null {
  let failed = false;
  const fail = (message: string): void => {
    failed = true;
    report("E_PACKAGE_SEQUENCES", SEQUENCES_FILE, message);
  };
  let tables: SequenceTables;
  try {
    tables = decodeSequences(bytes);
  } catch (error) {
    if (!(error instanceof SequenceTablesError)) throw error;
    fail(`${error.code}: ${error.message}`);
    return null;
  }
  const predicates = manifest.predicates.length;
  const checkNamed = (where: string, named: readonly Named[]): void => {
    for (const [what, predicate] of named) {
      if (predicate >= predicates) fail(`${where}: ${what} names predicate ${predicate} of ${predicates}`);
    }
  };
  const owned = new Set<number>();
  for (const [index, program] of tables.programs.entries()) {
    const { rule, kind, pipes } = program;
    const found = manifest.rules[rule];
    if (found === undefined) fail(`program ${index}: there is no rule ${rule}`);
    else if (found.kind !== kind) fail(`program ${index} is a ${kind}, but its rule ${rule} is of kind ${found.kind}`);
    else if (owned.has(rule)) fail(`program ${index}: rule ${rule} has a program already`);
    owned.add(rule);
    checkNamed(`program ${index}`, namedBy(program));
    for (const pipe of pipes) {
      if (!batch && (pipe.kind === "tail" || pipe.kind === "sort" || pipe.kind === "count")) {
        fail(`program ${index}: the pipe ${pipe.kind} needs the end of the matches, and a stream has none`);
      }
    }
  }
  for (const [predicate, rules] of manifest.predicates.entries()) {
    const both = rules.find((rule) => owned.has(rule));
    if (both !== undefined) fail(`rule ${both} has a program, and predicate ${predicate} decides it as well`);
  }
  for (const [index, program] of tables.lineage.entries()) {
    checkNamed(`lineage program ${index}`, namedByLineage(program));
  }
  return failed ? null : tables;
}

function namedBy({ stages, until, pipes }: SequenceProgram): Named[] {
  const named: Named[] = [];
  for (const { predicate, late } of stages) {
    named.push(["a stage", predicate], ...namedLate("the late test of a stage", late));
  }
  if (until !== null) named.push(["until", until.predicate], ...namedLate("the late test of until", until.late));
  for (const pipe of pipes) named.push(...namedLate(`the pipe ${pipe.kind}`, testOf(pipe)));
  return named;
}

function namedByLineage({ feed, starts, ends, processes, resets, queries }: LineageProgram): Named[] {
  const named: Named[] = [
    ["feed", feed],
    ["starts", starts],
    ["ends", ends],
  ];
  if (processes !== null) named.push(["processes", processes]);
  if (resets !== null) named.push(["resets", resets]);
  for (const { predicate, late } of queries) {
    named.push(["a query", predicate], ...namedLate("the late test of a query", late));
  }
  return named;
}

function namedLate(what: string, late: LateTest | null): Named[] {
  return late === null ? [] : [[what, late.predicate]];
}

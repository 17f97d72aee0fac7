// `programs` and `lineage` of manifest.json -> tables whose every part has its type and leads somewhere.

import type { ManifestRule, PackageManifest } from "@kestrel/stdlib/package-format";
import { MANIFEST_FILE } from "@kestrel/stdlib/package-format";
import {
  PIPE_KINDS,
  programFromJson,
  RELATIONS,
  type SequenceTables,
  TREE_DIALECTS,
  tableProblems,
} from "@kestrel/stdlib/sequence-tables";
import { arrayAt, boolean, count, type Fail, nameOf, objectAt, oneOf } from "./json-shape.js";
import type { Report } from "./problems.js";

const KINDS = ["event", "sequence", "sample", "join"] as const;
/** As many digits as a 64-bit number of nanoseconds has. */
const NANOSECONDS = /^[1-9][0-9]{0,18}$/;

/** Says where the parts are not of the types that sequence-tables.ts declares. */
export function checkProgramShapes(programs: unknown, lineage: unknown, fail: Fail): void {
  for (const [index, item] of arrayAt(programs, "programs", fail).entries()) {
    checkProgram(item, `programs[${index}]`, fail);
  }
  for (const [index, item] of arrayAt(lineage, "lineage", fail).entries()) checkTree(item, `lineage[${index}]`, fail);
}

/**
 * The tables of a manifest whose shape is right; null, with reasons reported, when they make no sense. Pipes that need the
 * end of the matches are refused unless `batch`.
 */
export function readTables(
  manifest: PackageManifest,
  rules: readonly Pick<ManifestRule, "kind">[],
  batch: boolean,
  report: Report,
): SequenceTables | null {
  const tables = { programs: manifest.programs.map(programFromJson), lineage: manifest.lineage };
  const problems = tableProblems(tables, { rules, predicates: manifest.predicates });
  for (const [index, { pipes }] of tables.programs.entries()) {
    for (const [at, { kind }] of pipes.entries()) {
      if (batch || (kind !== "tail" && kind !== "sort" && kind !== "count")) continue;
      const message = `${kind} needs the end of the matches, and a stream has none`;
      problems.push(`programs[${index}].pipes[${at}].kind: ${message}`);
    }
  }
  for (const problem of problems) report("E_PACKAGE_MANIFEST", MANIFEST_FILE, problem);
  return problems.length === 0 ? tables : null;
}

function checkProgram(value: unknown, path: string, fail: Fail): void {
  const program = objectAt(value, path, fail);
  if (program === null) return;
  count(program.rule, `${path}.rule`, fail);
  oneOf(program.kind, KINDS, `${path}.kind`, fail);
  checkMaxspan(program.maxspan_ns, `${path}.maxspan_ns`, fail);
  for (const [at, item] of arrayAt(program.stages, `${path}.stages`, fail).entries()) {
    checkStage(item, `${path}.stages[${at}]`, fail);
  }
  if (program.until !== null) {
    const until = objectAt(program.until, `${path}.until`, fail);
    if (until !== null) checkTested(until, `${path}.until`, fail);
  }
  boolean(program.until_first, `${path}.until_first`, fail);
  for (const [at, item] of arrayAt(program.pipes, `${path}.pipes`, fail).entries()) {
    checkPipe(item, `${path}.pipes[${at}]`, fail);
  }
}

function checkMaxspan(value: unknown, path: string, fail: Fail): void {
  if (value === null || (typeof value === "string" && NANOSECONDS.test(value))) return;
  const found = typeof value === "string" ? JSON.stringify(value) : nameOf(value);
  fail(path, `expected a number of nanoseconds as a string, or null, found ${found}`);
}

function checkStage(value: unknown, path: string, fail: Fail): void {
  const stage = objectAt(value, path, fail);
  if (stage === null) return;
  checkTested(stage, path, fail);
  boolean(stage.missing, `${path}.missing`, fail);
  boolean(stage.fork, `${path}.fork`, fail);
}

/** A predicate with the late test that must hold as well. */
function checkTested(value: Readonly<Record<string, unknown>>, path: string, fail: Fail): void {
  count(value.predicate, `${path}.predicate`, fail);
  if (value.late !== null) checkTest(value.late, `${path}.late`, fail);
}

function checkTest(value: unknown, path: string, fail: Fail): void {
  const test = objectAt(value, path, fail);
  if (test === null) return;
  count(test.predicate, `${path}.predicate`, fail);
  for (const [at, stage] of arrayAt(test.stages, `${path}.stages`, fail).entries()) {
    count(stage, `${path}.stages[${at}]`, fail);
  }
  if (test.flagged !== undefined) checkFlagged(test.flagged, `${path}.flagged`, fail);
}

function checkFlagged(value: unknown, path: string, fail: Fail): void {
  const flagged = objectAt(value, path, fail);
  if (flagged === null) return;
  for (const [at, flag] of arrayAt(flagged.flags, `${path}.flags`, fail).entries()) {
    count(flag, `${path}.flags[${at}]`, fail);
  }
  if (flagged.otherwise !== null) count(flagged.otherwise, `${path}.otherwise`, fail);
}

function checkPipe(value: unknown, path: string, fail: Fail): void {
  const pipe = objectAt(value, path, fail);
  if (pipe === null) return;
  const kind = oneOf(pipe.kind, PIPE_KINDS, `${path}.kind`, fail);
  if (kind === "head" || kind === "tail") count(pipe.count, `${path}.count`, fail);
  else if (kind === "filter") checkTest(pipe.test, `${path}.test`, fail);
  else if (kind !== null) checkTest(pipe.keys, `${path}.keys`, fail);
}

function checkTree(value: unknown, path: string, fail: Fail): void {
  const tree = objectAt(value, path, fail);
  if (tree === null) return;
  oneOf(tree.dialect, TREE_DIALECTS, `${path}.dialect`, fail);
  for (const name of ["feed", "starts", "ends"]) count(tree[name], `${path}.${name}`, fail);
  for (const name of ["processes", "resets"]) if (tree[name] !== null) count(tree[name], `${path}.${name}`, fail);
  for (const [at, item] of arrayAt(tree.queries, `${path}.queries`, fail).entries()) {
    const where = `${path}.queries[${at}]`;
    const query = objectAt(item, where, fail);
    if (query === null) continue;
    count(query.flag, `${where}.flag`, fail);
    oneOf(query.relation, RELATIONS, `${where}.relation`, fail);
    checkTested(query, where, fail);
  }
}

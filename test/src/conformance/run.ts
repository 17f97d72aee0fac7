// A corpus directory -> what each backend makes of each case.

import { createRandom } from "../generate/random.js";
import { type Backend, messageOf } from "./backend.js";
import { type Case, type Check, type Ids, readCases } from "./cases.js";
import { type DataSets, openDataSets } from "./data-sets.js";
import { KNOWN_WRONG, type KnownWrong } from "./known-wrong.js";

export interface Outcome {
  readonly case: Case;
  readonly backend: Backend["name"];
  /** `held wrong`: it fails and the list says so; `listed, passes`: the list is wrong. */
  readonly verdict: "passed" | "failed" | "skipped" | "held wrong" | "listed, passes";
  /** What was expected and what came, for a failure. */
  readonly failure: Failure | null;
}

export interface Failure {
  readonly expected: string;
  readonly got: string;
}

export interface RunOptions {
  readonly backends: readonly Backend[];
  /** Only cases whose suite, name or `suite/name` is this. */
  readonly only?: string;
  /** Only every so many cases, beginning with the first; all of them when absent. */
  readonly every?: number;
  readonly knownWrong?: readonly KnownWrong[];
  readonly onOutcome?: (outcome: Outcome) => void;
}

/** Runs `directory`'s cases one after the other. Throws when a file of the corpus cannot be read. */
export async function runConformance(directory: string, options: RunOptions): Promise<readonly Outcome[]> {
  const { backends, only, every = 1, knownWrong = KNOWN_WRONG, onOutcome } = options;
  const data = openDataSets(directory);
  const outcomes: Outcome[] = [];
  const cases = readCases(directory)
    .filter(({ suite, name }) => only === undefined || [suite, name, `${suite}/${name}`].includes(only))
    .filter((_, at) => at % every === 0);
  const values = new Map<Backend, ReadonlyMap<Case, Failure | null>>();
  for (const backend of backends) values.set(backend, await judgeValues(cases, backend));
  for (const test of cases) {
    for (const backend of backends) {
      const failure =
        values.get(backend)?.get(test) ??
        (test.check === null || test.check.kind === "value" ? null : await attempt(test.check, test, backend, data));
      const listed = knownWrong.some(({ suite, name }) => suite === test.suite && name === test.name);
      const verdict = test.check === null ? "skipped" : verdictOf(failure, listed);
      const outcome: Outcome = { case: test, backend: backend.name, verdict, failure };
      outcomes.push(outcome);
      onOutcome?.(outcome);
    }
  }
  return outcomes;
}

function verdictOf(failure: Failure | null, listed: boolean): Outcome["verdict"] {
  if (failure === null) return listed ? "listed, passes" : "passed";
  return listed ? "held wrong" : "failed";
}

/** Values are many and small, so a backend is asked for all of a dialect at once. */
async function judgeValues(cases: readonly Case[], backend: Backend): Promise<ReadonlyMap<Case, Failure | null>> {
  const judged = new Map<Case, Failure | null>();
  for (const dialect of ["elastic", "endgame"] as const) {
    const asked = cases.flatMap((test) =>
      test.dialect === dialect && test.check?.kind === "value" ? [{ ...test.check, test }] : [],
    );
    const differences = await backend.differences(asked, dialect);
    for (const [i, { test, ...check }] of asked.entries()) {
      const got = differences[i];
      if (got === undefined) throw new Error(`${backend.name} did not answer for ${check.text}`);
      judged.set(test, got === null ? null : { expected: expectation(check), got });
    }
  }
  return judged;
}

type Single = Exclude<Check, { readonly kind: "value" }>;

async function attempt(check: Single, test: Case, backend: Backend, data: DataSets): Promise<Failure | null> {
  try {
    return await judge(check, test, backend, data);
  } catch (error) {
    return { expected: expectation(check), got: `error: ${messageOf(error)}` };
  }
}

async function judge(check: Single, { dialect }: Case, backend: Backend, data: DataSets): Promise<Failure | null> {
  switch (check.kind) {
    case "query": {
      const answer = await backend.find(check.text, dialect, data(check.data), check.samplesPerKey);
      const ids = check.size === null ? answer.ids : answer.ids.slice(0, check.size);
      const found = JSON.stringify(ids);
      if (!check.expected.some((expected) => JSON.stringify(expected) === found)) {
        return { expected: expectation(check), got: found };
      }
      if (check.joinKeys === null || check.size !== null || sameKeys(check.joinKeys, answer.keys)) return null;
      return { expected: `the keys ${JSON.stringify(check.joinKeys)}`, got: JSON.stringify(answer.keys) };
    }
    case "alike":
      return compareConditions(check.text, check.other, backend, dialect);
    case "refused": {
      const source = check.data === null ? null : data(check.data);
      const problems = await backend.problems(check.text, check.query, dialect, source);
      // What is right but not compiled yet is no error of the query.
      const refused = problems.some((problem) => !problem.startsWith("E0401"));
      return refused ? null : { expected: expectation(check), got: problems.join("; ") || "nothing" };
    }
    case "accepted": {
      const problems = await backend.problems(check.text, check.query, dialect, null);
      return problems.length === 0 ? null : { expected: expectation(check), got: problems.join("; ") };
    }
  }
}

function expectation(check: Check): string {
  switch (check.kind) {
    case "query":
      return check.expected.map((ids: Ids) => JSON.stringify(ids)).join(" or ");
    case "value":
      return JSON.stringify(check.expected);
    case "alike":
      return `the same as ${check.other}`;
    case "refused":
      return "an error with a code and a place";
    case "accepted":
      return "no error";
  }
}

function sameKeys(expected: readonly (string | null)[], found: readonly (string | null)[]): boolean {
  // A missing key is written either way in the corpora.
  return expected.map(String).join("\n") === found.map(String).join("\n");
}

const SEED = 1;
const EVENTS = 40;
const NAMES = ["a", "b", "c", "field"];
const VALUES = [undefined, null, true, false, 0, 1, 1.5, "", "a", "axbxc", "A*B*C", "foobar", "xbc", [1], {}];

/** Both hold on the same events of a random stream, and their negations do, so that they are null on the same ones. */
async function compareConditions(
  text: string,
  other: string,
  backend: Backend,
  dialect: Case["dialect"],
): Promise<Failure | null> {
  const random = createRandom(SEED);
  const lines = Array.from({ length: EVENTS }, () =>
    JSON.stringify(Object.fromEntries(NAMES.map((name) => [name, random.pick(VALUES)]))),
  );
  for (const [left, right] of [
    [`(${text})`, `(${other})`],
    [`not (${text})`, `not (${other})`],
  ] as const) {
    const first = await backend.judge(left, dialect, lines);
    const second = await backend.judge(right, dialect, lines);
    const at = first.findIndex((holds, i) => holds !== second[i]);
    if (at >= 0) return { expected: `${right} to agree on ${lines[at] ?? ""}`, got: `${left} is ${String(first[at])}` };
  }
  return null;
}

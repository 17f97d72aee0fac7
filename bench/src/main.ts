// The benchmarks: `npm run bench [-- OPTIONS]`. What is measured and what was found stands in bench/README.md.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type BuildResult, measureBuild } from "./build.js";
import { type CompileResult, compile, load } from "./compile.js";
import { hasRecordings, type Input, packs, recordings, story } from "./corpus.js";
import { checkFloods, type FloodResult, MEBIBYTE, measureFloods } from "./floods.js";
import { type ForeignResult, measureForeign } from "./foreign.js";
import { type FunctionResult, measureFunctions } from "./functions.js";
import { type LiveResult, liveText, measureLive } from "./live/live.js";
import { measurePacks, type PackResult, packText } from "./packs.js";
import { measureQuery, measureStart, type ProgramResult } from "./programs.js";
import { measureRebuild, type RebuildResult } from "./rebuild.js";
import { type Found, measureReplay, type ReplayResult, spread } from "./replay.js";
import { measureSearches, type SearchResult } from "./searches.js";
import { measureSequences, type SequencesResult } from "./sequences.js";
import { measureSteering, type SteeringResult, steeringText, updateShares } from "./steering/steering.js";
import { columns, count } from "./table.js";

const EXPECTED = fileURLToPath(new URL("../expected.json", import.meta.url));

const PARTS = [
  "replay",
  "packs",
  "compile",
  "build",
  "start",
  "query",
  "functions",
  "sequences",
  "foreign",
  "floods",
  "steering",
  "live",
];

const HELP = `npm run bench [-- OPTIONS]
  --events N   events of the replay, at least (200000)
  --runs N     pairs of runs that are counted (7)
  --only PART  replay, packs, compile, build, start, query, functions, sequences, foreign, floods, steering or live
  --memory N   budgets of the floods in MiB, as 128,256,512 (256)
  --story      replay the story even where the recordings are
  --update     write what the replay found to bench/expected.json, what steering measured to compiler/src/passes/measured-shares.ts
  --json       print JSON
`;

/** A pack that the compiler failed on, instead of its figures. */
interface Failure {
  readonly name: string;
  readonly failure: string;
}

interface Results {
  readonly notes: string[];
  replay?: ReplayResult;
  packs?: PackResult[];
  compile?: (Omit<CompileResult, "built"> | Failure)[];
  build?: BuildResult;
  rebuild?: readonly RebuildResult[];
  start?: ProgramResult;
  query?: ProgramResult;
  functions?: FunctionResult[];
  searches?: SearchResult[];
  sequences?: SequencesResult;
  foreign?: ForeignResult;
  floods?: FloodResult[];
  steering?: SteeringResult;
  live?: LiveResult;
}

/** The command line; null when it cannot be understood. */
function readArgs() {
  try {
    return parseArgs({
      options: {
        events: { type: "string", default: "200000" },
        runs: { type: "string", default: "7" },
        only: { type: "string" },
        memory: { type: "string", default: "256" },
        story: { type: "boolean", default: false },
        update: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch {
    return null;
  }
}

async function main(): Promise<number> {
  const values = readArgs();
  if (values === null) {
    process.stdout.write(HELP);
    return 3;
  }
  const [events, runs] = [Number(values.events), Number(values.runs)];
  const budgets = values.memory.split(",").map(Number);
  const isPart = values.only === undefined || PARTS.includes(values.only);
  const areNumbers = [events, runs, ...budgets].every((number) => Number.isInteger(number) && number > 0);
  if (values.help || !isPart || !areNumbers) {
    process.stdout.write(HELP);
    return values.help ? 0 : 3;
  }
  const wants = (part: string): boolean => values.only === undefined || values.only === part;

  const results: Results = { notes: [] };
  const isRecorded = hasRecordings() && !values.story;
  if (!hasRecordings()) results.notes.push("no corpora beside the project: the story is replayed, repeated");
  const input = isRecorded ? recordings(events) : story(events);
  const show = (text: string): void => {
    if (!values.json) process.stdout.write(`${text}\n`);
  };

  if (wants("replay")) {
    const { built } = await compile(input.rules);
    results.replay = measureReplay(await load(built), input, runs);
    results.notes.push(checkFound(results.replay, input, values.update));
    show(replayText(results.replay));
  }
  if (wants("compile")) {
    // The first pack would pay for loading and warming up the compiler.
    await compileOrFail(packs()[0] ?? input.rules);
    results.compile = [];
    for (const pack of packs()) results.compile.push(await compileOrFail(pack));
    show(compileText(results.compile));
  }
  if (wants("start")) {
    results.start = await measureStart(input, runs);
    show(programText(results.start));
  }
  // Half a gigabyte, and more rules than one buys: only for someone who changes what they measure.
  if (values.only === "query") {
    const measured = measureQuery(input, runs);
    if (measured === null) results.notes.push("there is no jq to measure the query against");
    else {
      results.query = measured;
      show(programText(measured));
    }
  }
  if (values.only === "build") {
    results.build = measureBuild();
    show(buildText(results.build));
    results.rebuild = measureRebuild(Math.ceil(runs / 3));
    show(rebuildText(results.rebuild));
  }
  if (wants("functions")) {
    results.functions = await measureFunctions(input);
    show(functionsText(results.functions));
    results.searches = await measureSearches();
    show(searchesText(results.searches));
  }
  if (wants("sequences")) {
    results.sequences = await measureSequences(runs);
    show(sequencesText(results.sequences));
  }
  if (wants("foreign")) {
    results.foreign = await measureForeign(input, runs);
    show(foreignText(results.foreign));
  }
  if (wants("floods")) {
    results.floods = await measureFloods(budgets);
    show(floodsText(results.floods));
    checkFloods(results.floods);
  }
  // Minutes too: packs of thousands of rules are compiled, each twice.
  if (values.only === "packs") {
    results.packs = await measurePacks(events, runs, (result) => show(packText(result)));
  }
  // Minutes of measuring that only someone who changes the compiler wants.
  if (values.only === "steering") {
    if (values.update) updateShares(isRecorded ? input : null);
    results.steering = await measureSteering(isRecorded ? input : null);
    show(steeringText(results.steering));
  }
  // Needs root, and the eBPF addon.
  if (values.only === "live") {
    results.live = await measureLive(runs);
    show(liveText(results.live));
  }
  for (const note of results.notes) show(note);
  if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  return 0;
}

/** Compares with the committed figures, by the names of the input and the rules. Throws when they differ. */
function checkFound({ found }: ReplayResult, input: Input, update: boolean): string {
  const name = `${input.rules.name} over ${input.name}`;
  const all = existsSync(EXPECTED) ? (JSON.parse(readFileSync(EXPECTED, "utf8")) as Record<string, Found>) : {};
  if (update) {
    all[name] = found;
    const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
    writeFileSync(EXPECTED, `${JSON.stringify(sorted, null, 2)}\n`);
    return `bench/expected.json: written for ${name}`;
  }
  const expected = all[name];
  if (expected === undefined) return `bench/expected.json says nothing of ${name}`;
  if (expected.alerts !== found.alerts || expected.matched !== found.matched) {
    throw new Error(
      `${name}: found ${JSON.stringify(found)}, and bench/expected.json says ${JSON.stringify(expected)}`,
    );
  }
  return "found what bench/expected.json says";
}

async function compileOrFail(path: ReturnType<typeof packs>[number]): Promise<Omit<CompileResult, "built"> | Failure> {
  try {
    const { built: _, ...figures } = await compile(path);
    return figures;
  } catch (error) {
    return { name: path.name, failure: error instanceof Error ? error.message : String(error) };
  }
}

function replayText(result: ReplayResult): string {
  const { pairs, events, bytes, found } = result;
  const ratio = spread(pairs.map((pair) => pair.ratio));
  const times = (one: (pair: (typeof pairs)[number]) => number): string[] => {
    const { min, median, max } = spread(pairs.map(one));
    return [min, median, max].map((milliseconds) => `${((milliseconds * 1e6) / events).toFixed(0)} ns`);
  };
  return [
    `Replay: ${result.rules} over ${result.input}, ${(bytes / 1e6).toFixed(0)} MB`,
    `${count(found.matched)} matched events, ${count(found.alerts)} alerts, ${count(result.late)} late, ${result.tried.toFixed(2)} predicates tried an event`,
    ...columns([
      [`${pairs.length} pairs of runs, an event`, "min", "median", "max"],
      ["  whole replay", ...times((pair) => pair.replay)],
      ["  JSON.parse alone", ...times((pair) => pair.parse)],
      ["  ratio, pair by pair", ...[ratio.min, ratio.median, ratio.max].map((value) => value.toFixed(3))],
    ]),
    "",
  ].join("\n");
}

function compileText(results: readonly (Omit<CompileResult, "built"> | Failure)[]): string {
  const rows = results.map((result) => {
    if ("failure" in result) return [`  ${result.name}`, `failed: ${result.failure}`];
    const { name, rules, leftOut, predicates, milliseconds, moduleBytes, packageBytes } = result;
    const seconds = `${(milliseconds / 1000).toFixed(1)} s`;
    return [
      `  ${name}`,
      count(rules),
      count(leftOut),
      count(predicates),
      seconds,
      count(moduleBytes),
      count(packageBytes),
    ];
  });
  const head = ["Compile", "rules", "left out", "predicates", "time", "module bytes", "package bytes"];
  return [...columns([head, ...rows]), ""].join("\n");
}

function programText({ what, against, least, leastOther, ratio }: ProgramResult): string {
  return `${what}: ${least.toFixed(0)} ms; ${against}: ${leastOther.toFixed(0)} ms; ratio ${ratio.toFixed(2)}\n`;
}

function buildText({ rules, stages }: BuildResult): string {
  const total = stages.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const rows = stages.map(({ name, milliseconds }) => [
    `  ${name}`,
    `${(milliseconds / 1000).toFixed(2)} s`,
    (milliseconds / total).toFixed(2),
  ]);
  return [...columns([[`Build of ${count(rules)} rules`, "processor", "share"], ...rows]), ""].join("\n");
}

function rebuildText(results: readonly RebuildResult[]): string {
  const rows = results.map(({ name, rules, cold, filling, unchanged, oneRenamed, oneChanged }) => [
    `  ${name}`,
    count(rules),
    `${(cold / 1000).toFixed(1)} s`,
    ...[filling, unchanged, oneRenamed, oneChanged].map((ratio) => ratio.toFixed(2)),
  ]);
  const head = [
    "eqlc build, against one without a cache",
    "rules",
    "cold",
    "filling",
    "unchanged",
    "one name",
    "one query",
  ];
  return [...columns([head, ...rows]), ""].join("\n");
}

function floodsText(results: readonly FloodResult[]): string {
  const mebibytes = (bytes: number): string => `${(bytes / MEBIBYTE).toFixed(0)} MiB`;
  const rows = results.map(({ name, events, bytes, budget, peak, early, dropped, milliseconds }) => [
    `  ${name}`,
    count(events),
    `${(bytes / 1e6).toFixed(0)} MB`,
    count(early),
    count(dropped),
    `${(milliseconds / 1000).toFixed(1)} s`,
    mebibytes(budget),
    mebibytes(peak),
    (peak / budget).toFixed(2),
  ]);
  const head = ["Floods", "events", "size", "judged early", "dropped", "time", "--memory", "peak", "ratio"];
  return [...columns([head, ...rows]), ""].join("\n");
}

function functionsText(results: readonly FunctionResult[]): string {
  const parsed = results.find(({ name }) => name === "JSON.parse")?.nanoseconds ?? Number.NaN;
  const rows = results.map(({ name, unit, nanoseconds, margin }) => {
    const ratio = unit === "process event" ? (nanoseconds / parsed).toFixed(3) : "";
    return [`  ${name}`, unit, `${nanoseconds.toFixed(0)} ns`, `±${margin.toFixed(1)} %`, ratio];
  });
  return [...columns([["Functions", "unit", "median", "margin", "to JSON.parse"], ...rows]), ""].join("\n");
}

function searchesText(results: readonly SearchResult[]): string {
  const rows = results.map(({ name, bytes, milliseconds, ratio }) => {
    return [`  ${name}`, count(bytes), `${milliseconds.toFixed(1)} ms`, ratio.toFixed(2)];
  });
  return [...columns([["Hostile searches", "bytes", "least", "to half the event"], ...rows]), ""].join("\n");
}

function sequencesText({ keys, begin, complete, map, ratio, bytes, keyBytes }: SequencesResult): string {
  return [
    ...columns([
      [`Sequences, ${count(keys)} keys`, "least"],
      ["  a match that begins", `${begin.toFixed(0)} ns`],
      ["  a match that completes", `${complete.toFixed(0)} ns`],
      ["  Map, get and set", `${map.toFixed(0)} ns`],
      ["  ratio", ratio.toFixed(2)],
      ["  bytes of a partial match", bytes.toFixed(0)],
      ["  bytes of its key, not in them", keyBytes.toFixed(0)],
    ]),
    "",
  ].join("\n");
}

function foreignText({ costs, quarantine }: ForeignResult): string {
  const direct = costs["compiled predicate"];
  const rows = Object.entries(costs).map(([name, cost]) => [
    `  ${name}`,
    `${cost.toFixed(1)} ns`,
    (cost / direct).toFixed(1),
  ]);
  const { ratio, between, slices, events, stopped } = quarantine;
  return [
    ...columns([["Hand-written rules", "least", "to a compiled one"], ...rows]),
    `  a rule that never ends beside the others, stopped ${count(stopped)} times in ${count(events)} events: ${ratio.toFixed(3)}`,
    `  the same without the ${slices.stops} of ${slices.all} slices in which it was stopped: ${between.toFixed(3)}`,
    "",
  ].join("\n");
}

process.exitCode = await main();

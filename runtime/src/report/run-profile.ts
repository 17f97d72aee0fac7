// A profile of V8's -> the same with the conditions of rules named in it, and what it says of a run: time by phase, and by rule.
//
// V8 looks every so often which function runs, and on whose behalf. A function belongs to the phase of the folder that it stands in; what stands in none of
// ours (Node's own, V8's) belongs to whoever called it. The package's module is the decoder and the index, and one function for each condition; what a
// condition calls, patterns or hand-written code, is its own time. The module that
// outlines events is its caller's.
//
// The time of a condition that several rules share is divided among them. What several conditions ask about a value is found out by the first that asks,
// and is the time of that one.

import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { testOf } from "@kestrel/stdlib/sequence-tables";

/** The part that is looked at of what `node --cpu-prof` writes, too: https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Microseconds. */
  readonly startTime: number;
  readonly endTime: number;
  /** Of each sample, the node that ran, and the microseconds since the one before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    /** From 0. */
    readonly lineNumber: number;
  };
  readonly children?: readonly number[];
}

export interface ProfiledRun {
  readonly profile: CpuProfile;
  readonly samples: number;
  /** Seconds, most first; those of no sample are left out. */
  readonly phases: readonly { readonly phase: string; readonly seconds: number }[];
  /** Of rules whose conditions were seen to run. */
  readonly rules: readonly { readonly id: string; readonly name: string; readonly seconds: number }[];
}

export interface ProfiledPackage {
  readonly manifest: Pick<PackageManifest, "rules" | "predicates" | "programs" | "lineage">;
  /** Of each predicate the number of its function. */
  readonly functions: readonly number[];
  /** In which folder below `src` a place in a program stands; null for what is not ours. */
  readonly folderOf: (url: string, line: number) => string | null;
}

const WAITING = "waiting";
const LOADING = "loading the package";
const CONDITIONS = "conditions of rules";
const TREES = "process trees";
const DECODING = "decoding and index";

/** By folder below `src`; what stands in the others counts for whoever called it. */
const PHASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    alert: "making alerts",
    ebpf: "collecting",
    evaluate: "taking up what was found",
    lane: "rules of several events",
    lineage: TREES,
    load: LOADING,
    order: "order of events",
    read: "reading",
    sequence: "rules of several events",
    sink: "writing alerts",
  }),
);
const REST = "everything else";
const OF_V8: ReadonlyMap<string, string> = new Map([
  ["(garbage collector)", "garbage collection"],
  ["(idle)", WAITING],
]);
/** What V8 takes to begin and to end the profile, of which no script is the place. */
const INSPECTOR = "dispatch";

/** Where the module stands that is not the package's: event/outline.ts. */
const OUTLINES = "event";
const MODULE_URL = /^wasm:/;
const UNNAMED = /^wasm-function\[(\d+)\]$/;

/** Where a node stands: what it inherits from its callers. */
interface Standing {
  readonly phase: string;
  readonly predicate: number | null;
  readonly isInModule: boolean;
  /** See ProfiledPackage, of the last that stands in one. */
  readonly folder: string | null;
}

export function readProfile(profile: CpuProfile, { manifest, functions, folderOf }: ProfiledPackage): ProfiledRun {
  const predicateOf = new Map(functions.map((number, predicate) => [number, predicate]));
  const askers = rulesOfPredicates(manifest);
  const times = timesOf(profile);
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const names = new Map<number, string>();
  const phases = new Map<string, number>();
  const rules = new Map<number, number>();

  function standingOf({ id, callFrame: { functionName, url, lineNumber } }: ProfileNode, caller: Standing): Standing {
    const ofV8 = functionName === INSPECTOR && url === "" ? WAITING : OF_V8.get(functionName);
    if (ofV8 !== undefined) return { ...caller, phase: ofV8, predicate: null };
    if (caller.predicate !== null) return caller;
    if (!MODULE_URL.test(url)) {
      const folder = folderOf(url, lineNumber) ?? caller.folder;
      // What the module asks of its host is the module's time.
      const phase = caller.isInModule ? undefined : PHASES.get(folder ?? "");
      // Calls into the module stand in that folder too.
      const isInside = phase === undefined || (phase === LOADING && caller.phase !== REST);
      return { ...caller, folder, phase: isInside ? caller.phase : phase };
    }
    if (!caller.isInModule && caller.folder === OUTLINES) return caller;
    const predicate = predicateOf.get(Number(UNNAMED.exec(functionName)?.[1])) ?? null;
    if (predicate === null) return { ...caller, phase: DECODING, predicate, isInModule: true };
    names.set(id, nameOf(predicate));
    return { ...caller, phase: CONDITIONS, predicate, isInModule: true };
  }

  function nameOf(predicate: number): string {
    const [first, ...more] = askers[predicate] ?? [];
    if (first === undefined) return `condition ${predicate}: ${TREES}`;
    const others = more.length === 0 ? "" : ` and ${more.length} more`;
    return `condition ${predicate}: ${manifest.rules[first]?.name}${others}`;
  }

  const root = profile.nodes[0];
  const open: [ProfileNode, Standing][] =
    root === undefined ? [] : [[root, { phase: REST, predicate: null, isInModule: false, folder: null }]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [node, caller] = next;
    const standing = standingOf(node, caller);
    const time = times.get(node.id) ?? 0;
    add(phases, standing.phase, time);
    if (standing.predicate !== null) {
      const asking = askers[standing.predicate] ?? [];
      for (const rule of asking) add(rules, rule, time / asking.length);
    }
    for (const child of node.children ?? []) {
      const found = nodes.get(child);
      if (found !== undefined) open.push([found, standing]);
    }
  }
  const seconds = (micros: number): number => micros / 1e6;
  return {
    profile: { ...profile, nodes: profile.nodes.map((node) => renamed(node, names.get(node.id))) },
    samples: profile.samples.length,
    phases: descending(phases).map(([phase, time]) => ({ phase, seconds: seconds(time) })),
    rules: descending(rules).map(([rule, time]) => {
      const { id = "", name = "" } = manifest.rules[rule] ?? {};
      return { id, name, seconds: seconds(time) };
    }),
  };
}

const SHOWN_RULES = 10;

/** What a person is told: lines, the last without a line feed. `tried` is how many conditions were tried for an event, of `conditions`. */
export function profileText(
  { samples, phases, rules }: ProfiledRun,
  { file, tried, conditions }: { readonly file: string; readonly tried: number; readonly conditions: number },
): string {
  const busy = phases.reduce((sum, { phase, seconds }) => (phase === WAITING ? sum : sum + seconds), 0);
  const share = (seconds: number): string => `${((100 * seconds) / Math.max(busy, 1e-9)).toFixed(1).padStart(6)} %`;
  return [
    `profile of ${busy.toFixed(2)} s at work, ${samples} samples, in ${file}`,
    ...phases.flatMap(({ phase, seconds }) => (phase === WAITING ? [] : [`${share(seconds)}  ${phase}`])),
    `of ${conditions} conditions ${tried.toFixed(1)} were tried for an event; the rules whose conditions took most:`,
    ...rules.slice(0, SHOWN_RULES).map(({ id, name, seconds }) => `${share(seconds)}  ${name} (${id})`),
    ...(rules.length === 0 ? ["   none was seen at work"] : []),
  ].join("\n");
}

/** Microseconds of each node itself. */
function timesOf({ samples, timeDeltas }: CpuProfile): ReadonlyMap<number, number> {
  const times = new Map<number, number>();
  for (const [at, node] of samples.entries()) add(times, node, Math.max(0, timeDeltas[at] ?? 0));
  return times;
}

/** Of each predicate the rules that ask it; none for what only a process tree asks. */
function rulesOfPredicates({ predicates, programs }: ProfiledPackage["manifest"]): readonly (readonly number[])[] {
  const askers = predicates.map((rules) => new Set(rules));
  for (const { rule, stages, until, pipes } of programs) {
    const tests = [...stages.map(({ late }) => late), until?.late ?? null, ...pipes.map(testOf)];
    const asked = [...stages.map(({ predicate }) => predicate), until?.predicate];
    for (const test of tests) asked.push(test?.predicate, test?.flagged?.otherwise ?? undefined);
    for (const predicate of asked) if (predicate !== undefined) askers[predicate]?.add(rule);
  }
  return askers.map((rules) => [...rules]);
}

function renamed(node: ProfileNode, functionName: string | undefined): ProfileNode {
  return functionName === undefined ? node : { ...node, callFrame: { ...node.callFrame, functionName } };
}

function add<Key>(sums: Map<Key, number>, key: Key, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value);
}

function descending<Key>(sums: ReadonlyMap<Key, number>): readonly [Key, number][] {
  return [...sums].filter(([, time]) => time > 0).sort(([, one], [, other]) => other - one);
}

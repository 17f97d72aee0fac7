// The numbers that steer the compiler's choices, and what was measured of each: four tables, which the comments beside the
// constants cite by name.

import { type Input, otherRecordings, PACK_PATHS, packs, type RulePath } from "../corpus.js";
import { columns, count } from "../table.js";
import { type AtomCost, measureAtomCosts } from "./atom-costs.js";
import { writeMeasuredShares } from "./measured.js";
import { measureProfiles, type ProfileGain } from "./profiles.js";
import { measureShares, type Share } from "./shares.js";
import { measureThresholds, type Threshold } from "./thresholds.js";

export interface SteeringResult {
  /** By the name of the recordings. Empty where no recordings stand beside the project. */
  readonly shares: readonly { readonly input: string; readonly events: number; readonly shares: readonly Share[] }[];
  /** By recording; empty as well where there is none. */
  readonly profiles: readonly ProfileGain[];
  readonly atomCosts: readonly AtomCost[];
  readonly thresholds: readonly Threshold[];
}

/** The fields whose texts many events hold. */
const NAMED: readonly string[] = [
  ...["event.kind", "host.os.type", "host.os.family", "event.outcome", "event.module", "event.dataset"],
  ...["event.provider", "event.category", "event.type", "event.action", "event.code", "network.direction"],
  ...["network.transport", "network.protocol", "process.Ext.token.integrity_level_name", "user.id", "user.domain"],
];

/** Recordings that belong together, by how their names begin. */
const SETS: readonly (readonly string[])[] = [
  ["evtx"],
  ["eqllib"],
  ["linux-sysflow"],
  ["linux-auditd", "linux-sysmon", "elastic-"],
];

/** Recordings of one kind of host each, as a profile is of. */
const PROFILED: readonly string[] = ["evtx", "linux-sysflow"];

/** Writes compiler/src/passes/measured-shares.ts of all recordings there are; null where there are none. */
export function updateShares(recorded: Input | null): void {
  if (recorded === null) return;
  const others = otherRecordings();
  const sets = SETS.map((names) => others.filter(({ name }) => names.some((start) => name.startsWith(start))));
  const rules = [...packs(), ...PACK_PATHS.endpoint.map((path) => ({ name: path, path }))];
  writeMeasuredShares(rules, [[recorded], ...sets.filter((inputs) => inputs.length > 0)]);
}

/** `recorded` is the input of the replay where it is a recording, and null where it is the story. */
export async function measureSteering(recorded: Input | null): Promise<SteeringResult> {
  const atomCosts = await measureAtomCosts();
  const thresholds = await measureThresholds();
  if (recorded === null) return { shares: [], profiles: [], atomCosts, thresholds };
  const others = otherRecordings();
  const rules: RulePath = packs().find(({ name }) => name === recorded.rules.name) ?? recorded.rules;
  const inputs = [
    { name: "recorded attacks on Windows", inputs: [recorded] },
    { name: "other recordings", inputs: others },
  ].filter((one) => one.inputs.length > 0);
  const shares = inputs.map(({ name, inputs: of }) => ({
    input: name,
    events: of.reduce((sum, { events }) => sum + events, 0),
    shares: measureShares(rules, of, NAMED),
  }));
  const profiles = await measureProfiles(others.filter(({ name }) => PROFILED.some((start) => name.startsWith(start))));
  return { shares, profiles, atomCosts, thresholds };
}

function figure(value: number): string {
  return Number.isNaN(value) ? "-" : value < 10 ? value.toFixed(2) : value.toFixed(0);
}

export function steeringText({ shares, profiles, atomCosts, thresholds }: SteeringResult): string {
  const lines: string[] = [];
  for (const { input, events, shares: of } of shares) {
    const head = ["literals", "unseen", "present", "median", "mean", "greatest", "as asked"];
    const rows = of.map((one) => [
      `  ${one.field === "" ? "all others" : one.field}`,
      count(one.literals),
      count(one.unseen),
      ...[one.present, one.median, one.mean, one.greatest, one.asked].map(figure),
    ]);
    lines.push(...columns([[`Shares of 1,000 events: ${input}, ${count(events)} events`, ...head], ...rows]), "");
  }
  if (profiles.length > 0) {
    const head = ["Profiles", "events", "tried", "of a thousand", "of all", "time"];
    const rows = profiles.map(({ input, events, builtIn, thousand, all, ratio }) => [
      `  ${input}`,
      count(events),
      ...[builtIn, thousand, all, ratio].map((value) => value.toFixed(2)),
    ]);
    lines.push(...columns([head, ...rows]), "");
  }
  // The unit of `atomCost`, which counts an integer as 2. A figure below zero is the error of the measurement, and is shown.
  const integer = atomCosts.find(({ kind }) => kind === "integer")?.nanoseconds ?? Number.NaN;
  const costs = atomCosts.map(({ kind, atoms, nanoseconds }) => [
    `  ${kind}`,
    count(atoms),
    `${nanoseconds.toFixed(1)} ns`,
    ((nanoseconds * 2) / integer).toFixed(0),
  ]);
  lines.push(...columns([["Atom costs", "atoms", "one atom", "integer = 2"], ...costs]), "");
  const sides = thresholds.map(({ constant, operands, compileMs, moduleBytes, nanoseconds }) => [
    `  ${constant}`,
    count(operands),
    `${compileMs.toFixed(0)} ms`,
    `${((compileMs * 1000) / operands).toFixed(0)} us`,
    count(moduleBytes),
    `${(nanoseconds / 1000).toFixed(1)} us`,
    `${(nanoseconds / operands).toFixed(1)} ns`,
  ]);
  const head = ["Thresholds", "operands", "compile", "an operand", "module bytes", "an event", "an operand"];
  lines.push(...columns([head, ...sides]), "");
  return lines.join("\n");
}

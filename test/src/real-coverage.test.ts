// The real Linux rules of the corpora against the plan of collection: how many of them have every field supplied that they need on
// live events, and what the others lack. The corpora are not part of the repository; where they are absent this is skipped with a note.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { analyseRules, DEFAULT_OPTIONS, planRules } from "@kestrel/compiler/compile";
import { readingsOfAtom, readingsOfKey } from "@kestrel/compiler/ir/atom-readings";
import { demandsOf } from "@kestrel/compiler/package/circuit-to-demand";
import { bareRule, type Rule } from "@kestrel/compiler/rule/rule";
import { EVENT_CLASSES } from "@kestrel/runtime/ebpf/event-kinds";
import { planCollection } from "@kestrel/runtime/ebpf/plan-collection";
import { isSupplied } from "@kestrel/runtime/ebpf/supplied-fields";
import { programToJson } from "@kestrel/stdlib/sequence-tables";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fakeRule } from "./support/fake-pack.js";
import { repositoryRoot } from "./support/repository.js";

const RULES = join(repositoryRoot(), "../shared/corpora/rules");
const FILES = ["elastic-detection-rules", "elastic-hunting", "elastic-protections-artifacts", "sigma-eql"];
const GROUPS = ["process", "file", "network", "several"] as const;
type Group = (typeof GROUPS)[number];

const liveRules = suite("live rules");

interface CorpusRule {
  readonly id: string;
  readonly query: string;
  readonly os_list: readonly string[];
}

function linuxRules(): Rule[] {
  const found = new Map<string, Rule>();
  for (const file of FILES) {
    const list = JSON.parse(readFileSync(join(RULES, `${file}.json`), "utf8")) as readonly CorpusRule[];
    for (const { id, query, os_list } of list) if (os_list.includes("linux")) found.set(id, bareRule(id, query, file));
  }
  return [...found.values()];
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1)} %`;
}

/** The commonest first: `a (3), b (1)`. */
function commonest(counts: ReadonlyMap<string, number>, most = 12): string {
  const sorted = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return sorted
    .slice(0, most)
    .map(([name, count]) => `${name} (${count})`)
    .join(", ");
}

function addTo(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

liveRules("of process rules at least 85 % have every field that they need", () => {
  if (!existsSync(RULES)) {
    console.log("  skipped, no corpora: fields that real Linux rules need");
    return;
  }
  const { rules } = analyseRules(linuxRules(), DEFAULT_OPTIONS);
  const ir = planRules(rules, DEFAULT_OPTIONS);
  const demands = demandsOf(ir);
  const plan = planCollection({
    rules: rules.map(({ rule, typed }) => fakeRule(rule.id, typed.kind)),
    predicates: ir.eventRules,
    demands,
    programs: ir.programs.map(programToJson),
    lineage: ir.lineage,
    schema: { version: "", timestamp_field: "", tiebreaker_field: null, category_field: "", fields: [] },
  });
  const silent = new Map(plan.silent.map((one) => [one.rule, one.lack]));
  const anywhere = (name: string): boolean => EVENT_CLASSES.some((event) => isSupplied(event, name));
  const read = rules.map(() => new Set<string>());
  for (const [at, atom] of ir.atoms.entries()) {
    for (const { rule } of ir.origins.atoms[at] ?? [])
      for (const { name } of readingsOfAtom(atom)) read[rule]?.add(name);
  }
  for (const [at, { keys }] of ir.predicates.entries()) {
    for (const { rule } of ir.origins.predicates[at] ?? []) {
      for (const { name } of keys.flatMap(readingsOfKey)) read[rule]?.add(name);
    }
  }

  const groups = new Map<Group, number[]>(GROUPS.map((group) => [group, []]));
  for (const [rule, { typed }] of rules.entries()) {
    const terms = typed.kind === "event" ? [typed.term] : typed.terms;
    const categories = new Set(terms.map(({ category }) => category));
    const [only] = categories;
    const isOurs = [...categories].every((category) => GROUPS.some((group) => group === category));
    if (isOurs) groups.get(categories.size === 1 ? (only as Group) : "several")?.push(rule);
  }
  const shares = new Map<Group, number>();
  for (const [group, members] of groups) {
    const missing = new Map<string, number>();
    const mentioned = new Map<string, number>();
    let whole = 0;
    let noEvents = 0;
    let everything = 0;
    for (const rule of members) {
      const lack = silent.get(rule);
      if (lack === undefined) whole++;
      else if (lack.kind === "events") noEvents++;
      else for (const field of lack.fields) addTo(missing, field);
      const unsupplied = [...(read[rule] ?? [])].filter((name) => name !== "" && !anywhere(name));
      if (unsupplied.length === 0) everything++;
      for (const field of unsupplied) addTo(mentioned, field);
    }
    shares.set(group, whole / members.length);
    console.log(`  ${group}: ${whole} of ${members.length} rules can fire (${percent(whole, members.length)})`);
    console.log(
      `    ${noEvents} ask for events that are not collected; the others need ${commonest(missing) || "nothing"}`,
    );
    console.log(
      `    ${everything} (${percent(everything, members.length)}) also have every field that they mention; not supplied: ${commonest(mentioned) || "nothing"}`,
    );
  }
  assert.ok(rules.length > 500, `${rules.length} rules`);
  assert.ok((shares.get("process") ?? 0) >= 0.85, `${shares.get("process")} of process rules`);
});

liveRules.run();

// `doctor`: what can be collected of the live kernel on this machine and why not more; with a package, what is collected for it, for
// which of its rules, and which rules can never fire on live events. As text or as JSON (docs/json.md).

import type { PackageManifest } from "@kestrel/stdlib/package-format";
import { printable } from "../alert/terminal.js";
import { type ClassDiagnosis, type Diagnosis, diagnose } from "../ebpf/diagnose.js";
import { loadAddon } from "../ebpf/load-addon.js";
import {
  type ClassPlan,
  type CollectionPlan,
  planCollection,
  type Reason,
  type SilentRule,
} from "../ebpf/plan-collection.js";
import { EXTRAS } from "../ebpf/supplied-fields.js";
import { type LoadOptions, loadPackage } from "../load/load-package.js";
import { counted } from "../report/summary.js";
import { EXIT_OK } from "./failures.js";
import { columns, type InspectFormat, print } from "./inspect.js";

/** How many rules, reasons and silent rules are shown; JSON has all. */
const SHOWN_RULES = 2;
const SHOWN_REASONS = 2;
const SHOWN_SILENT = 20;

export interface PlannedPackage {
  readonly manifest: Pick<PackageManifest, "package" | "rules">;
  readonly plan: CollectionPlan;
}

/** Returns the exit code. Throws when the package cannot be loaded; what this machine does not allow is no failure. */
export async function doctor(dir: string | null, format: InspectFormat, options: LoadOptions = {}): Promise<number> {
  const planned = dir === null ? null : await planOf(dir, options);
  const diagnosis = diagnose(loadAddon);
  await print(format === "json" ? JSON.stringify(doctorJson(diagnosis, planned)) : doctorText(diagnosis, planned));
  return EXIT_OK;
}

async function planOf(dir: string, options: LoadOptions): Promise<PlannedPackage> {
  const { manifest } = await loadPackage(dir, options);
  return { manifest, plan: planCollection(manifest) };
}

export function doctorJson(diagnosis: Diagnosis, planned: PlannedPackage | null): Readonly<Record<string, unknown>> {
  const { machine, shortcomings, addon, failure, processesReason, classes } = diagnosis;
  return {
    machine: {
      kernel: machine.kernel,
      btf: machine.btf,
      lockdown: machine.lockdown,
      security_modules: machine.securityModules,
      capabilities: machine.capabilities,
    },
    shortcomings,
    addon: { available: addon === null, reason: addon },
    live: { possible: failure === null, reason: failure },
    running_processes: { from: runningFrom(diagnosis), reason: processesReason },
    events: classes.map(({ event, state, program, programs }) => ({
      event,
      state,
      tier: program?.tier ?? null,
      hook: program?.hook || null,
      reason: state === "attached" ? null : (program?.reason ?? null),
      programs: programs.map(({ name, hook, tier, state: one, reason }) => ({ name, hook, tier, state: one, reason })),
    })),
    package: planned === null ? null : planJson(planned, classes),
  };
}

function planJson({ manifest, plan }: PlannedPackage, classes: readonly ClassDiagnosis[]): unknown {
  const named = (rule: number): { readonly id: string; readonly name: string } => {
    const { id, name } = manifest.rules[rule] ?? { id: "", name: "" };
    return { id, name };
  };
  return {
    ...manifest.package,
    rules: manifest.rules.length,
    collect: plan.classes.map(({ event, collect, rules, reasons, paths }) => ({
      event,
      collect,
      possible: classes.find((one) => one.event === event)?.state === "attached",
      rules: rules.map(named),
      reasons,
      paths,
    })),
    silent: plan.silent.map(({ rule, term, lack }) => ({ ...named(rule), term: term + 1, lack })),
    extras: plan.extras,
  };
}

export function doctorText(diagnosis: Diagnosis, planned: PlannedPackage | null): string {
  const parts = [machineText(diagnosis), classesText(diagnosis)];
  if (planned !== null) parts.push(planText(planned, diagnosis), silentText(planned));
  return parts.filter((part) => part !== "").join("\n\n");
}

/** Where is read what runs already when a run begins; null where nothing can be collected. */
function runningFrom({ failure, processesReason }: Diagnosis): "kernel" | "proc" | null {
  if (failure !== null) return null;
  return processesReason === null ? "kernel" : "proc";
}

function runningText(diagnosis: Diagnosis): string[][] {
  const from = runningFrom(diagnosis);
  if (from === null) return [];
  const why = firstLine(diagnosis.processesReason ?? "");
  const lack = "they have no entity_id until something new names them";
  return [
    ["running processes", from === "kernel" ? "told by the kernel" : `read from /proc alone, so ${lack}: ${why}`],
  ];
}

function machineText(diagnosis: Diagnosis): string {
  const { machine, shortcomings, addon, failure } = diagnosis;
  const held = Object.entries(machine.capabilities).filter(([, has]) => has);
  return columns([
    ["kernel", printable(machine.kernel)],
    ["BTF", machine.btf ? "there" : "missing"],
    ["lockdown", machine.lockdown ?? "unknown"],
    ["security modules", printable(machine.securityModules ?? "unknown")],
    ["capabilities", held.length === 0 ? "none of those that matter" : held.map(([name]) => name).join(", ")],
    ...shortcomings.map(({ what, cost }) => [`  ${what}`, cost]),
    ["addon", addon === null ? "there" : printable(addon)],
    ["live events", failure === null ? "can be collected" : `cannot be collected: ${firstLine(failure)}`],
    ...runningText(diagnosis),
  ]).join("\n");
}

function classesText({ classes }: Diagnosis): string {
  // Where nothing at all could be tried, the reason stands above, and there is none for each class.
  if (classes.every(({ state, program }) => state !== "attached" && program?.reason == null)) return "";
  const rows = classes.map(({ event, state, program }) => {
    const isAttached = state === "attached";
    const failed = [program?.hook ?? "", firstLine(program?.reason ?? "")].filter((text) => text !== "").join(": ");
    const hook = isAttached ? (program?.hook ?? "") : state === "absent" ? "this addon has no program for it" : failed;
    return [event, (isAttached ? program?.tier : undefined) ?? "-", isAttached ? "ok" : state, printable(hook)];
  });
  const lines = columns([["EVENT", "TIER", "STATE", "HOOK"], ...rows]);
  return [...lines, "", "tier A: trampolines and security hooks; B: typed tracepoints and hooks on cgroups"].join("\n");
}

function planText({ manifest, plan }: PlannedPackage, { classes }: Diagnosis): string {
  const { name, version } = manifest.package;
  const all = manifest.rules.length;
  const heard = all - plan.silent.length;
  const rows = plan.classes.map((one) => [
    one.event,
    collectText(one, classes),
    one.rules.length === 0 ? "" : String(one.rules.length),
    firstOf(
      one.rules.map((rule) => printable(manifest.rules[rule]?.name ?? "", 40)),
      SHOWN_RULES,
      "; ",
    ),
    firstOf(one.reasons.map(reasonText), SHOWN_REASONS, "; ") + pathsText(one),
  ]);
  const extras = EXTRAS.flatMap((extra) =>
    plan.extras[extra].length === 0 ? [] : `${extra} (${plan.extras[extra].join(", ")})`,
  );
  return [
    `${printable(name)} ${printable(version)}: ${heard} of ${counted(all, "rule", "rules")} can fire on live events`,
    "",
    ...columns([["EVENT", "COLLECTED", "RULES", "FIRST", "BECAUSE THEY ASK FOR"], ...rows]),
    ...(extras.length === 0 ? [] : ["", `found because rules read it: ${extras.join("; ")}`]),
  ].join("\n");
}

function collectText({ event, collect }: ClassPlan, classes: readonly ClassDiagnosis[]): string {
  if (collect === "off") return "no";
  const { state } = classes.find((one) => one.event === event) ?? { state: "unknown" };
  if (state === "failed" || state === "absent") return "wanted, not possible here";
  return collect === "table" ? "kept for the process table" : "yes";
}

function reasonText({ category, type, action }: Reason): string {
  const asked = [category?.join("+"), type?.join("+"), action?.join(" or ")].filter((texts) => texts !== undefined);
  return asked.length === 0 ? "any event" : asked.join(" ");
}

function pathsText({ paths }: ClassPlan): string {
  return paths === null || paths.length === 0
    ? ""
    : `, below ${firstOf(
        paths.map((path) => printable(path)),
        SHOWN_REASONS,
        ", ",
      )}`;
}

function silentText({ manifest, plan }: PlannedPackage): string {
  if (plan.silent.length === 0) return "";
  const shown = plan.silent.slice(0, SHOWN_SILENT).map((silent) => {
    const { id, name } = manifest.rules[silent.rule] ?? { id: "", name: "" };
    return [`  ${printable(id)}`, printable(name, 60), lackText(silent)];
  });
  const more = plan.silent.length - shown.length;
  return [
    "can never fire on live events:",
    ...columns(shown),
    ...(more > 0 ? [`  and ${more} more; --format json has all`] : []),
  ].join("\n");
}

function lackText({ term, lack }: SilentRule): string {
  const where = `term ${term + 1}`;
  if (lack.kind === "fields")
    return printable(`${where} needs ${lack.fields.join(", ")}, which ${lack.of} events do not have`);
  const { category, type, action } = lack.asked;
  const asked = Object.entries({ category, type, action }).flatMap(([name, texts]) =>
    texts === null
      ? []
      : `event.${name} ${texts.length === 0 ? "that is nothing" : firstOf(texts, SHOWN_REASONS, " or ")}`,
  );
  return printable(`${where} asks for ${asked.join(", ") || "events of another type"}, and no live event is such`);
}

/** The first of a list, and how many more there are. */
function firstOf(all: readonly string[], most: number, separator: string): string {
  const more = all.length - most;
  return all.slice(0, most).join(separator) + (more > 0 ? `${separator}${more} more` : "");
}

function firstLine(text: string): string {
  return printable(text.split("\n", 1)[0] ?? "");
}

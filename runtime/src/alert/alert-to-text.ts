// Detections -> a short paragraph each, for a person at a terminal.
//
//     HIGH  2024-05-01T10:02:03.123Z  Rule name  (rule-id)
//       TA0002 Execution, T1059.001 PowerShell
//       user.name = alice
//       1. 10:02:03.123  process start  powershell.exe: powershell -enc …  user alice

import type { ManifestRule, PackageManifest } from "@kestrel/stdlib/package-format";
import { keyJson } from "../engine/join-keys.js";
import { type Detection, type EvidenceEvent, lastEvent } from "./detection.js";
import { evidenceText } from "./evidence.js";
import { isoTime } from "./iso-time.js";
import { type Paint, painter, printable, type Style } from "./terminal.js";

const COMMAND_LIMIT = 160;
const TEXT_LIMIT = 120;

const SEVERITY_STYLE: Readonly<Record<string, Style>> = {
  critical: "red",
  high: "red",
  medium: "yellow",
  low: "cyan",
  informational: "green",
};

/** A renderer of the package's alerts; what it returns ends with a line feed. */
export function createAlertRenderer(
  manifest: PackageManifest,
  options: { readonly color: boolean },
): (detection: Detection) => string {
  const paint = painter(options.color);
  return (detection) => {
    const rule = manifest.rules[detection.rule];
    if (rule === undefined) throw new RangeError(`there is no rule ${detection.rule}`);
    const lines = [headLine(rule, detection, paint)];
    const attack = attackNames(rule.threat);
    if (attack.length > 0) lines.push(`  ${paint("dim", printable(attack.join(", ")))}`);
    if (detection.key !== "") lines.push(`  ${keyLine(rule.keys, detection.key)}`);
    const numbered = detection.events.length > 1;
    for (const [index, event] of detection.events.entries()) {
      lines.push(`  ${numbered ? `${index + 1}. ` : ""}${event === null ? "nothing, as asked" : eventLine(event)}`);
    }
    return `${lines.join("\n")}\n`;
  };
}

function headLine(rule: ManifestRule, detection: Detection, paint: Paint): string {
  const severity = rule.severity.toLowerCase();
  const label = paint(SEVERITY_STYLE[severity] ?? "strong", printable(severity.toUpperCase()));
  const name = paint("strong", printable(rule.name, TEXT_LIMIT));
  return `${label}  ${isoTime(lastEvent(detection).ts)}  ${name}  ${paint("dim", `(${printable(rule.id, TEXT_LIMIT)})`)}`;
}

/** Ids and names of the tactics and techniques, each once; anything that is not shaped like Elastic's `threat` is left out. */
function attackNames(threat: readonly unknown[]): string[] {
  const names = new Set<string>();
  const add = (item: unknown): void => {
    const id = memberOf(item, "id");
    const name = memberOf(item, "name");
    if (typeof id === "string") names.add(typeof name === "string" ? `${id} ${name}` : id);
  };
  for (const entry of threat) {
    add(memberOf(entry, "tactic"));
    for (const technique of listOf(memberOf(entry, "technique"))) {
      const narrower = listOf(memberOf(technique, "subtechnique"));
      if (narrower.length === 0) add(technique);
      for (const subtechnique of narrower) add(subtechnique);
    }
  }
  return [...names];
}

function keyLine(names: readonly string[], key: string): string {
  const values = JSON.parse(keyJson(key)) as readonly unknown[];
  const shown = values.map((value, index) => {
    const name = names.length === values.length ? names[index] : undefined;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return printable(name === undefined ? text : `${name} = ${text}`, TEXT_LIMIT);
  });
  return shown.join(", ");
}

function eventLine(event: EvidenceEvent): string {
  const time = isoTime(event.ts).slice(11, -1);
  const value = parse(event);
  const text = (path: string, limit = TEXT_LIMIT): string => printable(textsAt(value, path).join(", "), limit);
  const action = text("event.action") || text("event.type");
  const process = text("process.name") || text("process.executable");
  const command = text("process.command_line", COMMAND_LIMIT);
  const address = text("destination.ip") || text("destination.domain");
  const port = text("destination.port");
  const parts = [
    time,
    [text("event.category"), action].filter((part) => part !== "").join(" "),
    process !== "" && command !== "" ? `${process}: ${command}` : process || command,
    labelled("user", text("user.name")),
    labelled("host", text("host.name")),
    labelled("file", text("file.path")),
    labelled("registry", text("registry.path")),
    labelled("dns", text("dns.question.name")),
    labelled("to", address !== "" && port !== "" ? `${address} port ${port}` : address),
    `[${printable(event.file === "-" ? "stdin" : event.file)}:${event.fileLine}]`,
  ];
  return parts.filter((part) => part !== "").join("  ");
}

function labelled(label: string, text: string): string {
  return text === "" ? "" : `${label} ${text}`;
}

function parse(event: EvidenceEvent): unknown {
  try {
    return JSON.parse(evidenceText(event.line));
  } catch {
    return null;
  }
}

/** The texts and numbers at a path, however it is written: nested, dotted or mixed, in arrays or not. */
function textsAt(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => textsAt(item, path));
  if (path === "") {
    if (typeof value === "string") return [value];
    return typeof value === "number" || typeof value === "boolean" ? [String(value)] : [];
  }
  if (typeof value !== "object" || value === null) return [];
  const found: string[] = [];
  for (let dot = path.indexOf("."); ; dot = path.indexOf(".", dot + 1)) {
    const name = dot < 0 ? path : path.slice(0, dot);
    if (Object.hasOwn(value, name)) found.push(...textsAt(memberOf(value, name), dot < 0 ? "" : path.slice(dot + 1)));
    if (dot < 0) return found;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

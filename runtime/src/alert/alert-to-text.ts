// Alerts -> a short paragraph each, for a person at a terminal.
//
//     HIGH  2024-05-01T10:02:03.123Z  Rule name  (rule-id)
//       TA0002 Execution, T1059.001 PowerShell
//       user.name = alice
//       1. 10:02:03.123  process start    powershell.exe: powershell -enc …  user alice  host pc-1  [events.ndjson:7]
//       2. 10:02:04.500  network connect  powershell.exe  user alice  host pc-1  to 203.0.113.9 port 443  [events.ndjson:9]

import { isoTime } from "../event/iso-time.js";
import type { Alert, AlertEvent } from "./alert.js";
import { type Paint, painter, printable, type Style } from "./terminal.js";

const COMMAND_LIMIT = 160;
const TEXT_LIMIT = 120;
/** A path that is longer is cut at its front. */
const PLACE_LIMIT = 32;

const SEVERITY_STYLE: Readonly<Record<string, Style>> = {
  critical: "red",
  high: "red",
  medium: "yellow",
  low: "cyan",
  informational: "green",
};

/** A renderer of alerts; what it returns ends with a line feed. */
export function createAlertRenderer(options: { readonly color: boolean }): (alert: Alert) => string {
  const paint = painter(options.color);
  return (alert) => {
    const lines = [headLine(alert, paint)];
    const attack = attackNames(alert.rule.threat);
    if (attack.length > 0) lines.push(`  ${paint("dim", printable(attack.join("; ")))}`);
    if (alert.key.length > 0) lines.push(`  ${keyLine(alert.rule.keys, alert.key)}`);
    lines.push(...eventLines(alert.events, paint));
    return `${lines.join("\n")}\n`;
  };
}

function headLine({ rule, ts }: Alert, paint: Paint): string {
  const severity = rule.severity.toLowerCase();
  const label = paint(SEVERITY_STYLE[severity] ?? "strong", printable(severity.toUpperCase()));
  const name = paint("strong", printable(rule.name, TEXT_LIMIT));
  return `${label}  ${ts === null ? "no time" : isoTime(ts)}  ${name}  ${paint("dim", `(${printable(rule.id, TEXT_LIMIT)})`)}`;
}

/**
 * For each tactic its id and name and those of its techniques, nothing twice; anything that is not shaped like Elastic's
 * `threat` is left out.
 */
function attackNames(threat: readonly unknown[]): string[] {
  const seen = new Set<string>();
  let names: string[] = [];
  const add = (item: unknown): void => {
    const id = memberOf(item, "id");
    const name = memberOf(item, "name");
    if (typeof id !== "string" || seen.has(id)) return;
    seen.add(id);
    names.push(typeof name === "string" ? `${id} ${name}` : id);
  };
  const groups: string[] = [];
  for (const entry of threat) {
    names = [];
    add(memberOf(entry, "tactic"));
    for (const technique of listOf(memberOf(entry, "technique"))) {
      const narrower = listOf(memberOf(technique, "subtechnique"));
      if (narrower.length === 0) add(technique);
      for (const subtechnique of narrower) add(subtechnique);
    }
    if (names.length > 0) groups.push(names.join(", "));
  }
  return groups;
}

function keyLine(names: readonly string[], key: Alert["key"]): string {
  const shown = key.map((part, index) => {
    const value: unknown = JSON.parse(part);
    const name = names.length === key.length ? names[index] : undefined;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return printable(name === undefined ? text : `${name} = ${text}`, TEXT_LIMIT);
  });
  return shown.join(", ");
}

/** The events of a match, numbered when there are several, with what happened in one column, and what was captured below each. */
function eventLines(events: Alert["events"], paint: Paint): string[] {
  const parsed = events.map((event) => (event === null ? null : { event, value: JSON.parse(event.json) as unknown }));
  const actions = parsed.map((one) => (one === null ? "" : actionOf(one.value)));
  const width = Math.max(...actions.map((action) => [...action].length));
  return parsed.flatMap((one, index) => {
    const number = events.length > 1 ? `${index + 1}. ` : "";
    if (one === null) return [`  ${number}nothing, as asked`];
    const action = actions[index] ?? "";
    const padded = action + " ".repeat(width - [...action].length);
    const place = paint("dim", `[${placeOf(one.event)}]`);
    const { ts } = one.event;
    const parts = [ts === null ? "no time" : isoTime(ts).slice(11, -1), padded, ...factsOf(one.value), place];
    const captures = one.event.captures.map(
      ([name, text]) => `     ${printable(name, TEXT_LIMIT)}: ${printable(text, COMMAND_LIMIT)}`,
    );
    return [`  ${number}${parts.filter((part) => part !== "").join("  ")}`, ...captures];
  });
}

function actionOf(value: unknown): string {
  const action = textAt(value, "event.action") || textAt(value, "event.type");
  return [textAt(value, "event.category"), action].filter((part) => part !== "").join(" ");
}

function factsOf(value: unknown): string[] {
  const address = textAt(value, "destination.ip") || textAt(value, "destination.domain");
  const port = textAt(value, "destination.port");
  return [
    programOf(value),
    labelled("user", textAt(value, "user.name")),
    labelled("host", textAt(value, "host.name")),
    labelled("file", textAt(value, "file.path")),
    labelled("registry", textAt(value, "registry.path")),
    labelled("dns", textAt(value, "dns.question.name")),
    labelled("to", address !== "" && port !== "" ? `${address} port ${port}` : address),
  ];
}

/** The command line, with the process's name before it when the command line does not begin with that itself. */
function programOf(value: unknown): string {
  const process = textAt(value, "process.name") || textAt(value, "process.executable");
  const command = textAt(value, "process.command_line", COMMAND_LIMIT);
  if (process === "" || command === "") return process || command;
  const [first = ""] = command.split(" ", 1);
  const isNamed = first === process || first.endsWith(`/${process}`) || first.endsWith(`\\${process}`);
  return isNamed ? command : `${process}: ${command}`;
}

/** The line that the event was read from. */
function placeOf({ file, fileLine }: AlertEvent): string {
  if (file === "-") return `stdin:${fileLine}`;
  const path = printable(file);
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  return `${path.length <= PLACE_LIMIT || name === path ? path : `…/${name}`}:${fileLine}`;
}

/** The texts at a path of an event, fit to be printed; "" when there is none. */
function textAt(value: unknown, path: string, limit = TEXT_LIMIT): string {
  return printable(textsAt(value, path).join(", "), limit);
}

function labelled(label: string, text: string): string {
  return text === "" ? "" : `${label} ${text}`;
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

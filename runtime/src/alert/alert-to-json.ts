// Alerts -> NDJSON lines, each an ECS document: the fields of the event that came last, ours over them, and under `kestrel` what
// ECS has no field for. docs/json.md lists every field.
//
// A line is put together from pieces of text: what belongs to the rule or the package is written once, and an event's fields stand
// in it as the event has them (top-fields.ts), so that no digit of a number is lost.
//
// INVARIANT: a line is JSON in which every field stands once, however an event spells `event`, `rule` or `kestrel`.

import type { ManifestRule } from "@kestrel/stdlib/package-format";
import { isoTime } from "../event/iso-time.js";
import type { Alert, AlertEvent } from "./alert.js";
import { ECS_VERSION, ruleFields, severityNumber, threatFields } from "./rule-to-ecs.js";
import { topFieldsOf } from "./top-fields.js";

/** What belongs to a rule, as pieces of JSON. */
interface RuleText {
  /** Its fields below `event`, a comma before each. */
  readonly event: string;
  /** `rule`, up to `ruleset`. */
  readonly rule: string;
  /** Its fields below `threat`. */
  readonly threat: string;
  readonly tags: string;
  /** What stands below `kestrel` between the kind and the keys. */
  readonly kestrel: string;
}

/** What belongs to a package: the value of `ruleset`, and `package`. */
interface PackageText {
  readonly ruleset: string;
  readonly package: string;
}

const ruleTexts = new WeakMap<ManifestRule, RuleText>();
const packageTexts = new WeakMap<Alert["package"], PackageText>();

/** The line without its line feed. */
export function alertToJson(alert: Alert): string {
  const { id, ts, kind, events, atEnd } = alert;
  const rule = remembered(ruleTexts, alert.rule, ruleText);
  const pack = remembered(packageTexts, alert.package, packageText);
  const top = topFieldsOf(alert.last.object);
  const time = ts === null ? "" : `"@timestamp":"${isoTime(ts)}",`;
  const event = top.event === "" ? "" : `,${top.event}`;
  const between = rule.threat === "" || top.threat === "" ? "" : ",";
  const threat = rule.threat + between + top.threat;
  const tags = top.tags.length === 0 ? rule.tags : tagsText(alert.rule.tags, top.tags);
  return (
    `{${time}"event":{"kind":"alert","id":"${id}"${rule.event}${event}},${rule.rule},"ruleset":${pack.ruleset}},` +
    `${threat === "" ? "" : `"threat":{${threat}},`}"tags":${tags},"ecs":{"version":"${ECS_VERSION}"},` +
    `${top.others === "" ? "" : `${top.others},`}"kestrel":{"id":"${id}","kind":"${kind}",${rule.kestrel},` +
    `"key":[${keyTexts(alert)}],"events":[${eventTexts(events)}],${atEnd ? '"end_of_input":true,' : ""}${pack.package}}}`
  );
}

function remembered<Key extends object, Value>(texts: WeakMap<Key, Value>, key: Key, make: (key: Key) => Value): Value {
  let text = texts.get(key);
  if (text === undefined) {
    text = make(key);
    texts.set(key, text);
  }
  return text;
}

function ruleText(rule: ManifestRule): RuleText {
  const { severity, risk_score, references } = rule;
  const event = inner({ severity: severityNumber(severity), risk_score: risk_score ?? undefined });
  return {
    event: event === "" ? "" : `,${event}`,
    rule: `"rule":{${inner(ruleFields(rule))}`,
    threat: inner(threatFields(rule.threat)),
    tags: tagsText(rule.tags, []),
    kestrel: inner({ severity, references }),
  };
}

function packageText({ name, version, digest }: Alert["package"]): PackageText {
  return { ruleset: JSON.stringify(name), package: `"package":${JSON.stringify({ name, version, digest })}` };
}

/** The rule's tags, and then those of the event. */
function tagsText(tags: readonly string[], own: readonly string[]): string {
  return JSON.stringify([...new Set([...tags, ...own])]);
}

/** Values are texts, whatever they were: a field that is a number in one alert and a word in the next can be stored nowhere. */
function keyTexts({ rule, key }: Alert): string {
  if (key.length === 0) return "";
  const texts = key.map((part, index) => {
    const name = rule.keys.length === key.length ? rule.keys[index] : undefined;
    const value = part.startsWith('"') || part === "null" ? part : JSON.stringify(part);
    return `{${name === undefined ? "" : `"name":${JSON.stringify(name)},`}"value":${value}}`;
  });
  return texts.join(",");
}

/** Texts are joined by hand: `join` copies them, and they may be long. */
function eventTexts(events: Alert["events"]): string {
  let text = "";
  for (const event of events) text += `${text === "" ? "" : ","}${eventText(event)}`;
  return text;
}

function eventText(event: AlertEvent | null): string {
  if (event === null) return "null";
  const original = event.original === null ? "" : `"original":${JSON.stringify(event.original)},`;
  const place = `"file":${JSON.stringify(event.file)},"line":${event.fileLine}`;
  return `{${place},${captureTexts(event)}${event.isMalformed ? '"malformed":true,' : ""}${original}"event":${event.json}}`;
}

function captureTexts({ captures }: AlertEvent): string {
  if (captures.length === 0) return "";
  const texts = captures.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  return `"captures":{${texts.join(",")}},`;
}

/** The members of an object as JSON, without its brackets. */
function inner(object: object): string {
  return JSON.stringify(object).slice(1, -1);
}

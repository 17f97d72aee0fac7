// Alerts -> NDJSON lines, each an ECS document: the fields of the event that came last, ours over them, and under `kestrel` what
// ECS has no field for. docs/json.md lists every field.
//
// A line is put together from pieces of text: what belongs to the rule or the package is written once, and an event's fields stand
// in it as the event has them, so that no digit of a number is lost.
//
// INVARIANT: a line is JSON in which every field stands once, however an event spells `event`, `rule` or `kestrel`.

import type { ManifestRule } from "@kestrel/stdlib/package-format";
import { isoTime } from "../event/iso-time.js";
import { asFields, type Fields, type FieldValue, fieldsOf, itemsOf, putField, writeValue } from "../event/json-tree.js";
import type { Alert, AlertEvent } from "./alert.js";
import { ECS_VERSION, ruleFields, severityNumber, threatFields } from "./rule-to-ecs.js";

/** What belongs to a rule, as JSON; the parts of `event` and `threat` without brackets. */
interface RuleText {
  /** `"severity":73,"risk_score":73`. */
  readonly event: string;
  readonly rule: string;
  readonly threat: string;
  readonly severity: string;
  readonly references: string;
}

/** Roots that hold fields of ours. The event's other roots go through as they are. */
const OUR_ROOTS: ReadonlySet<string> = new Set(["@timestamp", "event", "rule", "threat", "tags", "ecs", "kestrel"]);
/** What the alert says of itself; the event's own stand in `kestrel.events`. */
const OUR_EVENT_FIELDS: readonly string[] = ["kind", "id", "severity", "risk_score", "risk_score_norm"];
const OUR_THREAT_FIELDS: readonly string[] = ["framework", "tactic", "technique"];
/** Elasticsearch takes no document with such a member: they are what it says about a document, left over from an export. */
const METADATA: ReadonlySet<string> = new Set([
  ...["_id", "_index", "_type", "_source", "_version", "_routing", "_seq_no", "_primary_term"],
  ...["_field_names", "_ignored", "_nested_path", "_tier", "_data_stream_timestamp"],
]);

const ruleTexts = new WeakMap<ManifestRule, RuleText>();
const packageTexts = new WeakMap<Alert["package"], { readonly ruleset: string; readonly json: string }>();

/** The line without its line feed. */
export function alertToJson(alert: Alert): string {
  const rule = remembered(ruleTexts, alert.rule, ruleText);
  const pack = remembered(packageTexts, alert.package, packageText);
  const { own, others } = splitFields(alert.last);
  const time = alert.ts === null ? "" : `"@timestamp":"${isoTime(alert.ts)}",`;
  const event = joined(`"kind":"alert","id":"${alert.id}"`, rule.event, fieldText(own, "event", OUR_EVENT_FIELDS));
  const threat = joined(rule.threat, fieldText(own, "threat", OUR_THREAT_FIELDS));
  return (
    `{${time}"event":{${event}},"rule":{${rule.rule},"ruleset":${pack.ruleset}},` +
    `${threat === "" ? "" : `"threat":{${threat}},`}"tags":${tagsText(alert.rule.tags, own.get("tags"))},` +
    `"ecs":{"version":"${ECS_VERSION}"},${others}"kestrel":${kestrelText(alert, rule, pack.json)}}`
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
  return {
    event: inner({ severity: severityNumber(rule.severity), risk_score: rule.risk_score ?? undefined }),
    rule: inner(ruleFields(rule)),
    threat: inner(threatFields(rule.threat)),
    severity: JSON.stringify(rule.severity),
    references: JSON.stringify(rule.references),
  };
}

function packageText({ name, version, digest }: Alert["package"]): { ruleset: string; json: string } {
  return { ruleset: JSON.stringify(name), json: JSON.stringify({ name, version, digest }) };
}

/** The event's fields below roots that hold fields of ours, and all others as members with a comma behind each. */
function splitFields({ object }: AlertEvent): { readonly own: Fields; readonly others: string } {
  const own: Fields = new Map();
  let others = "";
  if (object === null) return { own, others };
  const members = object.isPlain ? object.members : fieldsOf(object);
  for (const [name, value] of members) {
    const dot = name.indexOf(".");
    if (OUR_ROOTS.has(dot < 0 ? name : name.slice(0, dot))) putField(own, name, value);
    else if (!METADATA.has(name)) others += `${JSON.stringify(name)}:${writeValue(value)},`;
  }
  return { own, others };
}

/** The members of one of our roots as the event has them, without those that are ours; "" when it has none. */
function fieldText(own: Fields, root: string, ours: readonly string[]): string {
  const fields = asFields(own.get(root));
  if (fields === null) return "";
  for (const name of ours) fields.delete(name);
  return writeValue(fields).slice(1, -1);
}

/** The rule's tags, and then those of the event. */
function tagsText(tags: readonly string[], own: FieldValue | undefined): string {
  const texts = new Set(tags);
  for (const item of own === undefined ? [] : itemsOf(own)) {
    if (item.kind !== "scalar") continue;
    const text = writeValue(item);
    texts.add(text.startsWith('"') ? (JSON.parse(text) as string) : text);
  }
  return JSON.stringify([...texts]);
}

function kestrelText(alert: Alert, rule: RuleText, pack: string): string {
  const { id, kind, atEnd } = alert;
  return (
    `{"id":"${id}","kind":"${kind}","severity":${rule.severity},"references":${rule.references},` +
    `"key":[${keyTexts(alert).join(",")}],"events":[${alert.events.map(eventText).join(",")}],` +
    `${atEnd ? '"end_of_input":true,' : ""}"package":${pack}}`
  );
}

/** Values are texts, whatever they were: a field that is a number in one alert and a word in the next can be stored nowhere. */
function keyTexts({ rule, key }: Alert): string[] {
  return key.map((part, index) => {
    const name = rule.keys.length === key.length ? rule.keys[index] : undefined;
    const value = part.startsWith('"') || part === "null" ? part : JSON.stringify(part);
    return `{${name === undefined ? "" : `"name":${JSON.stringify(name)},`}"value":${value}}`;
  });
}

function eventText(event: AlertEvent | null): string {
  if (event === null) return "null";
  const original = event.original === null ? "" : `"original":${JSON.stringify(event.original)},`;
  const place = `"file":${JSON.stringify(event.file)},"line":${event.fileLine}`;
  const names = event.captures.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  const captures = names.length === 0 ? "" : `"captures":{${names.join(",")}},`;
  return `{${place},${captures}${event.isMalformed ? '"malformed":true,' : ""}${original}"event":${event.json}}`;
}

/** The members of an object as JSON, without its brackets. */
function inner(object: object): string {
  return JSON.stringify(object).slice(1, -1);
}

function joined(...members: readonly string[]): string {
  return members.filter((text) => text !== "").join(",");
}

// Alerts -> NDJSON lines, in the words of ECS: `@timestamp`, `rule.id`, `threat`, `tags`.
//
// A line is put together from pieces of text: what belongs to the rule or the package is written once, and events and keys
// stand in it as the alert has them.

import type { ManifestRule } from "@kestrel/stdlib/package-format";
import { isoTime } from "../event/iso-time.js";
import type { Alert } from "./alert.js";

interface RuleText {
  /** From `rule` to `risk_score`. */
  readonly before: string;
  /** `threat` and `tags`. */
  readonly after: string;
}

const ruleTexts = new WeakMap<ManifestRule, RuleText>();
const packageTexts = new WeakMap<Alert["package"], string>();

/** The line without its line feed. */
export function alertToJson(alert: Alert): string {
  const { before, after } = remembered(ruleTexts, alert.rule, ruleText);
  const pack = remembered(packageTexts, alert.package, packageText);
  const events = alert.events.map((event) => event?.json ?? "null");
  return (
    `{"@timestamp":"${isoTime(alert.ts)}","id":"${alert.id}",${before},"kind":"${alert.kind}",` +
    `"key":[${alert.key.join(",")}],${after},"events":[${events.join(",")}],"package":${pack}}`
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
  const { id, name, version, description } = rule;
  const shown = description === "" ? { id, name, version } : { id, name, version, description };
  return {
    before: `"rule":${JSON.stringify(shown)},"severity":${JSON.stringify(rule.severity)},"risk_score":${JSON.stringify(rule.risk_score)}`,
    after: `"threat":${JSON.stringify(rule.threat)},"tags":${JSON.stringify(rule.tags)}`,
  };
}

function packageText({ name, version, digest }: Alert["package"]): string {
  return JSON.stringify({ name, version, digest });
}

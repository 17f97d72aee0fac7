// Detections -> alerts as NDJSON lines, in the words of ECS: `@timestamp`, `rule.id`, `threat`, `tags`.
//
// An alert is put together from pieces of text: what belongs to the rule is written once, and events stand in it as they
// were read.
// INVARIANT: the same package and the same events give the same bytes; neither clock nor host is asked.

import { createHash } from "node:crypto";
import type { ManifestRule, PackageManifest } from "@kestrel/stdlib/package-format";
import { keyJson } from "../engine/join-keys.js";
import { type Detection, type EvidenceEvent, lastEvent } from "./detection.js";
import { evidenceJson } from "./evidence.js";
import { isoTime } from "./iso-time.js";

/** Hexadecimal digits of an alert's id. */
const ID_DIGITS = 32;

interface RuleText {
  /** From `rule` to `risk_score`. */
  readonly before: string;
  /** `threat` and `tags`. */
  readonly after: string;
}

/** A writer of the package's alerts: a line without its line feed. */
export function createAlertWriter(manifest: PackageManifest): (detection: Detection) => string {
  const texts = manifest.rules.map(ruleText);
  const { name, version, digest } = manifest.package;
  const pack = JSON.stringify({ name, version, digest });
  return (detection) => {
    const text = texts[detection.rule];
    const rule = manifest.rules[detection.rule];
    if (text === undefined || rule === undefined) throw new RangeError(`there is no rule ${detection.rule}`);
    const time = isoTime(lastEvent(detection).ts);
    const id = alertId(digest, rule.id, detection);
    const events = detection.events.map((event) => (event === null ? "null" : evidenceJson(event.line)));
    return (
      `{"@timestamp":"${time}","id":"${id}",${text.before},"kind":"${detection.kind}","key":${keyJson(detection.key)},` +
      `${text.after},"events":[${events.join(",")}],"package":${pack}}`
    );
  };
}

function ruleText(rule: ManifestRule): RuleText {
  const { id, name, version, description } = rule;
  const shown = description === "" ? { id, name, version } : { id, name, version, description };
  return {
    before: `"rule":${JSON.stringify(shown)},"severity":${JSON.stringify(rule.severity)},"risk_score":${JSON.stringify(rule.risk_score)}`,
    after: `"threat":${JSON.stringify(rule.threat)},"tags":${JSON.stringify(rule.tags)}`,
  };
}

/** The alert's name for ever: what matched, under which key, by which rule of which package. */
export function alertId(digest: string, rule: string, detection: Detection): string {
  const hash = createHash("sha256");
  // Each part is told from the next by its length, so no two detections are the same sequence of bytes.
  hash.update(`${digest} ${rule.length} ${rule} ${detection.key.length} ${detection.key}`);
  for (const event of detection.events) hashEvent(hash, event);
  return hash.digest("hex").slice(0, ID_DIGITS);
}

function hashEvent(hash: ReturnType<typeof createHash>, event: EvidenceEvent | null): void {
  if (event === null) {
    hash.update(" -");
    return;
  }
  hash.update(` ${event.ordinal} ${event.line.length} `);
  hash.update(event.line);
}

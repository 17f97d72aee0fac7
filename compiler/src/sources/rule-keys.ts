// A key of a rule file -> whether it means something, belongs to a format that real rules come in, or was misspelt.
//
// A misspelt key would silently lose what it says: `severty: critical` gives a rule of medium severity. In Kestrel's own format,
// YAML, every key must be one of these, and what is the author's own stands under `metadata`. TOML and JSON files come from other
// tools too, whose keys nobody can list; there a key is only refused when it is nearly one that has a meaning.

import { editBound, editDistance } from "@kestrel/stdlib/schema/schema";

/** Keys that become part of the rule and so never stand in its metadata. */
export const RULE_KEYS: ReadonlySet<string> = new Set([
  ...["id", "name", "description", "version", "author", "severity", "risk_score", "tags", "reference", "references"],
  ...[
    "threat",
    "tests",
    "suppress",
    "dialect",
    "event_category_override",
    "timestamp_field",
    "tiebreaker_field",
    "query",
    "predicates",
  ],
  ...["metadata", "enabled"],
]);

/** Keys that have a meaning and are kept in the metadata as well. */
const READ_TOO: readonly string[] = ["rule_id", "type", "language", "index", "integration"];

/** Keys that other tools write and Kestrel does not need: Elastic's rule files and exports, its endpoint's, pySigma's. */
const FOREIGN_KEYS: ReadonlySet<string> = new Set([
  ...["actions", "alert_suppression", "alias_purpose", "alias_target_id", "api_version", "attack", "building_block"],
  ...["building_block_type", "confidence", "created_at", "created_by", "data_view_id", "date", "exceptions_list"],
  ...["execution_summary", "false_positives", "falsepositives", "fields", "filters", "from", "immutable", "internal"],
  ...["interval", "investigation_fields", "kind", "level", "licence", "license", "logsource", "max_signals", "meta"],
  ...[
    "min_endpoint_version",
    "min_stack",
    "min_stack_version",
    "modified",
    "namespace",
    "note",
    "optional_actions",
    "os",
  ],
  ...["os_list", "outcome", "output_index", "path", "platform", "related_integrations", "required_fields"],
  ...["response_actions", "revision", "risk_score_mapping", "rule_name_override", "rule_source", "setup"],
  ...["severity_mapping", "status", "throttle", "timeline_id", "timeline_title", "timestamp_override"],
  ...["timestamp_override_fallback_disabled", "title", "to", "transform", "updated_at", "updated_by"],
]);

/** Shorter names are near to too many: `_id` and `uid` are no slips for `id`. */
const SHORTEST_SLIP = 4;

const MEANT: readonly string[] = [...RULE_KEYS, ...READ_TOO];
const KNOWN: ReadonlySet<string> = new Set([...MEANT, ...FOREIGN_KEYS]);

export function isKnownKey(key: string): boolean {
  return KNOWN.has(key);
}

/** Of keys that were looked at: the rules of a pack have the same ones. */
const meant = new Map<string, string | null>();

/** The key with a meaning that was probably meant; null for a key that is known, or near to none. */
export function meantKey(key: string): string | null {
  if (KNOWN.has(key)) return null;
  const before = meant.get(key);
  if (before !== undefined) return before;
  const found = nearestKey(key);
  meant.set(key, found);
  return found;
}

function nearestKey(key: string): string | null {
  const lower = key.toLowerCase();
  if (key.length < SHORTEST_SLIP) return MEANT.find((known) => known === lower) ?? null;
  const plain = squash(lower);
  const same = MEANT.find((known) => squash(known) === plain);
  if (same !== undefined) return same;
  const bound = editBound(key.length);
  const near = MEANT.filter((known) => known.length >= SHORTEST_SLIP)
    .map((known) => ({ known, edits: editDistance(lower, known, bound) }))
    .filter(({ edits }) => edits <= bound)
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.known ?? null;
}

/** Whether a name is one slip away from a known one. */
export function isNear(written: string, known: string): boolean {
  return written !== known && editDistance(written.toLowerCase(), known, 1) <= 1;
}

/** `riskScore` and `risk-score` are `risk_score`. */
function squash(lower: string): string {
  return lower.replace(/[_-]/g, "");
}

// The event that came last -> what stands of it at the top of an alert: its own fields beside ours.

import {
  asFields,
  type Fields,
  type FieldValue,
  fieldsOf,
  itemsOf,
  type JsonObject,
  parseObject,
  putField,
  writeValue,
} from "../event/json-tree.js";
import {
  divideMembers,
  memberName,
  memberObject,
  memberText,
  nameSet,
  type OutlinedObject,
} from "../event/outlined-object.js";

/** Members as JSON, a comma between them; "" for none. */
export interface TopFields {
  /** Below `event` and `threat`, without those that are ours. */
  readonly event: string;
  readonly threat: string;
  /** All that do not stand below roots that hold fields of ours. */
  readonly others: string;
  readonly tags: readonly string[];
}

/** Roots that hold fields of ours. The event's other roots go through as they are. */
const OUR_ROOTS: ReadonlySet<string> = new Set(["@timestamp", "event", "rule", "threat", "tags", "ecs", "kestrel"]);
/** What the alert says of itself; the event's own stand in `kestrel.events`. */
const OUR_EVENT_FIELDS: ReadonlySet<string> = new Set(["kind", "id", "severity", "risk_score", "risk_score_norm"]);
const OUR_THREAT_FIELDS: ReadonlySet<string> = new Set(["framework", "tactic", "technique"]);
/** Elasticsearch takes no document with such a member: they are what it says about a document, left over from an export. */
const METADATA: ReadonlySet<string> = new Set([
  ...["_id", "_index", "_type", "_source", "_version", "_routing", "_seq_no", "_primary_term"],
  ...["_field_names", "_ignored", "_nested_path", "_tier", "_data_stream_timestamp"],
]);

/** Those of our roots that may hold fields of the event's too. */
const SHARED_ROOTS: ReadonlySet<string> = new Set(["event", "threat", "tags"]);

/** What does not stand at the top as the event has it. */
const TAKEN = nameSet([...OUR_ROOTS, ...METADATA], (name) => OUR_ROOTS.has(rootOf(name)) || METADATA.has(name));
const TAKEN_OF_EVENT = nameSet(OUR_EVENT_FIELDS, (name) => OUR_EVENT_FIELDS.has(name));
const TAKEN_OF_THREAT = nameSet(OUR_THREAT_FIELDS, (name) => OUR_THREAT_FIELDS.has(name));

const NO_FIELDS: TopFields = { event: "", threat: "", others: "", tags: [] };

/** What was taken last. Several rules match one event, and their alerts come one after the other. */
let latest: { readonly object: OutlinedObject | JsonObject; readonly fields: TopFields } | null = null;

export function topFieldsOf(object: OutlinedObject | JsonObject | null): TopFields {
  if (object === null) return NO_FIELDS;
  if (latest?.object !== object) {
    latest = { object, fields: object.kind === "outlined" ? ofOutline(object) : ofTree(object) };
  }
  return latest.fields;
}

/** Of an event that has an outline only what is spelt in another way than ECS has it, and tags, becomes a tree. */
function ofOutline(object: OutlinedObject): TopFields {
  const { text, others } = divideMembers(object, TAKEN);
  let event = "";
  let threat = "";
  const left: string[] = [];
  for (const index of others) {
    const name = memberName(object, index);
    const inner = name === "event" || name === "threat" ? memberObject(object, index) : null;
    if (inner === null || inner.outline.hasDots) {
      if (SHARED_ROOTS.has(rootOf(name))) left.push(memberText(object, index));
    } else if (name === "event") event = divideMembers(inner, TAKEN_OF_EVENT).text;
    else threat = divideMembers(inner, TAKEN_OF_THREAT).text;
  }
  if (left.length === 0) return { event, threat, others: text, tags: NO_FIELDS.tags };
  // Where fields stand once a root has one member, so what is found there was not found here.
  const rest = parseObject(`{${left.join(",")}}`);
  const found = rest === null ? NO_FIELDS : ofTree(rest);
  return { event: event || found.event, threat: threat || found.threat, others: text, tags: found.tags };
}

function ofTree(object: JsonObject): TopFields {
  const own: Fields = new Map();
  const others: string[] = [];
  const members = object.isPlain ? object.members : fieldsOf(object);
  for (const [name, value] of members) {
    if (OUR_ROOTS.has(rootOf(name))) putField(own, name, value);
    else if (!METADATA.has(name)) others.push(`${JSON.stringify(name)}:${writeValue(value)}`);
  }
  return {
    event: fieldText(own, "event", OUR_EVENT_FIELDS),
    threat: fieldText(own, "threat", OUR_THREAT_FIELDS),
    others: others.join(","),
    tags: tagsOf(own.get("tags")),
  };
}

function rootOf(name: string): string {
  const dot = name.indexOf(".");
  return dot < 0 ? name : name.slice(0, dot);
}

/** The members of one of our roots as the event has them, without those that are ours. */
function fieldText(own: Fields, root: string, ours: ReadonlySet<string>): string {
  const fields = asFields(own.get(root));
  if (fields === null) return "";
  for (const name of ours) fields.delete(name);
  return writeValue(fields).slice(1, -1);
}

function tagsOf(own: FieldValue | undefined): string[] {
  const tags: string[] = [];
  for (const item of own === undefined ? [] : itemsOf(own)) {
    if (item.kind !== "scalar") continue;
    const text = writeValue(item);
    tags.push(text.startsWith('"') ? (JSON.parse(text) as string) : text);
  }
  return tags;
}

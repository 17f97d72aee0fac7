// Where the measured input comes from: real rules and recordings when the corpora stand beside the project, otherwise the
// project's own rules and story, repeated.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CORPORA = join(ROOT, "../shared/corpora");
const RECORDINGS = join(CORPORA, "events/otrf-windows-ecs");
const STORY = join(ROOT, "examples/story/web-server-intrusion.ndjson");

const NEWLINE = 10;

export interface RulePath {
  readonly name: string;
  readonly path: string;
}

export interface Input {
  /** The same name stands for the same bytes. */
  readonly name: string;
  readonly rules: RulePath;
  /** Whole lines. */
  readonly chunks: readonly Buffer[];
  readonly events: number;
  readonly bytes: number;
}

const OWN_RULES: RulePath = { name: "rules/", path: join(ROOT, "rules") };
const ELASTIC_RULES: RulePath = { name: "Elastic detection rules", path: join(CORPORA, "rules-toml") };
const SIGMA_RULES: RulePath = { name: "Sigma rules in EQL", path: join(CORPORA, "rules/sigma-eql.json") };

/** Packs whose compile time and size are worth knowing. */
export function packs(): readonly RulePath[] {
  return [OWN_RULES, ELASTIC_RULES, SIGMA_RULES].filter(({ path }) => existsSync(path));
}

/** What the packs of `packs.ts` are made of. */
export const PACK_PATHS = {
  toml: [ELASTIC_RULES.path],
  endpoint: [join(CORPORA, "rules/elastic-protections-artifacts.json")],
  elastic: ["elastic-detection-rules", "elastic-protections-artifacts", "elastic-hunting"].map((name) =>
    join(CORPORA, `rules/${name}.json`),
  ),
  sigma: [SIGMA_RULES.path],
} as const;

export function hasRecordings(): boolean {
  return existsSync(RECORDINGS);
}

/** At least `wanted` events of recorded attacks on Windows: whole recordings, chosen by name and played by date. */
export function recordings(wanted: number): Input {
  const chosen: { readonly bytes: Buffer; readonly began: string }[] = [];
  let events = 0;
  for (const file of readdirSync(RECORDINGS).sort()) {
    if (events >= wanted) break;
    const unpacked = gunzipSync(readFileSync(join(RECORDINGS, file)));
    const bytes = unpacked.at(-1) === NEWLINE ? unpacked : Buffer.concat([unpacked, Buffer.from("\n")]);
    chosen.push({ bytes, began: firstTime(bytes) });
    events += countLines(bytes);
  }
  // One stream whose time does not jump back a month, which would make every event of a recording a late one.
  chosen.sort((a, b) => (a.began < b.began ? -1 : a.began > b.began ? 1 : 0));
  const chunks = chosen.map(({ bytes }) => bytes);
  const name = `otrf-windows-ecs, ${chunks.length} recordings, ${events} events`;
  return { name, rules: ELASTIC_RULES, chunks, events, bytes: total(chunks) };
}

/** Recorded events of other systems and sensors, each of its own kind; made-up ones are left out. */
const OTHER_RECORDINGS: readonly string[] = [
  ...["elastic-endpoint-samples-ecs.ndjson", "elastic-integrations-ecs.ndjson.gz", "evtx-samples-ecs.ndjson.gz"],
  ...["eqllib-sysmon-atomic-red-team-ecs.ndjson.gz", "linux-auditd-golibaudit-ecs.ndjson"],
  ...["linux-sysflow-ecs.ndjson.gz", "linux-sysmon-log4shell-ecs.ndjson"],
];

/** Those of the other recordings that stand beside the project. */
export function otherRecordings(): Input[] {
  return OTHER_RECORDINGS.map((name) => ({ name, path: join(CORPORA, "events", name) }))
    .filter(({ path }) => existsSync(path))
    .map(({ name, path }) => {
      const read = readFileSync(path);
      const unpacked = name.endsWith(".gz") ? gunzipSync(read) : read;
      const bytes = unpacked.at(-1) === NEWLINE ? unpacked : Buffer.concat([unpacked, Buffer.from("\n")]);
      return { name, rules: ELASTIC_RULES, chunks: [bytes], events: countLines(bytes), bytes: bytes.length };
    });
}

/** At least `wanted` events: the story again and again, every time two hours after the last, when no rule remembers it any more. */
export function story(wanted: number): Input {
  const text = readFileSync(STORY, "utf8");
  const lines = countLines(Buffer.from(text));
  const times = Math.ceil(wanted / lines);
  const chunks = Array.from({ length: times }, (_, time) =>
    Buffer.from(text.replaceAll(/"20[^"]{8}T[^"]+Z"/g, (quoted) => later(quoted, 2 * time))),
  );
  const events = times * lines;
  return {
    name: `the story, ${times} times, ${events} events`,
    rules: OWN_RULES,
    chunks,
    events,
    bytes: total(chunks),
  };
}

/** A quoted ISO time some hours later, its fraction as it was. */
function later(quoted: string, hours: number): string {
  const moved = new Date(Date.parse(`${quoted.slice(1, 20)}Z`) + hours * 3_600_000);
  return `"${moved.toISOString().slice(0, 19)}${quoted.slice(20)}`;
}

/** Every line as a string of its own, which is what `JSON.parse` likes best. */
export function linesOf(chunks: readonly Buffer[]): string[] {
  const lines: string[] = [];
  for (const chunk of chunks) {
    for (let start = 0; start < chunk.length; ) {
      const end = chunk.indexOf(NEWLINE, start);
      lines.push(chunk.toString("utf8", start, end));
      start = end + 1;
    }
  }
  return lines;
}

function firstTime(bytes: Buffer): string {
  const event: unknown = JSON.parse(bytes.toString("utf8", 0, bytes.indexOf(NEWLINE)));
  return String((event as Readonly<Record<string, unknown>>)["@timestamp"]);
}

function total(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

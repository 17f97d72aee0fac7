// Where the measured input comes from: real rules and recordings when the corpora stand beside the project, otherwise the
// project's own rules and story, repeated.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CORPORA = join(ROOT, "../shared/corpora");
const RECORDINGS = join(CORPORA, "events/otrf-windows-ecs");
const STORY = join(ROOT, "examples/story/web-server-intrusion.ndjson");

export interface Input {
  readonly name: string;
  readonly rules: string;
  /** Whole lines. */
  readonly chunks: readonly Buffer[];
  readonly events: number;
  readonly bytes: number;
}

/** Packs whose compile time and size are worth knowing. */
export function packs(): readonly { readonly name: string; readonly path: string }[] {
  const own = { name: "rules/", path: join(ROOT, "rules") };
  if (!existsSync(CORPORA)) return [own];
  return [
    own,
    { name: "elastic detection rules", path: join(CORPORA, "rules-toml") },
    { name: "sigma rules in EQL", path: join(CORPORA, "rules/sigma-eql.json") },
  ];
}

/** At least `wanted` events, whole recordings in the order of their names. */
export function input(wanted: number): Input {
  return existsSync(RECORDINGS) ? recordings(wanted) : story(wanted);
}

function recordings(wanted: number): Input {
  const chunks: Buffer[] = [];
  let events = 0;
  for (const file of readdirSync(RECORDINGS).sort()) {
    if (events >= wanted) break;
    const bytes = gunzipSync(readFileSync(join(RECORDINGS, file)));
    const whole = bytes.at(-1) === 10 ? bytes : Buffer.concat([bytes, Buffer.from("\n")]);
    chunks.push(whole);
    events += countLines(whole);
  }
  return { name: `${chunks.length} recordings of otrf-windows-ecs`, rules: join(CORPORA, "rules-toml"), chunks, events, bytes: total(chunks) };
}

function story(wanted: number): Input {
  const one = readFileSync(STORY);
  const lines = countLines(one);
  const times = Math.ceil(wanted / lines);
  const chunks = Array.from({ length: times }, () => one);
  return { name: `the story, ${times} times`, rules: join(ROOT, "rules"), chunks, events: times * lines, bytes: total(chunks) };
}

function total(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}
